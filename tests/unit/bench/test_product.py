"""The benchmarks drive the product as it is: imported, asked at every level, started over STDIO."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbench import commands
from mailbench.archive import Plan
from mailbench.cache import Archive, synthetic
from mailbench.importing import measure_ours
from mailbench.ours import Level, Ours
from mailbench.questions import questions, sample
from mailbench.starting import ERAS, ours, time_to_first_answer


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILQUERY_BENCH_DIR", str(tmp_path_factory.mktemp("bench")))
        made = synthetic(Plan(500, seed=11))
        measured = measure_ours(made)
        assert measured.messages == 500
        assert measured.together_peak >= measured.parent_peak * 0.5 > 0
        assert measured.index_bytes > 500_000
        yield made


async def test_every_term_finds_the_messages_in_which_it_is_a_substring(archive: Archive) -> None:
    async with Ours.open(commands.home_of(archive)) as ours:
        assert {term: await ours.total(term) for term in archive.truth} == archive.truth


async def test_all_levels_give_the_same_answer_to_every_kind_of_question(archive: Archive) -> None:
    async with Ours.open(commands.home_of(archive)) as ours:
        for kind in questions(sample(archive.maildir), 2):
            for question in kind.questions:
                hits = {level: await ours.ask(level, question.ours, kind.action) for level in Level}
                assert len(set(hits.values())) == 1, (kind.name, question.ours, hits)


@pytest.mark.parametrize("era", ERAS)
def test_a_server_answers_its_first_search(archive: Archive, era: str) -> None:
    server = ours(commands.environment(commands.home_of(archive)))
    assert 0 < time_to_first_answer(server, ERAS[era](server.call)) < 60


def test_an_archive_is_made_once(archive: Archive) -> None:
    facts = archive.maildir.parent / "facts.json"
    before = facts.stat().st_mtime_ns
    assert synthetic(Plan(500, seed=11)) == archive
    assert facts.stat().st_mtime_ns == before
    assert json.loads(facts.read_text("utf-8"))["messages"] == 500


def test_an_archive_that_was_not_finished_is_made_anew(archive: Archive) -> None:
    (archive.maildir.parent / "facts.json").unlink()
    left = archive.maildir / "cur" / "half"
    left.write_bytes(b"half a mess")
    assert synthetic(Plan(500, seed=11)).truth == archive.truth
    assert not left.exists()


def test_settings_of_the_user_do_not_reach_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILQUERY_ANSWERS__MAX_CHARS", "1")
    given = commands.environment(Path("/somewhere"))
    assert {name for name in given if name.startswith("MAILQUERY_")} == {"MAILQUERY_HOME", "MAILQUERY_LOG__LEVEL"}

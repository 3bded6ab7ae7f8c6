"""Questions are chosen from the archive by frequency, the same each time, and said in each program's language."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mailbench.archive import Plan, write_maildir
from mailbench.questions import Action, Kind, Sample, questions, sample
from mailquery.query.parser import parse


@pytest.fixture(scope="module")
def maildir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "Maildir"
    write_maildir(Plan(750, seed=3), folder, processes=1)
    return folder


@pytest.fixture(scope="module")
def taken(maildir: Path) -> Sample:
    return sample(maildir)


@pytest.fixture(scope="module")
def kinds(taken: Sample) -> dict[str, Kind]:
    return {kind.name: kind for kind in questions(taken, 10)}


def test_every_kind_has_questions_and_no_question_twice(kinds: dict[str, Kind]) -> None:
    assert len(kinds) == 28
    for kind in kinds.values():
        assert len(set(kind.questions)) == len(kind.questions) <= 10
    assert len(kinds["common word"].questions) == 10


def test_the_same_archive_gives_the_same_questions(maildir: Path, kinds: dict[str, Kind]) -> None:
    assert {kind.name: kind for kind in questions(sample(maildir), 10)} == kinds


def test_terms_are_as_frequent_as_their_kind_says(taken: Sample, kinds: dict[str, Kind]) -> None:
    assert all(0.05 <= taken.words[one.ours] / taken.size <= 0.6 for one in kinds["common word"].questions)
    assert all(taken.words[one.ours] == 1 for one in kinds["rare word"].questions)


def test_every_question_is_one_of_our_language(kinds: dict[str, Kind]) -> None:
    for kind in kinds.values():
        if kind.action in {Action.NEWEST, Action.RELEVANT}:
            for one in kind.questions:
                assert parse(one.ours, zone=ZoneInfo("UTC"), now=datetime(2026, 1, 1, tzinfo=UTC)).notes == ()


def test_mail_in_one_script_leaves_out_the_questions_in_others() -> None:
    taken = Sample(size=100)
    taken.words.update({"plain": 50, "rare": 1})
    names = {kind.name for kind in questions(taken, 10)}
    assert "common word" in names
    assert not names & {"CJK, 2 characters", "Thai", "from + year", "two common, AND"}


def test_all_mail_of_a_maildir_is_sampled_evenly(taken: Sample) -> None:
    assert taken.size == 750
    assert set(taken.mailboxes) == {"", "Sent", "Archive", "Lists"}
    assert len(taken.years) >= 6

"""What a policy withholds exists nowhere: every answer is that of an archive into which it was never imported."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from mailquery.domain.handles import thread_handle
from mailquery.domain.policy import NO_POLICY
from policy.archives import ROLES, comparable, every_answer, fill, places_left, random_letters, random_policy
from support.archives import Archive, temporary_archive

_SHOWN_THREADS = "SELECT thread, min(key) FROM messages WHERE id NOT IN (SELECT message FROM withheld) GROUP BY thread"


async def answers(
    archive: Archive, file: Path, asked: Sequence[str], accounts: frozenset[str] | None
) -> dict[str, str]:
    """By question. A thread is named by a message of it, since its id may come from one that is withheld."""
    with closing(sqlite3.connect(file)) as connection:
        threads = {thread_handle(thread): f"the thread of {key}" for thread, key in connection.execute(_SHOWN_THREADS)}
    return {
        str(question): comparable(answer, threads) async for question, answer in every_answer(archive, asked, accounts)
    }


@pytest.mark.parametrize("seed", [1, 2, 5, 7])
async def test_every_answer_is_that_of_an_archive_without_it(tmp_path: Path, seed: int) -> None:
    letters, policy = random_letters(seed), random_policy(seed)
    asked = [letter.mail.id for letter in letters]
    left = [letter for letter in letters if not letter.is_covered(policy)]
    assert 0 < len(left) < len(letters)
    async with (
        temporary_archive(tmp_path / "all", policy=policy if seed % 2 else NO_POLICY) as archive,
        temporary_archive(tmp_path / "left") as never,
    ):
        await fill(archive, letters, list(ROLES))
        await archive.apply_policy(policy)
        await fill(never, left, places_left(policy))
        assert (await archive.policies.standing()).withheld == len(letters) - len(left)
        for accounts in (None, frozenset({"home"})):
            found = await answers(archive, tmp_path / "all" / "mail.db", asked, accounts)
            expected = await answers(never, tmp_path / "left" / "mail.db", asked, accounts)
            assert found.keys() == expected.keys()
            differing = [question for question, answer in found.items() if answer != expected[question]]
            assert not differing, "\n".join(f"{q}\n  {found[q]}\n  {expected[q]}" for q in differing[:3])

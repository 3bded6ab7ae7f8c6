"""An archive from which messages were removed answers as one that never had them."""

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from mailquery.domain.policy import NO_POLICY, Policy
from policy.archives import ROLES, fill, random_letters
from removal.archives import answers, ask, check, compare, take_out
from support.archives import temporary_archive


@pytest.mark.parametrize(
    ("seed", "policy"),
    [(1, NO_POLICY), (2, NO_POLICY), (3, Policy(mailboxes=("private",), domains=("park.example",)))],
)
async def test_every_answer_is_that_of_an_archive_without_them(tmp_path: Path, seed: int, policy: Policy) -> None:
    letters = random_letters(seed, 24)
    going = Random(seed).sample(letters, len(letters) // 3)
    left = [letter for letter in letters if letter not in going]
    asked = [letter.mail.id for letter in (*going[:3], *left[:3])]
    file, other = tmp_path / "all" / "mail.db", tmp_path / "left" / "mail.db"
    async with (
        temporary_archive(tmp_path / "all", policy=policy) as archive,
        temporary_archive(tmp_path / "left", policy=policy) as never,
    ):
        await fill(archive, letters, list(ROLES))
        await answers(archive, file, asked[:1])  # what is kept in memory must not be told later
        take_out(file, [letter.mail.id for letter in going])
        await fill(never, left, list(ROLES))
        await compare(archive, file, never, other, asked)
        assert ask(file, "SELECT * FROM removed") == []
        check(file)


@pytest.mark.parametrize("lost", ["DELETE FROM indexed", "UPDATE indexed SET digest = digest + 1"])
async def test_nothing_is_found_by_words_that_could_not_be_taken_out(tmp_path: Path, lost: str) -> None:
    letters = random_letters(4, 24)
    going = Random(4).sample(letters, len(letters) // 3)
    left = [letter for letter in letters if letter not in going]
    asked = [letter.mail.id for letter in (*going[:3], *left[:3])]
    file, other = tmp_path / "all" / "mail.db", tmp_path / "left" / "mail.db"
    async with temporary_archive(tmp_path / "all") as archive, temporary_archive(tmp_path / "left") as never:
        await fill(archive, letters, list(ROLES))
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute(lost)
        take_out(file, [letter.mail.id for letter in going])
        await fill(never, left, list(ROLES))
        assert ask(file, "SELECT count(*) FROM removed") == [(len(going),)]
        await compare(archive, file, never, other, asked)
        # Others come into the same seconds, and the removed ones come back: none is found by another's words.
        later = [letter for number, letter in enumerate(going) if number % 2]
        await fill(archive, later, list(ROLES))
        await fill(never, later, list(ROLES))
        await compare(archive, file, never, other, asked)
        check(file)


async def test_what_comes_back_is_found_again_under_its_id(tmp_path: Path) -> None:
    letters = random_letters(5, 24)
    every = [letter.mail.id for letter in letters]
    asked = every[12:18]
    file = tmp_path / "mail.db"
    async with temporary_archive(tmp_path) as archive:
        await fill(archive, letters, list(ROLES))
        before = await answers(archive, file, asked)
        take_out(file, every[8:16])
        await fill(archive, letters, list(ROLES))
        assert await answers(archive, file, asked) == before
        check(file)


async def test_an_emptied_archive_is_as_a_new_one(tmp_path: Path) -> None:
    letters = random_letters(6, 24)
    every = [letter.mail.id for letter in letters]
    asked = every[8:14]
    file, other = tmp_path / "all" / "mail.db", tmp_path / "new" / "mail.db"
    async with temporary_archive(tmp_path / "all") as archive, temporary_archive(tmp_path / "new") as never:
        await fill(archive, letters, list(ROLES))
        take_out(file, every)
        await fill(never, [], list(ROLES))
        await compare(archive, file, never, other, asked)
        assert ask(file, "SELECT * FROM words UNION ALL SELECT name, address FROM participants") == []
        await fill(archive, letters[:12], list(ROLES))
        await fill(never, letters[:12], list(ROLES))
        await compare(archive, file, never, other, asked)

"""What a policy withholds exists nowhere: every answer is that of an archive into which it was never imported."""

from pathlib import Path

import pytest

from policy.archives import comparable, every_answer, fill, places_left, random_letters, random_policy
from mailquery.domain.handles import thread_handle
from mailquery.domain.policy import NO_POLICY, Policy
from policy.archives import ROLES
from support.archives import Archive, temporary_archive


async def answers(archive: Archive, asked: list[str], accounts: frozenset[str] | None) -> dict[str, str]:
    threads = {}
    database = archive.policies._archive

    def read(connection):  # type: ignore[no-untyped-def]
        return connection.execute(
            "SELECT thread, min(key) FROM messages WHERE id NOT IN (SELECT message FROM withheld) GROUP BY thread"
        ).fetchall()

    for thread, key in await database.read(read):
        threads[thread_handle(thread)] = f"thread of {key}"
    return {
        str(question): comparable(answer, threads)
        async for question, answer in every_answer(archive, asked, accounts)
    }


@pytest.mark.parametrize("accounts", [None, frozenset({"home"})], ids=["everything", "one account"])
@pytest.mark.parametrize("seed", range(6))
async def test_every_answer_is_that_of_an_archive_without_it(
    tmp_path: Path, seed: int, accounts: frozenset[str] | None
) -> None:
    letters, policy = random_letters(seed), random_policy(seed)
    asked = [letter.mail.id for letter in letters]
    left = [letter for letter in letters if not letter.is_covered(policy)]
    at_import: Policy = policy if seed % 2 else NO_POLICY
    async with (
        temporary_archive(tmp_path / "all", policy=at_import) as archive,
        temporary_archive(tmp_path / "left") as never,
    ):
        await fill(archive, letters, list(ROLES))
        await archive.apply_policy(policy)
        await fill(never, left, places_left(policy))
        assert (await archive.policies.standing()).withheld == len(letters) - len(left)
        found, expected = await answers(archive, asked, accounts), await answers(never, asked, accounts)
    assert found.keys() == expected.keys()
    differing = [question for question, answer in found.items() if answer != expected[question]]
    assert not differing, "\n".join(f"{q}\n  {found[q]}\n  {expected[q]}" for q in differing[:3])

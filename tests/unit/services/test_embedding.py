"""Messages are embedded in the background, completely, and what is quoted is not."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mailquery.embedding.static import StaticEmbedder
from mailquery.repositories.records import EmbeddingProgress
from mailquery.services.embedding import EmbedMail, KeepEmbedded
from mailquery.services.meaning import Background
from mcpkit.errors import ErrorCode, Fault
from support.archives import Archive, Mail, temporary_archive


def mails(count: int, first: int = 0) -> list[Mail]:
    return [Mail(subject=f"Letter {number}", text=f"About matter {number}.") for number in range(first, first + count)]


async def embedded(archive: Archive) -> int:
    return (await archive.embed.vectors.progress()).messages


async def until_embedded(archive: Archive, count: int) -> None:
    while await embedded(archive) < count:
        await asyncio.sleep(0.01)


class Listening(StaticEmbedder):
    """Keeps what it is given, and fails as often as it is told before it embeds."""

    def __init__(self, *failures: Fault) -> None:
        super().__init__()
        self.failures = list(failures)
        self.texts: list[str] = []

    async def embed(self, texts: Sequence[str]) -> Any:
        if self.failures:
            raise self.failures.pop(0)
        self.texts += texts
        return await super().embed(texts)


async def test_everything_is_embedded_and_progress_told(archive: Archive) -> None:
    await archive.add(*mails(25))
    told: list[tuple[int, int]] = []
    embed = EmbedMail(archive.embed.vectors, archive.embed.embedder, batch=10)
    assert await embed(lambda progress: told.append((progress.messages, progress.total))) == 25
    assert told == [(10, 25), (20, 25), (25, 25)]
    assert await embed() == 0
    await archive.add(*mails(2, 25))
    assert await embed() == 2


async def test_quoted_history_is_not_embedded(archive: Archive) -> None:
    await archive.add(
        Mail(
            subject="Re: plan", text="Fine with me.\n\nOn Monday, Bo wrote:\n> the submarine leaves at dawn\n> really\n"
        )
    )
    listening = Listening()
    await EmbedMail(archive.embed.vectors, listening)()
    assert listening.texts == ["Re: plan\nFine with me."]


async def test_text_in_any_script_is_embedded(archive: Archive) -> None:
    await archive.add(
        Mail(subject="예산안", text="금요일 회의에서 예산안을 논의합니다. " * 100),
        Mail(subject="ประชุม", text="ประชุมวันศุกร์เวลาเก้าโมงเช้า" * 100),
        Mail(subject="会議", text="会議の資料を送ります。" * 300),
    )
    assert await archive.embed() == 3


async def test_a_failure_of_the_model_keeps_what_is_stored(archive: Archive) -> None:
    await archive.add(*mails(5))
    failing = Listening()
    embed = EmbedMail(archive.embed.vectors, failing, batch=2)

    def fail_next(_: object) -> None:
        failing.failures = [Fault(ErrorCode.SERVICE_UNAVAILABLE, "away")]

    with pytest.raises(Fault, match="away"):
        await embed(fail_next)
    assert await embedded(archive) == 2
    assert await embed() == 3


async def test_mail_that_arrives_beside_a_server_is_embedded(archive: Archive) -> None:
    await archive.add(*mails(5))
    task = asyncio.create_task(KeepEmbedded(archive.embed, first_look=0.01, between_looks=0.01)())
    try:
        await asyncio.wait_for(until_embedded(archive, 5), 20)
        await archive.add(*mails(7, 5))
        await asyncio.wait_for(until_embedded(archive, 12), 20)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_server_tries_again_after_a_failure_that_passes(archive: Archive) -> None:
    await archive.add(*mails(3))
    passing = (ErrorCode.SERVICE_UNAVAILABLE, ErrorCode.TIMEOUT, ErrorCode.STORAGE_FULL)
    listening = Listening(*(Fault(code, "not now") for code in passing))
    keep = KeepEmbedded(EmbedMail(archive.embed.vectors, listening), first_look=0.01, between_looks=0.01)
    task = asyncio.create_task(keep())
    await asyncio.wait_for(until_embedded(archive, 3), 20)
    assert not listening.failures
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_server_gives_up_where_trying_again_does_not_help(archive: Archive) -> None:
    await archive.add(*mails(3))
    listening = Listening(Fault(ErrorCode.CONFIGURATION, "The key is wrong."))
    background = Background()
    embed = EmbedMail(archive.embed.vectors, listening)
    await asyncio.wait_for(KeepEmbedded(embed, background, first_look=0.01, between_looks=0.01)(), 20)
    assert await embedded(archive) == 0
    assert background.stopped == "The key is wrong. Nothing more is embedded until the server is restarted."


async def test_what_holds_embedding_up_is_told_until_it_has_passed(archive: Archive) -> None:
    await archive.add(*mails(3))
    listening = Listening(Fault(ErrorCode.SERVICE_UNAVAILABLE, "It is away."))
    background = Background()
    embed = EmbedMail(archive.embed.vectors, listening)
    task = asyncio.create_task(KeepEmbedded(embed, background, first_look=0.01, between_looks=0.2)())

    async def until(stopped: str) -> None:
        while background.stopped != stopped:
            await asyncio.sleep(0.01)

    try:
        await asyncio.wait_for(until("It is away. It is tried again."), 20)
        await asyncio.wait_for(until(""), 20)
        await asyncio.wait_for(until_embedded(archive, 3), 20)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_two_servers_with_different_models_do_not_undo_each_other_for_ever(archive: Archive) -> None:
    await archive.add(*mails(3))
    keep = asyncio.create_task(KeepEmbedded(archive.embed, first_look=0.01, between_looks=0.01)())
    await asyncio.wait_for(until_embedded(archive, 3), 20)
    await asyncio.sleep(0.1)  # so that it has seen that it is finished
    other = Listening()
    other.name = "another model"
    await EmbedMail(archive.embed.vectors, other)()
    await asyncio.wait_for(keep, 20)
    progress = await archive.embed.vectors.progress()
    assert (progress.model, progress.messages) == ("another model", 3)


async def test_cancelled_embedding_leaves_a_sound_archive(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path) as archive:
        await archive.add(*mails(60))
        embed = EmbedMail(archive.embed.vectors, archive.embed.embedder, batch=4)

        def cancel_in_the_midst(found: EmbeddingProgress) -> None:
            if found.messages >= 8:
                task.cancel()

        task = asyncio.create_task(embed(cancel_in_the_midst))
        with pytest.raises(asyncio.CancelledError):
            await task
        done = await embedded(archive)
        assert done >= 8
        assert await embed() == 60 - done

"""The import survives any message: one that raises, takes too long, hangs or kills its worker is kept, headers only."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailquery.domain.identity import fingerprint
from mailquery.domain.messages import ProblemCode
from mailquery.repositories.compression import decompress
from mailquery.repositories.prepared import PreparedMessage
from mailquery.services.parser_pool import Job, ParserPool
from mailquery.sources.interfaces import SourceMessage
from support.misbehaving import obedient_prepare

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def job(body: str, number: int = 0) -> Job:
    raw = f"From: ana@example.org\nSubject: Number {number}\n\n{body}\n".encode()
    return Job(SourceMessage(raw, (), None), fingerprint(raw))


@pytest.fixture
def pool() -> Iterator[ParserPool]:
    pool = ParserPool(2, seconds_per_message=0.5, prepare=obedient_prepare)
    yield pool
    pool.close()


async def prepared(pool: ParserPool, jobs: list[Job]) -> list[PreparedMessage]:
    return await pool.result(pool.submit(jobs, NOW), jobs, NOW)


async def test_messages_come_back_in_order(pool: ParserPool) -> None:
    result = await prepared(pool, [job("hello", number) for number in range(20)])
    assert [message.parsed.subject for message in result] == [f"Number {number}" for number in range(20)]
    assert all("hello" in message.index.body for message in result)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("please raise", ProblemCode.PARSER_ERROR),
        ("please loop", ProblemCode.PARSER_TIMEOUT),
        ("please die", ProblemCode.PARSER_ERROR),
        ("please hold the interpreter", ProblemCode.PARSER_ERROR),
    ],
)
async def test_a_message_that_is_too_much_keeps_its_raw_bytes_and_headers(
    pool: ParserPool, body: str, code: ProblemCode
) -> None:
    jobs = [job("fine", 0), job("fine", 1), job(body, 2), job("fine", 3)]
    result = await prepared(pool, jobs)
    assert [message.parsed.subject for message in result] == ["Number 0", "Number 1", "Number 2", "Number 3"]
    assert [decompress(message.raw) for message in result] == [job.message.raw for job in jobs]
    assert [code in {problem.code for problem in message.parsed.problems} for message in result] == [
        False,
        False,
        True,
        False,
    ]
    assert [bool(message.index.body.strip()) for message in result] == [True, True, False, True]


async def test_the_reason_says_nothing_of_the_message(pool: ParserPool) -> None:
    (message,) = await prepared(pool, [job("please raise")])
    assert "secret" not in " ".join(problem.detail for problem in message.parsed.problems)


async def test_the_pool_goes_on_after_a_worker_died(pool: ParserPool) -> None:
    await prepared(pool, [job("please die")])
    (message,) = await prepared(pool, [job("still here")])
    assert "still here" in message.index.body


def test_a_worker_that_dies_while_more_is_sent_to_it_keeps_nobody_from_ending(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent("""
        import asyncio
        from datetime import UTC, datetime
        from mailquery.services.parser_pool import Job, ParserPool
        from mailquery.sources.interfaces import SourceMessage
        from support.misbehaving import obedient_prepare
        LARGER_THAN_A_PIPE = "a word " * 50_000
        def job(body):
            return Job(SourceMessage(f"Subject: x\\n\\n{body}\\n".encode(), (), None), bytes(16))
        async def main():
            pool = ParserPool(1, prepare=obedient_prepare)
            batches = [[job("please die")], *([job(LARGER_THAN_A_PIPE)] for _ in range(3))]
            now = datetime.now(UTC)
            futures = [pool.submit(batch, now) for batch in batches]
            found = [await pool.result(*each, now) for each in zip(futures, batches)]
            pool.close()
            print([len(each) for each in found])
        if __name__ == "__main__":
            asyncio.run(main())
        """)
    )
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=30, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[1, 1, 1, 1]\n"


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent("""
        import sys, time
        from datetime import UTC, datetime
        from mailquery.services.parser_pool import Job, ParserPool
        from mailquery.sources.interfaces import SourceMessage
        if __name__ == "__main__":
            pool = ParserPool(1)
            pool.submit([Job(SourceMessage(b"A: b\\n\\n", (), None), bytes(16))], datetime.now(UTC)).result()
            print(next(iter(pool._executor._processes)), flush=True)
            time.sleep(600)
        """)
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        watch = os.pidfd_open(worker)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    import select

    poll = select.poll()
    poll.register(watch, select.POLLIN)
    assert poll.poll(10_000), "the worker outlived its parent"
    os.close(watch)

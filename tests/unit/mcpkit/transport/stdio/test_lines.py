import os
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpkit.transport.stdio.lines import LineWriter, OversizedLine, read_lines

LIMIT = 100_000


async def lines_of(path: Path, limit: int = LIMIT) -> list[bytes | None]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return [None if isinstance(line, OversizedLine) else line async for line in read_lines(descriptor, limit)]
    finally:
        os.close(descriptor)


@given(st.lists(st.binary(max_size=50).map(lambda data: data.replace(b"\n", b"")), max_size=20), st.booleans())
def test_lines_come_whole_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], ended: bool
) -> None:
    path = tmp_path_factory.mktemp("lines") / "in"
    path.write_bytes(b"".join(line + b"\n" for line in lines) + (b"" if ended else b"last"))
    assert anyio.run(lines_of, path) == [*lines, *([] if ended else [b"last"])]


async def test_a_line_over_the_limit_is_told_once_and_the_next_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(b"a\n" + b"x" * (LIMIT + 1) + b"\nb\n" + b"y" * LIMIT + b"\n" + b"z" * (3 * LIMIT))
    assert await lines_of(path) == [b"a", None, b"b", b"y" * LIMIT, None]


async def test_a_pipe_is_read_as_it_is_filled() -> None:
    ours, theirs = os.pipe()
    received: list[bytes | OversizedLine] = []
    async with anyio.create_task_group() as tasks:

        async def read() -> None:
            async for line in read_lines(ours, LIMIT):
                received.append(line)

        tasks.start_soon(read)
        for part in (b"on", b"e\ntwo", b"\n"):
            os.write(theirs, part)
            await anyio.wait_all_tasks_blocked()
        os.close(theirs)
    os.close(ours)
    assert received == [b"one", b"two"]


async def test_a_line_larger_than_a_pipe_holds_is_written_whole() -> None:
    ours, theirs = os.pipe()
    line = b"x" * 500_000
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(LineWriter(theirs).write, line)
        async for received in read_lines(ours, 1_000_000):
            assert received == line
            break
    os.close(ours)
    with pytest.raises(BrokenPipeError):
        await LineWriter(theirs).write(b"nobody reads")
    os.close(theirs)

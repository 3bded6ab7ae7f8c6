"""Real commands, run by a real shell."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from mailquery.sources.password_command import password_of_command
from mcpkit.errors import ErrorCode, Fault
from support import planted


@pytest.mark.parametrize(
    ("command", "password"),
    [
        ("echo one; echo two", "one"),
        ("printf 'no end'", "no end"),
        ("printf 'with spaces  \\n'", "with spaces  "),
        ("printf 'from Windows\\r\\nmore'", "from Windows"),
        ("printf 'pässwört 암호\\n'", "pässwört 암호"),
        ("echo one two | cut -d' ' -f2", "two"),
        ('echo "a # b; c" # a comment', "a # b; c"),
        ("yes | head -c 1000000", "y"),
        ("echo out; yes mistake | head -c 1000000 >&2", "out"),
    ],
)
async def test_the_first_line_is_the_password(command: str, password: str) -> None:
    assert await password_of_command(command) == password


async def test_a_file_of_the_home_folder_is_named_as_on_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "secret").write_text("from a file\n")
    assert await password_of_command("cat ~/secret") == "from a file"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("exit 3", "exit code 3"),
        ("no-such-program-anywhere", "not there"),
        ("true", "printed nothing"),
        ("echo; echo second", "empty first line"),
        ("kill -TERM $$", "signal 15"),
        ("printf 'a\\0b\\n'", "no password may have"),
        ("printf '\\377\\n'", "no UTF-8"),
        ("head -c 20000 /dev/zero | tr '\\0' x", "16,384"),
        ("if", "exit code 2"),
    ],
)
async def test_what_gives_no_password_is_said(command: str, told: str) -> None:
    with pytest.raises(Fault) as caught:
        await password_of_command(command)
    assert caught.value.code is ErrorCode.SOURCE_UNAVAILABLE
    assert told in caught.value.message


async def test_an_error_has_what_the_command_said_of_it_and_not_what_it_printed() -> None:
    with pytest.raises(Fault) as caught:
        await password_of_command(
            f"echo {planted.PASSWORD}; printf 'locked\\033[31m\\npassword={planted.PASSWORD}\\n' >&2; exit 2"
        )
    fault = caught.value
    assert fault.details == {"exit_code": 2}
    assert fault.others.startswith("It said: locked")
    assert "\x1b" not in fault.others
    assert planted.PASSWORD not in fault.message + fault.others


async def test_a_command_that_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    began = time.monotonic()
    with pytest.raises(Fault) as caught:
        await password_of_command(f"(sleep 60 & echo $! > {pid}; wait) | cat", seconds=1.0)
    assert caught.value.code is ErrorCode.TIMEOUT
    assert time.monotonic() - began < 10.0
    while is_running(int(pid.read_text())):  # until the system has taken it away, or the time of a test is over
        await asyncio.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_it_reads_nothing_and_sees_no_secret_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILQUERY_MASTER_KEY", planted.MASTER_KEY)
    monkeypatch.setenv("ANOTHER", "kept")
    assert await password_of_command('echo "$(cat)$MAILQUERY_MASTER_KEY$ANOTHER"') == "kept"

import json
import os
import socket
import stat
from pathlib import Path

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.audit.copies import FileCopy, SyslogCopy, is_syslog_address
from mcpkit.security.audit.exporting import csv_line, lines_after
from unit.mcpkit.security.audit.audits import call, checked, opened, stored


async def test_a_file_gets_every_record_with_its_place_in_the_chain(tmp_path: Path) -> None:
    copy = tmp_path / "audit.jsonl"
    async with opened(tmp_path / "control.db", copies=(FileCopy(copy),)) as audit:
        for number in range(3):
            await audit.record(call(number))
    lines = [json.loads(line) for line in copy.read_text().splitlines()]
    assert [(each["sequence"], each["hash"], each["name"]) for each in lines] == [
        (sequence, hash.hex(), json.loads(text)["name"]) for sequence, text, hash in stored(tmp_path / "control.db")
    ]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


async def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    copy = tmp_path / "audit.jsonl"
    async with opened(tmp_path / "control.db", copies=(FileCopy(copy),)) as audit:
        await audit.record(call(1))
        copy.rename(tmp_path / "audit.jsonl.1")
        await audit.record(call(2))
        copy.unlink()
        copy.write_text("")
        copy.chmod(0o644)
        await audit.record(call(3))
    assert [json.loads(line)["name"] for line in copy.read_text().splitlines()] == ["tool3"]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


async def test_a_copy_that_cannot_be_written_fails_the_call(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    async with opened(tmp_path / "control.db", copies=(FileCopy(tmp_path / "gone" / "audit.jsonl"),)) as audit:
        await audit.record(call(1))
        (tmp_path / "gone" / "audit.jsonl").unlink()
        (tmp_path / "gone").rmdir()
        with pytest.raises(Fault) as caught:
            await audit.record(call(2))
    assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE
    assert checked(tmp_path / "control.db").records == 2  # the chain has it all the same


async def test_a_full_disk_of_the_copy_fails_the_call(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    async with opened(tmp_path / "control.db", copies=(FileCopy(Path("/dev/full")),)) as audit:
        before = os.stat("/dev/full").st_mode
        try:
            with pytest.raises(Fault) as caught:
                await audit.record(call(1))
        finally:
            os.chmod("/dev/full", stat.S_IMODE(before))
    assert caught.value.code is ErrorCode.STORAGE_FULL


@pytest.mark.parametrize("kind", [socket.AF_UNIX, socket.AF_INET])
async def test_syslog_gets_every_record(tmp_path: Path, kind: int) -> None:
    with socket.socket(kind, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "log") if kind == socket.AF_UNIX else ("127.0.0.1", 0))
        receiver.settimeout(10)
        name = receiver.getsockname()
        address = name if isinstance(name, str) else f"127.0.0.1:{name[1]}"
        async with opened(tmp_path / "control.db", copies=(SyslogCopy(address, "mailquery"),)) as audit:
            await audit.record(call(4))
        received = receiver.recv(65536).decode()
    head, _, line = received.partition(": ")
    assert head == "<86>mailquery-audit"  # authpriv.info
    assert json.loads(line)["name"] == "tool4"


async def test_a_syslog_that_is_not_there_fails_the_call(tmp_path: Path) -> None:
    async with opened(tmp_path / "control.db", copies=(SyslogCopy(str(tmp_path / "none"), "mailquery"),)) as audit:
        with pytest.raises(Fault) as caught:
            await audit.record(call(4))
    assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE


def test_a_syslog_address_is_a_path_or_host_and_port() -> None:
    assert all(map(is_syslog_address, ["/dev/log", "log.example:514", "[::1]:514"]))
    assert not any(map(is_syslog_address, ["log.example", "dev/log", ":514", "log:x"]))


async def test_an_export_is_what_was_recorded_and_a_spreadsheet_runs_none_of_it(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "control.db"
    async with opened(path) as audit:
        await audit.record(call(1, client="=cmd|' /C calc'!A0", arguments={"query": 3}, disclosed=("m1", "m2")))
        await audit.record(call(2, client='a,"b"\n', user="민수"))
    connection = sqlite3.connect(path)
    lines = [line for _, line in lines_after(connection, 0)]
    connection.close()
    rows = [csv_line(line) for line in (None, *lines)]
    assert rows[0].startswith("sequence,time,kind,name,user")
    assert "'=cmd|" in rows[1]
    assert ',"[""m1"",""m2""]",' in rows[1]
    assert ',"a,""b"" ",' in rows[2]
    assert all("\n" not in row for row in rows)

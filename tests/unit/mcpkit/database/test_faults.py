import errno
import json
import sqlite3
from pathlib import Path

import pytest

from mcpkit.database.faults import translated
from mcpkit.errors import ErrorCode, Fault

PATH = Path("/srv/mail/control.db")


def sqlite(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("refused")
    error.sqlite_errorcode = code
    return error


def test_whoever_stops_reading_what_is_printed_is_no_fault_of_the_database() -> None:
    with pytest.raises(BrokenPipeError), translated(PATH):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.EACCES, ErrorCode.SERVICE_UNAVAILABLE), (errno.ENOSPC, ErrorCode.STORAGE_FULL)],
)
def test_what_the_file_system_refuses_is_told_with_a_remedy(number: int, code: ErrorCode) -> None:
    with pytest.raises(Fault) as caught, translated(PATH):
        raise OSError(number, "refused")
    assert caught.value.code is code
    assert "control.db" in caught.value.message


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EACCES, "refused"),
        sqlite(sqlite3.SQLITE_CANTOPEN),
        sqlite(sqlite3.SQLITE_READONLY),
        sqlite(sqlite3.SQLITE_CORRUPT),
    ],
    ids=repr,
)
def test_callers_are_not_told_the_folder_and_whoever_runs_the_server_is(error: Exception) -> None:
    with pytest.raises(Fault) as caught, translated(PATH):
        raise error
    assert "/srv" not in json.dumps(caught.value.as_dict())
    assert caught.value.told_here == caught.value.message.replace("control.db", str(PATH), 1)
    assert str(PATH) in caught.value.told_here

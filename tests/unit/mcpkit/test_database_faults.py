import errno
from pathlib import Path

import pytest

from mcpkit.database.faults import translated
from mcpkit.errors import ErrorCode, Fault

PATH = Path("control.db")


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

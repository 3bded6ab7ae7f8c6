"""One writer at a time, and those who only look whether there is one."""

import fcntl
import threading
from pathlib import Path

import pytest

from mcpkit.database.writer_lock import WriterLock
from mcpkit.errors import ErrorCode, Fault


def test_is_held_by_one_at_a_time_and_names_the_holder(tmp_path: Path) -> None:
    one, other = WriterLock(tmp_path / "lock"), WriterLock(tmp_path / "lock")
    one.acquire()
    with pytest.raises(Fault, match=r"Another process \(\d+\) is writing") as raised:
        other.acquire()
    assert raised.value.code is ErrorCode.CONFLICT
    assert one.is_held()
    assert other.is_held()
    one.release()
    assert not other.is_held()
    other.acquire()
    other.release()


def test_a_lock_without_a_file_is_held_by_nobody_and_looking_makes_none(tmp_path: Path) -> None:
    assert not WriterLock(tmp_path / "lock").is_held()
    assert list(tmp_path.iterdir()) == []


def test_who_is_stopped_while_looking_is_not_taken_for_a_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    lock, taken = WriterLock(path), threading.Event()

    def take() -> None:
        lock.acquire()
        taken.set()

    with path.open("rb") as looked_at:
        fcntl.flock(looked_at, fcntl.LOCK_SH)
        assert not lock.is_held()
        writer = threading.Thread(target=take)
        writer.start()
        assert not taken.wait(0.02)
    writer.join()
    assert taken.is_set()
    lock.release()


def test_looking_disturbs_no_writer(tmp_path: Path) -> None:
    lock, ended = WriterLock(tmp_path / "lock"), threading.Event()

    def look() -> None:
        while not ended.is_set():
            WriterLock(tmp_path / "lock").is_held()

    lookers = [threading.Thread(target=look) for _ in range(4)]
    for each in lookers:
        each.start()
    try:
        for _ in range(50):
            lock.acquire()
            lock.release()
    finally:
        ended.set()
        for each in lookers:
            each.join()

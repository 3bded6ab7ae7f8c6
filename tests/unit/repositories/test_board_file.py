"""One process of several has the turn, and the others read what it shows."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from mailquery.repositories.background import Activity, HostStanding
from mailquery.repositories.board_file import BoardFile

MOMENT = datetime(2026, 3, 9, 5, 5, 30, 250_000, tzinfo=UTC)
SHOWN = {
    "work": Activity(MOMENT, 3, 10, None, True, HostStanding("mail.acme.example", "open", 5, MOMENT)),
    "집": Activity(next_run=MOMENT),
}
_TAKES_IT = """
import sys, time
from pathlib import Path
from mailquery.repositories.background import Activity
from mailquery.repositories.board_file import BoardFile
board = BoardFile(Path(sys.argv[1]))
print(board.take_turn(), flush=True)
board.show({"work": Activity(stored=7)})
print("shown", flush=True)
sys.stdin.read()
"""


def test_what_is_shown_is_read_by_others(tmp_path: Path) -> None:
    ours, theirs = BoardFile(tmp_path), BoardFile(tmp_path)
    assert theirs.read() is None
    assert ours.take_turn()
    assert theirs.read() == {}
    ours.show(SHOWN)
    assert theirs.read() == SHOWN
    assert ours.read() == SHOWN


def test_one_has_the_turn_until_it_gives_it_up(tmp_path: Path) -> None:
    first, second = BoardFile(tmp_path), BoardFile(tmp_path)
    assert first.take_turn()
    assert first.take_turn()
    assert not second.take_turn()
    second.show(SHOWN)
    assert first.read() == {}
    first.show(SHOWN)
    first.give_up_turn()
    assert second.read() is None
    assert second.take_turn()
    assert second.read() == {}


def test_a_process_that_was_killed_has_no_turn(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _TAKES_IT, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        assert process.stdout.readline() == "shown\n"
        board = BoardFile(tmp_path)
        shown: Mapping[str, Activity] | None = board.read()
        assert shown == {"work": Activity(stored=7)}
        assert not board.take_turn()
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert board.read() is None
        assert board.take_turn()


def test_what_another_version_wrote_is_nothing(tmp_path: Path) -> None:
    ours, theirs = BoardFile(tmp_path), BoardFile(tmp_path)
    assert ours.take_turn()
    for text in ("", "[1]", '{"work": {}}', '{"work": 5}', '{"work": {"running_since": "yesterday"}}', "\xff"):
        (tmp_path / "background.json").write_text(text, "latin-1")
        assert theirs.read() == {}


def test_its_files_are_private(tmp_path: Path) -> None:
    board = BoardFile(tmp_path)
    board.take_turn()
    board.show(SHOWN)
    assert [file.stat().st_mode & 0o777 for file in tmp_path.iterdir()] == [0o600, 0o600]


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    missing = BoardFile(tmp_path / "missing")
    assert not missing.take_turn()
    assert missing.read() is None
    board = BoardFile(tmp_path)
    assert board.take_turn()
    (tmp_path / "background.new").mkdir()  # in the way
    board.show(SHOWN)
    assert BoardFile(tmp_path).read() == {}
    os.rmdir(tmp_path / "background.new")
    board.show(SHOWN)
    assert BoardFile(tmp_path).read() == SHOWN

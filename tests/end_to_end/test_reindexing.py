"""The index made anew, by real processes."""

import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

from end_to_end.conftest import CommandLine, letter, write_mbox

MESSAGES = 3_000


def _as_an_older_version_left_it(home: Path) -> None:
    """Without what is searched, as if no message had been indexed as it is today."""
    with closing(sqlite3.connect(home / "archive.db")) as connection:
        connection.execute("INSERT INTO search (search) VALUES ('delete-all')")
        connection.execute("DELETE FROM words")
        connection.execute("UPDATE facts SET value = 0")
        connection.commit()


def _total(mailquery: CommandLine, query: str) -> int:
    total: int = mailquery("search", query, "--json", "--limit", "1").json["total"]["value"]
    return total


def test_an_index_is_made_anew_out_of_the_stored_messages(mailquery: CommandLine, tmp_path: Path) -> None:
    paid = letter(1, subject="Invoices", body="We paid $2,400.00; call 010-1234-5678.")
    mbox = write_mbox(tmp_path / "a.mbox", [paid, letter(2)])
    assert mailquery("import", mbox, "--no-embed").code == 0
    before = mailquery("search", "invoice", "--json").json["messages"]
    _as_an_older_version_left_it(mailquery.home)
    assert _total(mailquery, "2400") == 0
    assert mailquery("status", "--json").json["outdated_index"]
    done = mailquery("reindex", "--json")
    assert (done.code, done.json["indexed"]) == (0, 2), done.err
    for query in ("2400", "invoice", "+82 10 1234 5678", "from:ada subject:invoices", "to:@example.com 2400"):
        assert _total(mailquery, query) == 1, query
    assert not mailquery("status", "--json").json["outdated_index"]
    assert mailquery("search", "invoice", "--json").json["messages"] == before
    assert mailquery.count() == 2
    assert mailquery("import", mbox, "--json", "--no-embed").json["already_there"] == 2
    assert mailquery("reindex", "--json").json["indexed"] == 2


def test_an_index_of_an_earlier_version_is_told_of(mailquery: CommandLine, tmp_path: Path) -> None:
    assert mailquery("import", write_mbox(tmp_path / "a.mbox", [letter(1)]), "--no-embed").code == 0
    assert "reindex" not in mailquery("doctor").text
    with closing(sqlite3.connect(mailquery.home / "archive.db")) as connection:
        connection.execute("DELETE FROM facts WHERE name = 'index_form'")
        connection.commit()
    assert "mailquery reindex" in mailquery("doctor").text
    assert "mailquery reindex" in mailquery("status").err


def test_a_killed_one_is_gone_on_with_and_the_old_index_serves_meanwhile(
    mailquery: CommandLine, tmp_path: Path
) -> None:
    mbox = write_mbox(tmp_path / "a.mbox", [letter(number, size=2000) for number in range(MESSAGES)])
    assert mailquery("import", mbox, "--no-embed").code == 0
    process = mailquery.start("reindex", stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0)
    _wait_until_some_are_written(mailquery.home, process)
    os.killpg(process.pid, signal.SIGSTOP)  # so that it is not done before it is killed
    refused = mailquery("import", mbox)
    assert refused.code == 4
    assert str(process.pid) in refused.err
    assert _total(mailquery, "badgers") == MESSAGES
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert _total(mailquery, "badgers") == MESSAGES
    late = write_mbox(tmp_path / "b.mbox", [letter(MESSAGES, body="a latecomer")])
    assert mailquery("import", late, "--no-embed").code == 0
    done = mailquery("reindex", "--json")
    assert done.code == 0, done.err
    assert 0 < done.json["indexed"] <= MESSAGES
    assert (_total(mailquery, "badgers"), _total(mailquery, "latecomer")) == (MESSAGES, 1)


def _wait_until_some_are_written(home: Path, process: "subprocess.Popen[bytes]") -> None:
    with closing(sqlite3.connect(f"file:{home / 'archive.db'}?mode=ro", uri=True)) as connection:
        while process.poll() is None:
            row = connection.execute("SELECT value FROM facts WHERE name = 'rebuilt_through'").fetchone()
            if row is not None and row[0] > 0:
                return
            time.sleep(0.01)
    raise AssertionError("it ended before it could be stopped")

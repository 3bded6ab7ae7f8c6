"""An import into an archive whose tables contradict each other."""

import sqlite3
from contextlib import closing
from pathlib import Path

from end_to_end.conftest import CommandLine, letter, write_mbox
from mailquery.cli.output.exits import exit_code_for
from mcpkit.errors import ErrorCode


def rows(mailquery: CommandLine, table: str) -> int:
    with closing(sqlite3.connect(mailquery.home / "archive.db")) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(count)


def test_an_import_into_an_archive_that_lacks_a_row_says_that_it_is_damaged_and_changes_nothing(
    mailquery: CommandLine, tmp_path: Path
) -> None:
    mbox = write_mbox(tmp_path / "inbox.mbox", [letter(number) for number in range(5)])
    assert mailquery("import", mbox, "--no-embed").code == 0
    with closing(sqlite3.connect(mailquery.home / "archive.db")) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DELETE FROM messages WHERE id = (SELECT min(id) FROM messages)")
        connection.commit()
    before = rows(mailquery, "placements")

    done = mailquery("import", mbox, "--no-embed")
    assert done.code == exit_code_for(ErrorCode.STORAGE_DAMAGED), done.err
    assert "archive.db is damaged" in done.err
    assert "mailquery verify" in done.err
    assert "mailquery restore" in done.err
    assert "unexpected" not in done.err
    assert (rows(mailquery, "messages"), rows(mailquery, "placements")) == (4, before)
    assert mailquery("verify").code != 0

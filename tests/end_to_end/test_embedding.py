"""Search by meaning is prepared by an import, by a server, by a command, and whatever ends them loses nothing."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from end_to_end.conftest import Archives, CommandLine, letter, write_mbox

MESSAGES = 3_000
_WITHOUT_NUMPY = "import sys; sys.modules['numpy'] = None; from mailquery.cli import main; main(sys.argv[1:])"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mail") / "large.mbox"
    return write_mbox(path, [letter(number, size=6_000) for number in range(MESSAGES)])


@pytest.fixture
def unembedded(mailquery: CommandLine, large: Path, archives: Archives) -> CommandLine:
    def fill(mailquery: CommandLine) -> None:
        done = mailquery("import", large, "--no-embed")
        assert done.code == 0, done.err

    archives.give(mailquery, "unembedded", fill)
    return mailquery


def embedded(mailquery: CommandLine) -> int:
    with closing(sqlite3.connect(mailquery.home / "archive.db", timeout=30)) as connection:
        count: int = connection.execute("SELECT messages FROM embedding").fetchone()[0]
        return count


def meaning(mailquery: CommandLine) -> dict[str, object]:
    found: dict[str, object] = mailquery("status", "--json").json["meaning"]
    return found


def _embed_until_some_are(mailquery: CommandLine) -> "subprocess.Popen[bytes]":
    process = mailquery.start("embed", stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0)
    while process.poll() is None and not embedded(mailquery):
        time.sleep(0.005)
    assert process.poll() is None, "it ended before it could be stopped"
    return process


def test_an_import_embeds_what_it_added_and_status_says_so(mailquery: CommandLine, mbox: Path) -> None:
    done = mailquery("import", mbox)
    assert done.code == 0
    assert "20 messages embedded" in done.err
    found = meaning(mailquery)
    assert (found["available"], found["embedded"], found["messages"]) == (True, 20, 20)
    assert "20 of 20 messages embedded" in mailquery("status").text


def test_an_import_can_leave_it_to_later(mailquery: CommandLine, mbox: Path) -> None:
    assert mailquery("import", mbox, "--no-embed").code == 0
    assert meaning(mailquery)["embedded"] == 0
    assert "0 of 20 messages embedded" in mailquery("status").text
    assert mailquery("embed", "--json").json == {"embedded_now": 20, "embedded": 20, "messages": 20}
    assert mailquery("embed", "--json").json["embedded_now"] == 0


def test_after_a_kill_embedding_goes_on_where_it_was(unembedded: CommandLine) -> None:
    mailquery = unembedded
    process = _embed_until_some_are(mailquery)
    process.kill()
    process.communicate()
    before = embedded(mailquery)
    assert 0 < before < MESSAGES
    done = mailquery("embed", "--json")
    assert done.json == {"embedded_now": MESSAGES - before, "embedded": MESSAGES, "messages": MESSAGES}


def test_ctrl_c_keeps_what_is_embedded_and_says_how_to_go_on(unembedded: CommandLine) -> None:
    mailquery = unembedded
    process = _embed_until_some_are(mailquery)
    second = mailquery("embed")
    assert second.code == 4
    assert re.search(r"Another process \(\d+\) is making the vectors", second.err)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "mailquery embed" in err.decode()
    assert "Traceback" not in err.decode()
    assert 0 < embedded(mailquery) < MESSAGES


def test_a_server_embeds_what_an_import_left(mailquery: CommandLine, mbox: Path) -> None:
    assert mailquery("import", mbox, "--no-embed").code == 0
    process = mailquery.start("serve", "--transport", "stdio", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        while embedded(mailquery) < 20 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert embedded(mailquery) == 20
        assert process.poll() is None
    finally:
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_without_the_extra_everything_else_works(mailquery: CommandLine, mbox: Path) -> None:
    def run(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
        command = [mailquery.command()[0], "-c", _WITHOUT_NUMPY, *arguments]
        return subprocess.run(command, env=mailquery.environment, capture_output=True, timeout=60)

    done = run("import", str(mbox))
    assert done.returncode == 0
    assert b"mailquery[semantic]" in done.stderr
    assert json.loads(run("search", "badgers", "--json").stdout)["total"] == {"value": 20, "exact": True}
    found = json.loads(run("status", "--json").stdout)["meaning"]
    assert found["available"] is False
    assert "mailquery[semantic]" in found["reason"]
    assert run("embed").returncode == 2


def test_it_can_be_switched_off(mailquery: CommandLine, mbox: Path) -> None:
    done = mailquery("import", mbox, MAILQUERY_MEANING__ENABLED="false")
    assert (done.code, "embed" in done.err) == (0, False)
    off = mailquery("status", MAILQUERY_MEANING__ENABLED="false")
    assert "not available" in off.text
    refused = mailquery("embed", MAILQUERY_MEANING__ENABLED="false")
    assert refused.code == 2
    assert "MAILQUERY_MEANING__ENABLED" in refused.err


def test_a_key_is_masked_and_refused_in_a_file(mailquery: CommandLine, tmp_path: Path) -> None:
    shown = mailquery("config", "show", MAILQUERY_MEANING__API_KEY="sk-very-secret")
    assert shown.code == 0
    assert "sk-very-secret" not in shown.text
    (tmp_path / "base.yaml").write_text("meaning: {api_key: sk-very-secret}\n")
    refused = mailquery("config", "show", MAILQUERY_CONFIG_DIR=str(tmp_path))
    assert refused.code == 2
    assert "MAILQUERY_MEANING__API_KEY" in refused.err

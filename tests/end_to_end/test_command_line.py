"""The commands of `mailquery`, end to end."""

import json
import os
import pty
import re
import stat
import subprocess
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from end_to_end.conftest import CommandLine, letter, write_mbox

COMMANDS = (
    "import",
    "search",
    "show",
    "thread",
    "export",
    "stats",
    "response-times",
    "awaiting",
    "reindex",
    "serve",
    "doctor",
    "problems",
    "config",
    "defaults",
)


def first_id(mailquery: CommandLine, query: str) -> str:
    found: str = mailquery("search", query, "--json").json["messages"][0]["id"]
    return found


def test_import_reports_what_it_did_as_one_json_object(mailquery: CommandLine, mbox: Path) -> None:
    done = mailquery("import", mbox, "--json")
    assert done.code == 0, done.err
    summary = done.json
    assert (summary["imported"], summary["already_there"], summary["problems"]) == (20, 0, 0)
    assert summary["seconds"] > 0
    assert summary["messages_per_second"] > 0


def test_a_second_import_adds_nothing_and_changes_no_id(filled: CommandLine, mbox: Path) -> None:
    before = filled("search", "badgers", "--limit", "100", "--json").json["messages"]
    again = filled("import", mbox, "--json").json
    assert (again["imported"], again["already_there"]) == (0, 20)
    after = filled("search", "badgers", "--limit", "100", "--json").json["messages"]
    assert [row["id"] for row in before] == [row["id"] for row in after]
    assert len(after) == 20


def test_search_finds_and_says_how_the_query_was_read(filled: CommandLine) -> None:
    answer = filled("search", "subject:number", "badgers", "--limit", "5", "--json").json
    assert len(answer["messages"]) == 5
    assert answer["total"] == {"value": 20, "exact": True}
    assert answer["coverage"]["messages"] == 20
    assert answer["read_as"]
    rest = filled("search", "subject:number", "badgers", "--limit", "100", "--cursor", answer["cursor"], "--json").json
    ids = [row["id"] for row in answer["messages"] + rest["messages"]]
    assert len(set(ids)) == 20


def test_search_explains_itself_where_that_is_asked_for(filled: CommandLine) -> None:
    done = filled("search", "subject:number -is:unread", "-n", "1", "--explain")
    assert done.code == 0
    assert len(done.text.splitlines()) == 1
    assert '"number" in the subject  [full-text index: subjects; drives the search]' in done.err
    assert re.search(r"[\d.]+ ms  finding and counting", done.err)
    explanation = filled("search", "badgers", "--explain", "--json").json["explanation"]
    assert explanation["driven_by"] == "full-text index"
    assert explanation["total_ms"] > 0
    assert "explanation" not in filled("search", "badgers", "--json").json


def test_search_into_a_pipe_is_one_line_for_each_message(filled: CommandLine) -> None:
    done = filled("search", "badgers", "-n", "3")
    assert done.code == 0
    lines = done.text.splitlines()
    assert len(lines) == 3
    assert all(re.fullmatch(r"m\w{12}\t2026-03-02 \d\d:\d\d\tAda Example\tLetter number \d+", line) for line in lines)
    assert "\x1b" not in done.text + done.err


def test_show_prints_the_message(filled: CommandLine) -> None:
    done = filled("show", first_id(filled, "subject:7"))
    assert done.code == 0
    assert "Ada Example <ada@example.org>" in done.text
    assert "This is letter 7 about badgers." in done.text
    shown = filled("show", first_id(filled, "subject:7"), "--json").json
    assert shown["message_id"] == "letter-7@example.org"
    assert shown["text"].startswith("This is letter 7")


def test_dates_are_those_of_the_time_zone_that_is_set(filled: CommandLine) -> None:
    def times(*command: str, zone: str) -> list[datetime]:
        done = filled(*command, MAILQUERY_TIME_ZONE=zone)
        written = re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d", done.text + done.err)
        return [datetime.strptime(each, "%Y-%m-%d %H:%M") for each in written]

    id = first_id(filled, "subject:7")
    for command in (("search", "subject:7"), ("show", id), ("thread", id), ("stats",), ("status",)):
        shown = times(*command, zone="UTC")
        assert shown, command
        assert times(*command, zone="Asia/Seoul") == [each + timedelta(hours=9) for each in shown], command


def test_show_gives_parts(filled: CommandLine) -> None:
    done = filled("show", first_id(filled, "subject:7"), "--part", "headers")
    assert "Message-ID: <letter-7@example.org>" in done.text


def test_thread_shows_the_conversation(mailquery: CommandLine, tmp_path: Path) -> None:
    parent = b"In-Reply-To: <letter-1@example.org>\n"
    answer = letter(2, body="Yes, gladly.").replace(b"MIME-Version", parent + b"MIME-Version")
    mailquery("import", write_mbox(tmp_path / "two.mbox", [letter(1, body="Lunch?"), answer]))
    shown = mailquery("thread", first_id(mailquery, "gladly"), "--json").json
    assert [message["message_id"] for message in shown["messages"]] == ["letter-1@example.org", "letter-2@example.org"]
    text = mailquery("thread", shown["id"]).text
    assert text.index("Lunch?") < text.index("Yes, gladly.")


def test_export_gives_the_bytes_back(mailquery: CommandLine, tmp_path: Path) -> None:
    raw = letter(1, body="ends without a line feed, and holds \x1b[31m and\ttabs").rstrip(b"\n") + b"\xff\xfe\r\nx"
    file = tmp_path / "odd.eml"
    file.write_bytes(raw)
    assert mailquery("import", file).code == 0
    id = first_id(mailquery, "holds")
    assert mailquery("export", id).out == raw
    target = tmp_path / "copy.eml"
    assert mailquery("export", id, "-o", target).code == 0
    assert target.read_bytes() == raw
    refused = mailquery("export", id, "-o", target)
    assert refused.code == 2
    assert "there already" in refused.err


def test_stats_count(filled: CommandLine) -> None:
    counted = filled("stats", "--by", "domain", "--json").json
    assert counted["messages"] == 20
    assert [(group["key"], group["messages"]) for group in counted["groups"]] == [("example.org", 20)]
    assert filled("stats", "--by", "month").text.startswith("2026-03\t20\t")


def test_a_broken_message_is_kept_and_listed(mailquery: CommandLine, tmp_path: Path) -> None:
    broken = letter(1).replace(b"text/plain; charset=utf-8", b"multipart/mixed").replace(b"Mon, 02 Mar 2026", b"never")
    done = mailquery("import", write_mbox(tmp_path / "some.mbox", [letter(0), broken]), "--json")
    assert done.code == 0
    assert done.json["imported"] == 2
    assert done.json["problems"] >= 1
    listed = mailquery("problems", "--json").json
    assert listed["total"] == done.json["problems"]
    assert {each["code"] for each in listed["problems"]} >= {"bad_date"}
    raw = mailquery("export", listed["problems"][0]["message"]).out
    assert raw == broken


def test_text_from_mail_cannot_command_the_terminal(mailquery: CommandLine, tmp_path: Path) -> None:
    subject = "=?utf-8?q?=1B]0;owned=07_=C2=9B2J_=E2=80=AEtxt.exe?="
    hostile = letter(1, subject=subject, body="badger \x1b[2J\x9b2J \u202egnp")
    assert mailquery("import", write_mbox(tmp_path / "h.mbox", [hostile])).code == 0
    id = first_id(mailquery, "badger")
    for arguments in (
        ("search", "badger"),
        ("search", "badger", "--json"),
        ("show", id),
        ("show", id, "--part", "headers"),
        ("show", id, "--part", "raw"),
        ("show", id, "--json"),
        ("thread", id),
        ("thread", id, "--json"),
    ):
        done = mailquery(*arguments)
        assert done.code == 0, done.err
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", done.text), arguments


def test_on_a_terminal_there_are_colours_and_no_raw_messages(filled: CommandLine) -> None:
    def on_terminal(*arguments: str) -> tuple[int, str]:
        parent, child = pty.openpty()
        environment = filled.environment | {"TERM": "xterm-256color"}
        process = subprocess.Popen(
            filled.command(*arguments), env=environment, stdin=child, stdout=child, stderr=child, close_fds=True
        )
        os.close(child)
        pieces = []
        while True:
            try:
                piece = os.read(parent, 65536)
            except OSError:  # Linux reports the end of a terminal so
                break
            if not piece:
                break
            pieces.append(piece)
        os.close(parent)
        return process.wait(timeout=30), b"".join(pieces).decode()

    code, shown = on_terminal("search", "badgers")
    assert code == 0
    assert "\x1b[" in shown
    code, shown = on_terminal("export", first_id(filled, "badgers"))
    assert code == 2
    assert "ada@example.org" not in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_examples(mailquery: CommandLine, command: str) -> None:
    done = mailquery(command, "--help")
    assert done.code == 0
    assert f"mailquery {command}" in done.text
    assert len(re.findall(rf"^.*mailquery {command}.*mailquery {command}", done.text, re.MULTILINE)) == 0
    assert "Examples" in done.text or command in ("config", "defaults")


def test_version_and_no_arguments(mailquery: CommandLine) -> None:
    assert re.fullmatch(r"mailquery \d+\.\d+\.\d+\n", mailquery("--version").text)
    for arguments in (("--help",), ("search", "--help"), ("keys", "create", "--help")):
        assert "Exit codes" in mailquery(*arguments).text


BAD_INPUT: list[tuple[tuple[str, ...], int, str]] = [
    (("search", "subject:("), 2, "character"),
    (("search", "in:nowhere"), 2, "no mailbox"),
    (("search", "badgers", "--limit", "0"), 2, "--limit"),
    (("search", "badgers", "--limit", "101"), 2, "--limit"),
    (("search", "badgers", "--sort", "size"), 2, "--sort"),
    (("search", "badgers", "--cursor", "bm9uc2Vuc2U"), 2, "cursor"),
    (("search", "badgers", "--colour"), 2, "--colour"),
    (("search",), 2, "query"),
    (("show", "7"), 2, "message id"),
    (("show", "m000000000000"), 3, "no message"),
    (("thread", "t000000000000"), 3, "no thread"),
    (("export", "m000000000000"), 3, "no message"),
    (("import", "/nowhere/at/all"), 3, "no file or folder"),
    (("import", "inbox.mbox", "--mailbox", " "), 2, "name of the mailbox"),
    (("import", "inbox.mbox", "--account", "two\nlines"), 2, "name of the account"),
    (("serve", "--transport", "pigeon"), 2, "--transport"),
    (("serch",), 2, "search"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), BAD_INPUT, ids=[" ".join(row[0]) for row in BAD_INPUT])
def test_bad_input_gets_its_exit_code_and_a_clear_line(
    filled: CommandLine, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = filled(*arguments)
    assert done.code == code, done.err
    assert words in done.err
    assert "Traceback" not in done.err
    assert done.out == b""


def test_errors_are_json_where_json_was_asked_for(filled: CommandLine) -> None:
    done = filled("show", "m000000000000", "--json")
    assert json.loads(done.err)["error"]["code"] == "NOT_FOUND"


def test_a_file_that_is_no_mail_is_refused_and_nothing_is_stored(mailquery: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(bytes(range(256)) * 64)
    done = mailquery("import", file)
    assert done.code in (2, 3)
    assert "photo.jpg" in done.err
    assert "Traceback" not in done.err
    assert mailquery.count() == 0


@pytest.mark.parametrize("name", ["cut.zip", "without.zip", "bytes.mbox"])
def test_an_import_that_found_no_mail_at_all_fails(mailquery: CommandLine, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("notes.txt", "not mail")
    if name == "cut.zip":
        file.write_bytes(file.read_bytes()[:60])
    if name == "bytes.mbox":
        file.write_bytes(bytes(range(256)))
    done = mailquery("import", file, "--json")
    assert done.code == 2
    assert done.json["imported"] == 0
    assert "No mail was found" in done.err


def test_an_empty_mailbox_is_no_mistake(mailquery: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "Drafts.mbox"
    file.touch()
    assert mailquery("import", file).code == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named_with_the_reason(mailquery: CommandLine, mbox: Path) -> None:
    mbox.chmod(0)
    done = mailquery("import", mbox, "--json")
    assert done.code == 3
    assert "Permission denied" in json.loads(done.err)["error"]["message"]


def test_the_archive_is_its_owners_alone(filled: CommandLine) -> None:
    assert stat.S_IMODE(filled.home.stat().st_mode) == 0o700
    for file in filled.home.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file


def test_doctor_is_content_with_a_sound_archive(filled: CommandLine) -> None:
    done = filled("doctor", "--json")
    assert done.code == 0, done.text
    states = {check["name"]: check["status"] for check in done.json["checks"]}
    assert set(states.values()) <= {"ok", "warning"}, done.json
    assert states["database"] == "ok"


def test_a_damaged_archive_is_reported_and_left_as_it_is(filled: CommandLine) -> None:
    database = filled.home / "archive.db"
    database.write_bytes(b"this is no database " * 1000)
    before = database.read_bytes()
    for arguments in (("search", "badgers"), ("doctor",), ("import", "inbox.mbox")):
        done = filled(*arguments)
        assert done.code == 4, (arguments, done.err)
        assert "Traceback" not in done.err
        assert "damaged" in done.err + done.text
    assert database.read_bytes() == before


def test_an_unknown_setting_is_named_with_the_nearest_one(mailquery: CommandLine) -> None:
    done = mailquery("config", "show", MAILQUERY_HOEM="/tmp/x")
    assert done.code == 2
    assert "hoem" in done.err.lower()
    assert "Traceback" not in done.err


def test_config_show_says_where_each_value_came_from(mailquery: CommandLine) -> None:
    shown = mailquery("config", "show", "--json").json
    home = next(each for each in shown["settings"] if each["name"] == "home")
    assert home["value"] == str(mailquery.home)
    assert "MAILQUERY_HOME" in home["source"]


def test_a_reader_that_stops_early_is_no_error(filled: CommandLine) -> None:
    process = filled.start("search", "badgers", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(timeout=30) == 0
    assert "BrokenPipe" not in err


def test_one_message_in_two_mailboxes_is_one(mailquery: CommandLine, write: Callable[[str, list[bytes]], Path]) -> None:
    mailquery("import", write("a.mbox", [letter(1)]), "--mailbox", "A")
    mailquery("import", write("b.mbox", [letter(1)]), "--mailbox", "B")
    rows = mailquery("search", "badgers", "--json").json["messages"]
    assert len(rows) == 1
    assert sorted(rows[0]["mailboxes"]) == ["A", "B"]


def test_defaults_are_stored_shown_and_forgotten(mailquery: CommandLine) -> None:
    assert "search_messages.limit is 7" in mailquery("defaults", "set", "search_messages.limit", "7").text
    shown = mailquery("defaults", "list", "--json").json["defaults"]
    (limit,) = [each for each in shown if (each["tool"], each["argument"]) == ("search_messages", "limit")]
    assert (limit["value"], limit["from"]) == (7, "stored")
    mailquery("defaults", "unset", "search_messages.limit")
    assert "7" not in mailquery("defaults", "list").text


def test_a_default_that_cannot_be_is_refused(mailquery: CommandLine) -> None:
    refused = mailquery("defaults", "set", "search_messages.limit", "many")
    assert refused.code == 2
    assert "from 1 to 100" in refused.err
    assert "TOOL.ARGUMENT" in mailquery("defaults", "set", "limit", "7").err


def test_a_variable_of_a_tool_that_is_wrong_stops_the_server(mailquery: CommandLine) -> None:
    refused = mailquery("serve", "--transport", "stdio", MAILQUERY_SEARCH_MESSAGES_LIMTI="5")
    assert refused.code == 2
    assert "did you mean `limit`?" in refused.err

"""`mailquery audit`, over calls that a client made of a real server."""

import csv
import io
import json
import sqlite3
import subprocess
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from end_to_end.conftest import Archives, CommandLine
from end_to_end.test_serving import HANDSHAKE, message

SECRET_QUERY = "badgers swordfish"


@pytest.fixture
def audited(mailquery: CommandLine, mbox: Path, archives: Archives) -> CommandLine:
    """A search, a message read, an unknown tool, and a call that fails."""

    def fill(mailquery: CommandLine) -> None:
        done = mailquery("import", mbox)
        assert done.code == 0, done.err
        serve(mailquery)

    archives.give(mailquery, "audited", fill)
    return mailquery


def serve(mailquery: CommandLine, **environment: str) -> dict[int, Any]:
    found = mailquery("search", "subject:7", "--json").json
    asked = [
        ("search_messages", {"query": SECRET_QUERY}),
        ("search_messages", {"query": "subject:7"}),
        ("swordfish", {"swordfish": "swordfish"}),
        ("read_message", {"id": "swordfish"}),
        ("read_message", {"id": found["rows"][0]["id"] if "rows" in found else found["messages"][0]["id"]}),
    ]
    calls = [
        message(number, "tools/call", {"name": name, "arguments": arguments})
        for number, (name, arguments) in enumerate(asked, 2)
    ]
    done = mailquery("serve", "--transport", "stdio", stdin=HANDSHAKE + b"".join(calls), **environment)
    assert done.code == 0, done.err
    return {answer["id"]: answer for answer in map(json.loads, done.text.splitlines())}


def records(mailquery: CommandLine, *options: str) -> list[dict[str, Any]]:
    done = mailquery("audit", "export", *options)
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.text.splitlines()]


def test_every_call_is_there_with_what_it_showed_and_without_what_was_said(audited: CommandLine) -> None:
    made = sorted(records(audited), key=lambda record: int(record["request_id"]))
    assert [(record["name"], record["decision"], record.get("error")) for record in made] == [
        ("search_messages", "allowed", None),
        ("search_messages", "allowed", None),
        ("(unknown)", "denied", "FORBIDDEN"),
        ("read_message", "failed", made[3]["error"]),
        ("read_message", "allowed", None),
    ]
    assert made[3]["error"] in ("INVALID_FORMAT", "VALIDATION_ERROR", "NOT_FOUND")
    assert made[1]["disclosed"] == made[4]["disclosed"]
    assert made[0]["arguments"] == {"query": len(json.dumps(SECRET_QUERY))}
    assert {record["transport"] for record in made} == {"stdio"}
    assert {record["client"] for record in made} == {"test 1"}
    assert "swordfish" not in audited("audit", "export").text


def test_what_was_searched_for_is_recorded_where_the_operator_says_so(filled: CommandLine) -> None:
    serve(filled, MAILQUERY_AUDIT__QUERIES="true")
    kept = [record["values"] for record in records(filled) if "values" in record]
    assert sorted(values["query"] for values in kept) == [json.dumps(SECRET_QUERY), json.dumps("subject:7")]


def test_the_newest_records_are_shown_and_followed(audited: CommandLine) -> None:
    shown = audited("audit", "tail", "-n", "2")
    assert [line.split("\t")[0] for line in shown.text.splitlines()] == ["4", "5"]
    process = audited.start("audit", "tail", "-n", "1", "--follow", "--json", stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert json.loads(process.stdout.readline())["sequence"] == 5
        serve(audited)
        assert [json.loads(process.stdout.readline())["sequence"] for _ in range(5)] == [6, 7, 8, 9, 10]
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def test_a_sound_audit_and_an_edited_one_are_told_apart(audited: CommandLine) -> None:
    noted = audited("audit", "tail", "--head").text.strip()
    sound = audited("audit", "verify", "--head", noted)
    assert (sound.code, "All 5 records hold" in sound.text) == (0, True)
    with closing(sqlite3.connect(audited.home / "control.db")) as connection:
        connection.execute("DROP TRIGGER audit_is_never_changed")
        connection.execute("UPDATE audit SET record = replace(record, 'stdio', 'http') WHERE sequence = 3")
        connection.commit()
    edited = audited("audit", "verify", "--json")
    assert edited.code == 4
    assert (edited.json["sound"], edited.json["problem"]["sequence"]) == (False, 3)
    assert "Record 3 was changed" in audited("audit", "verify").text
    refused = audited("audit", "prune", "--before", "2999-01-01", "--yes")
    assert refused.code == 4
    assert "nothing is removed" in refused.err.replace("\n", " ")
    assert audited("audit", "restart", "--yes").code == 0
    assert audited("audit", "verify").code == 0


def test_an_audit_that_was_taken_out_as_a_whole_is_told_and_answers_nothing(audited: CommandLine) -> None:
    with closing(sqlite3.connect(audited.home / "control.db")) as connection:
        connection.execute("DROP TABLE audit")
        connection.commit()
    found = audited("audit", "verify")
    assert (found.code, "no such table: audit" in found.err) == (4, True)
    answers = serve(audited)
    assert answers[2]["result"]["structuredContent"]["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert "letter-7" not in json.dumps(answers)


def test_the_last_record_removed_is_found(audited: CommandLine) -> None:
    with closing(sqlite3.connect(audited.home / "control.db")) as connection:
        connection.execute("DROP TRIGGER audit_is_removed_behind_a_checkpoint")
        connection.execute("DELETE FROM audit WHERE sequence = 5")
        connection.commit()
    found = audited("audit", "verify")
    assert (found.code, "Record 5 is missing" in found.text) == (4, True)


def test_an_export_is_cut_by_time_and_comes_as_csv(audited: CommandLine) -> None:
    middle = sorted(record["time"] for record in records(audited))[2]
    assert len(records(audited, "--since", middle)) == 3
    assert len(records(audited, "--until", middle)) == 2
    assert records(audited, "--since", (datetime.now() + timedelta(days=2)).date().isoformat()) == []
    rows = list(csv.DictReader(io.StringIO(audited("audit", "export", "--format", "csv").text)))
    assert [row["sequence"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert audited("audit", "export", "--since", "yesterday").code == 2


def test_old_records_are_pruned_after_a_question(audited: CommandLine) -> None:
    assert audited("audit", "prune", "--before", "2999-01-01", stdin=b"n\n").code == 2
    assert len(records(audited)) == 5
    done = audited("audit", "prune", "--before", "2999-01-01", "--yes", "--json")
    assert done.json["removed"] == 5
    assert audited("audit", "verify").code == 0
    assert [record["name"] for record in records(audited)] == ["records pruned"]


def test_records_go_to_a_file_as_well(filled: CommandLine) -> None:
    copy = filled.home / "audit.jsonl"
    serve(filled, MAILQUERY_AUDIT__FILE=str(copy))
    assert copy.read_text() == filled("audit", "export").text


def test_a_copy_that_cannot_be_written_withholds_every_answer_unless_told_to_go_on(filled: CommandLine) -> None:
    nowhere = str(filled.home / "none" / "audit.jsonl")
    answers = serve(filled, MAILQUERY_AUDIT__FILE=nowhere)
    structured = [
        answer["result"]["structuredContent"]["error"]["code"]
        for answer in answers.values()
        if answer["id"] in (2, 3, 6)
    ]
    assert structured == ["SERVICE_UNAVAILABLE"] * 3
    assert "letter-7" not in json.dumps(answers)
    answers = serve(filled, MAILQUERY_AUDIT__FILE=nowhere, MAILQUERY_AUDIT__ON_FAILURE="continue")
    assert "letter-7" in json.dumps(answers)


def test_a_key_that_others_can_read_is_refused(audited: CommandLine) -> None:
    (audited.home / "audit.key").chmod(0o644)
    refused = audited("audit", "verify")
    assert (refused.code, "chmod 600" in refused.err) == (2, True)

"""Attachments are read by a command and by a server, and what ends them loses nothing."""

import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from end_to_end.conftest import CommandLine, write_mbox
from support.letters import drawn, saved, tesseract

MESSAGES = 120


def with_note(number: int) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "Ana <ana@acme.example>", "Bo <bo@home.example>"
    message["Subject"], message["Message-ID"] = f"Letter {number}", f"<note-{number}@acme.example>"
    message["Date"] = "Mon, 09 Mar 2026 14:05:00 +0900"
    message.set_content("Attached.")
    message.add_attachment(f"secretword{number}x".encode(), maintype="text", subtype="plain", filename=f"{number}.txt")
    return message.as_bytes()


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return write_mbox(tmp_path / "notes.mbox", [with_note(number) for number in range(MESSAGES)])


def read_so_far(mailquery: CommandLine) -> int:
    with closing(sqlite3.connect(mailquery.home / "archive.db", timeout=30)) as connection:
        count: int = connection.execute("SELECT count(*) FROM attachments WHERE pending = 0").fetchone()[0]
        return count


def found(mailquery: CommandLine, query: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = mailquery("search", query, "--json").json["messages"]
    return messages


def test_a_command_reads_them_and_status_and_doctor_say_how_far_it_is(mailquery: CommandLine, notes: Path) -> None:
    mailquery("import", notes, "--no-embed")
    assert f"0 of {MESSAGES} attachments read" in mailquery("status").text
    done = mailquery("extract", "--json").json
    assert (done["read_now"], done["read"], done["contents"]) == (MESSAGES, MESSAGES, {"done": MESSAGES})
    assert done["protections"]["memory"] is True
    assert mailquery("extract", "--json").json["read_now"] == 0
    (message,) = found(mailquery, "secretword7x")
    (match,) = message["attachment_matches"]
    assert (match["filename"], match["snippet"]) == ("7.txt", "**secretword7x**")
    status = mailquery("status", "--json").json
    assert (status["attachments"]["read"], status["protections"]["memory"]) == (MESSAGES, True)
    checks = {check["name"]: check for check in mailquery("doctor", "--json").json["checks"]}
    assert f"{MESSAGES} of {MESSAGES} attachments read" in checks["attachments"]["finding"]
    assert "processes of their own" in checks["jail"]["finding"]
    assert checks["ocr"]["status"] == "ok"  # it is off, and how it is switched on is said
    assert "extraction.ocr.enabled" in checks["ocr"]["finding"]
    mailquery.environment["MAILQUERY_POLICY__DENIED_ATTACHMENT_TYPES"] = '["text/plain"]'
    assert mailquery("policy", "apply").code == 0
    assert found(mailquery, "secretword7x") == []
    assert mailquery("status", "--json").json["attachments"]["searched"] is True


def test_letters_in_pictures_are_read_once_that_is_set(mailquery: CommandLine, tmp_path: Path) -> None:
    tesseract("kor", "eng")  # or it is skipped
    message = EmailMessage()
    message["From"], message["Subject"], message["Message-ID"] = "a@x.example", "Scan", "<scan@x.example>"
    message.set_content("Attached.")
    scan = saved(drawn("The klondarite boats"), "PDF")
    message.add_attachment(scan, maintype="application", subtype="pdf", filename="scan.pdf")
    mailquery("import", write_mbox(tmp_path / "scan.mbox", [message.as_bytes()]), "--no-embed")
    assert mailquery("extract", "--json").json["unread_pictures"] == 1
    assert found(mailquery, "klondarite") == []
    mailquery.environment["MAILQUERY_EXTRACTION__OCR__ENABLED"] = "true"
    mailquery.environment["MAILQUERY_EXTRACTION__OCR__LANGUAGES"] = "kor, eng"
    assert mailquery("extract", "--json").json["read_now"] == 1
    (message_found,) = found(mailquery, "klondarite")
    assert message_found["attachment_matches"][0]["place"] == "page 1"
    checks = {check["name"]: check for check in mailquery("doctor", "--json").json["checks"]}
    assert checks["ocr"]["status"] == "ok"
    assert "kor, eng" in checks["ocr"]["finding"]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_what_ends_it_loses_nothing(mailquery: CommandLine, notes: Path, ending: signal.Signals) -> None:
    mailquery("import", notes, "--no-embed")
    process = mailquery.start("extract", stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0)
    while process.poll() is None and not read_so_far(mailquery):
        time.sleep(0.005)
    assert process.poll() is None, "it ended before it could be stopped"
    os.killpg(process.pid, ending)
    process.communicate(timeout=60)
    assert process.returncode != 0
    before = read_so_far(mailquery)
    assert 0 < before < MESSAGES
    assert mailquery("extract", "--json").json["read_now"] == MESSAGES - before
    assert len(found(mailquery, "secretword3x")) == 1

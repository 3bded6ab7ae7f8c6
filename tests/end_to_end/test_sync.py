"""`mailquery sync` as a user runs it, against a real Dovecot: also where it ends before its end."""

import os
import random
import resource
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from end_to_end.conftest import CommandLine, letter
from mailquery.repositories.compression import decompress
from support.dovecot import PASSWORD, USER, Dovecot, Mail, running_dovecot

MESSAGES = 3_000
_SYSTEM_FLAGS = {"\\Seen": 1, "\\Answered": 2, "\\Flagged": 4, "\\Draft": 8, "\\Deleted": 16}


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


@pytest.fixture
def mail(dovecot: Dovecot) -> Mail:
    return dovecot.mail()


@pytest.fixture
def account(mailquery: CommandLine, dovecot: Dovecot) -> CommandLine:
    done = mailquery(
        *("accounts", "add", USER, "--name", "home", "--username", USER),
        *("--host", "127.0.0.1", "--port", str(dovecot.port), "--security", "none"),
        MAILQUERY_ACCOUNT_PASSWORD=PASSWORD,
    )
    assert done.code == 0, done.err
    return mailquery


def message(number: int, size: int = 2_000) -> bytes:
    return letter(number, size=size).replace(b"\n", b"\r\n")


def archived(mailquery: CommandLine) -> dict[tuple[str, bytes], int]:
    """Flags by mailbox and content, without what is gone."""
    with closing(sqlite3.connect(mailquery.home / "archive.db", timeout=30)) as connection:
        return {
            (mailbox, decompress(frame)): flags
            for mailbox, frame, flags in connection.execute(
                "SELECT b.name, r.frame, p.flags FROM placements p JOIN mailboxes b ON b.id = p.mailbox"
                " JOIN messages m ON m.id = p.message JOIN raws r ON r.sequence = m.sequence WHERE p.flags & 64 = 0"
            )
        }


def stored(mailquery: CommandLine) -> int:
    with closing(sqlite3.connect(mailquery.home / "archive.db", timeout=30)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM messages").fetchone()
        return int(count)


def on_server(dovecot: Dovecot) -> dict[tuple[str, bytes], int]:
    """The same, as the server's own tool tells it."""
    found: dict[tuple[str, bytes], int] = {}
    printed = dovecot.doveadm("fetch", "-u", USER, "mailbox flags text", "mailbox", "*", "all")
    for entry in printed.split("\f\n"):
        head, _, raw = entry.partition("text:\n")
        if raw:
            mailbox, flags = (line.partition(": ")[2] for line in head.splitlines())
            # What doveadm moved it stores with line feeds; a client gets CRLF.
            content = raw.replace("\r\n", "\n").replace("\n", "\r\n").encode()
            found[mailbox, content] = sum(_SYSTEM_FLAGS.get(name, 0) for name in flags.split())
    return found


def started(mailquery: CommandLine, messages: int) -> "subprocess.Popen[bytes]":
    """A synchronisation that has stored so many messages and still runs."""
    process = mailquery.start("sync", stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0)
    while process.poll() is None and stored(mailquery) < messages:
        time.sleep(0.01)
    assert process.poll() is None, "it ended before it could be stopped"
    return process


def test_an_account_is_brought_in_and_searched(account: CommandLine, mail: Mail) -> None:
    mail.deliver([message(number) for number in range(50)])
    before = mail.everything()

    first = account("sync", "home", "--json")
    second = account("sync")

    assert first.code == 0, first.err
    (summary,) = first.json["accounts"]
    assert (summary["account"], summary["new"], summary["failed"]) == ("home", 50, [])
    assert second.code == 0, second.err
    assert second.text.startswith("home: nothing new;")
    assert account("search", "badgers", "--json").json["total"] == {"value": 50, "exact": True}
    assert mail.everything() == before


def test_there_is_something_to_do_where_there_is_no_account(mailquery: CommandLine) -> None:
    done = mailquery("sync")
    assert done.code == 3
    assert "mailquery accounts add" in done.err


def test_a_paused_account_is_left_alone(account: CommandLine) -> None:
    assert account("accounts", "pause", "home").code == 0
    assert account("sync", "home").code == 2
    done = account("sync")
    assert (done.code, done.text) == (0, "")
    assert "paused" in done.err


def test_a_server_that_is_not_there_is_told(account: CommandLine, dovecot: Dovecot) -> None:
    dovecot.stop()
    done = account("sync")
    assert done.code == 3
    assert "Nothing listens" in done.err
    assert "Traceback" not in done.err


def test_much_that_is_missing_is_asked_about_and_both_answers_are_followed(account: CommandLine, mail: Mail) -> None:
    mail.deliver([message(number) for number in range(20)])
    mail.deliver([message(number) for number in range(20, 40)], "News letters")
    assert account("sync").code == 0
    mail.expunge("uid 1:15")
    mail.expunge("uid 1:15", mailbox="News letters")

    asked = account("sync")

    assert asked.code == 0, asked.err
    assert "mailquery sync home --accept-deletions 'News letters'" in asked.text
    assert account.count() == 40
    answered = account("sync", "home", "--accept-deletions", "News letters", "--keep-deleted", "INBOX", "--json")
    assert answered.code == 0, answered.err
    (summary,) = answered.json["accounts"]
    assert summary["questions"] == []
    assert account.count() == 25
    again = account("sync", "home", "--accept-deletions", "INBOX")
    assert again.code == 3
    assert "Nothing is asked" in again.err


def test_a_second_synchronisation_at_the_same_time_is_refused(account: CommandLine, mail: Mail) -> None:
    mail.deliver([message(number) for number in range(MESSAGES)])
    process = started(account, 1)
    try:
        second = account("sync", "home")
        assert second.code == 4
        assert str(process.pid) in second.err
        assert account("search", "badgers", "--limit", "1").code == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_end_from_outside_keeps_what_is_stored_and_says_how_to_go_on(
    account: CommandLine, mail: Mail, ending: signal.Signals
) -> None:
    mail.deliver([message(number) for number in range(MESSAGES)])
    process = started(account, 1)
    os.killpg(process.pid, ending)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the same command again goes on" in err.decode()
    assert "Traceback" not in err.decode()
    assert 0 < stored(account) <= MESSAGES
    assert account("sync").code == 0
    assert stored(account) == MESSAGES


def test_killed_over_and_over_it_ends_with_what_the_server_has(
    account: CommandLine, dovecot: Dovecot, mail: Mail
) -> None:
    """Every process of it is killed at random, and the server is restarted, while mail comes, moves and goes."""
    chance = random.Random(20261126)
    mail.create("Archive", "받은편지함")
    mail.deliver([message(number, 500) for number in range(600)])
    for turn in range(6):
        process = account.start("sync", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0)
        time.sleep(0.3 + chance.random() * 1.5)
        if turn % 3 == 2:
            dovecot.restart()
            process.wait(60)
        else:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        start = 600 + 20 * turn
        mail.deliver([message(number, 500) for number in range(start, start + 20)], chance.choice(["INBOX", "Archive"]))
        mail.move(f"uid {10 * turn + 1}:{10 * turn + 5}", "받은편지함")
        mail.flag(f"uid {100 + turn}:{110 + turn}", "\\Seen", "\\Flagged")
        mail.expunge(f"uid {200 + turn}")

    done = account("sync", "--json")

    assert done.code == 0, done.err
    assert done.json["accounts"][0]["questions"] == []
    assert done.json["accounts"][0]["failed"] == []
    assert archived(account) == on_server(dovecot)
    again = account("sync", "--json").json["accounts"][0]
    assert again["unchanged"] == again["mailboxes"]


def test_a_full_disk_ends_it_and_the_next_one_goes_on(account: CommandLine, mail: Mail, dovecot: Dovecot) -> None:
    mail.deliver([os.urandom(6_000).hex().encode() + message(number) for number in range(300)])
    limit = 2 * 1024 * 1024

    def small_disk() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = account.start("sync", stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=small_disk)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 4, err.decode()
    assert "disk" in err.decode()
    assert "Traceback" not in err.decode()
    before = stored(account)
    assert before < 300

    done = account("sync")

    assert done.code == 0, done.err
    assert stored(account) == 300
    assert account("doctor").code in (0, 1)


def test_it_goes_on_and_brings_in_what_is_announced(account: CommandLine, mail: Mail, tmp_path: Path) -> None:
    mail.deliver(message(1))
    with subprocess.Popen(
        account.command("sync", "home", "--watch"),
        env=account.environment | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            assert b"1 new" in process.stdout.readline()
            assert b"Waiting for new mail" in process.stderr.readline()
            mail.deliver(message(2))
            assert b"home: 1 new" in process.stdout.readline()
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
        assert process.returncode == 130

"""Patterns choose mailboxes by name, as LIST's do, and by role."""

import time

import pytest

from mailquery.domain.mailboxes import MailboxRole
from mailquery.sources.patterns import check, is_chosen, matches
from mailquery.sources.remote import RemoteMailbox
from mcpkit.errors import ErrorCode, Fault


def box(name: str, role: MailboxRole = MailboxRole.NONE, *, selectable: bool = True) -> RemoteMailbox:
    return RemoteMailbox(name, name, role, selectable)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("Lists", "Lists", True),
        ("lists", "LISTS", True),
        ("Lists", "Lists/python", False),
        ("Lists/*", "Lists/python/dev", True),
        ("Lists/%", "Lists/python", True),
        ("Lists/%", "Lists/python/dev", False),
        ("%/2024", "Work/2024", True),
        ("%/2024", "Old/Work/2024", False),
        ("*/2024", "Old/Work/2024", True),
        ("*", "anything/at all", True),
        ("%", "anything/at all", False),
        ("*a*b*", "xxaxxbxx", True),
        ("*a*b", "xxaxxbxx", False),
        ("Größe", "GRÖSSE", True),
        ("받은*", "받은편지함", True),
        ("[Gmail]/*", "[Gmail]/Spam", True),
        ("a.c", "abc", False),
        ("", "x", False),
    ],
)
def test_names(pattern: str, name: str, expected: bool) -> None:
    assert matches(box(name), pattern) is expected


def test_a_role_is_found_whatever_the_mailbox_is_called() -> None:
    assert matches(box("Papierkorb", MailboxRole.TRASH), "\\Trash")
    assert matches(box("Papierkorb", MailboxRole.TRASH), "\\trash")
    assert not matches(box("Trash", MailboxRole.SENT), "\\Trash")
    assert not matches(box("Anything"), "\\")


def test_what_is_excluded_is_not_included() -> None:
    junk = box("Junk", MailboxRole.JUNK)
    assert is_chosen(junk, (), ())
    assert not is_chosen(junk, ("*",), ("\\Junk",))
    assert not is_chosen(junk, ("INBOX",), ())
    assert is_chosen(junk, ("INBOX", "j*"), ("Work",))
    assert not is_chosen(box("Folder", selectable=False), (), ())


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    started = time.perf_counter()
    assert not matches(box("a" * 500), "*a" * 200 + "b")
    assert not matches(box("a" * 500), "%a" * 200 + "b")
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("pattern", ["", "x" * 1001, "\\Spam", "\\"])
def test_what_is_no_pattern_is_refused_with_what_would_be(pattern: str) -> None:
    with pytest.raises(Fault) as raised:
        check(pattern)
    assert raised.value.code is ErrorCode.VALIDATION_ERROR
    check("\\Junk")
    check("Lists/*")

"""Patterns choose mailboxes by name, as LIST's do, and by role."""

import time

import pytest

from mailquery.domain.mailboxes import MailboxRole
from mailquery.sources.patterns import check, is_wanted
from mcpkit.errors import ErrorCode, Fault


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("Lists", "Lists", True),
        ("lists", "LISTS", True),
        ("Lists", "Lists/python", True),
        ("Lists/", "Lists", True),
        ("Lists", "Listserv", False),
        ("Lists/*", "Lists/python/dev", True),
        ("Lists/*", "Lists", False),
        ("Lists/%", "Lists/python", True),
        ("Lists/%/dev", "Lists/python/dev", True),
        ("Lists/%/dev", "Lists/a/b/dev", False),
        ("%/2024", "Work/2024", True),
        ("%/2024", "Old/Work/2024", False),
        ("*/2024", "Old/Work/2024", True),
        ("*", "anything/at all", True),
        ("*a*b*", "xxaxxbxx", True),
        ("*a*b", "xxaxxbxx", False),
        ("Größe", "GRÖSSE", True),
        ("받은*", "받은편지함", True),
        ("[Gmail]/*", "[Gmail]/Spam", True),
        ("[Gmail]", "G", False),
        ("a.c", "abc", False),
        ("a?c", "abc", False),
        ("", "x", False),
    ],
)
def test_names(pattern: str, name: str, expected: bool) -> None:
    assert is_wanted(name, [pattern], ()) is expected
    assert is_wanted(name, (), [pattern]) is not expected


def test_a_role_is_found_whatever_the_mailbox_is_called() -> None:
    assert is_wanted("Papierkorb", ["\\Trash"], (), MailboxRole.TRASH)
    assert is_wanted("Papierkorb", ["\\trash"], (), MailboxRole.TRASH)
    assert not is_wanted("Trash", ["\\Trash"], (), MailboxRole.SENT)
    assert not is_wanted("Anything", ["\\"], ())


def test_what_is_excluded_is_not_included() -> None:
    assert is_wanted("Junk", (), (), MailboxRole.JUNK)
    assert not is_wanted("Junk", ("*",), ("\\Junk",), MailboxRole.JUNK)
    assert not is_wanted("Junk", ("INBOX",), (), MailboxRole.JUNK)
    assert is_wanted("Junk", ("INBOX", "j*"), ("Work",), MailboxRole.JUNK)


@pytest.mark.parametrize("wild", ["*", "%"])
def test_a_pattern_of_many_wildcards_takes_no_time(wild: str) -> None:
    started = time.perf_counter()
    assert not is_wanted("a" * 500, [f"{wild}a" * 200 + "b"], ())
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("pattern", ["", " ", "x" * 1001, "\\Spam", "\\"])
def test_what_is_no_pattern_is_refused_with_what_would_be(pattern: str) -> None:
    with pytest.raises(Fault) as raised:
        check(pattern)
    assert raised.value.code is ErrorCode.VALIDATION_ERROR


def test_patterns_and_roles_are_allowed() -> None:
    for pattern in ("\\Junk", "\\important", "Lists/*", "%"):
        check(pattern)

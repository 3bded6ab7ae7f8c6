"""Responses are read as the grammar has them; any other bytes are a fault, and nothing else."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquery.domain.messages import Flag
from mailquery.sources.imap.fetched import date_of, described, flagged, flags_of, whole
from mailquery.sources.imap.names import mailboxes_of
from mailquery.sources.imap.responses import Value, literal_size, searched, values
from mailquery.sources.imap.text_parts import _Builder
from mcpkit.errors import Fault

PIECES = st.sampled_from(
    [b"(", b")", b'"', b"\\", b" ", b"[", b"]", b"{3}", b"NIL", b"UID", b"FLAGS", b"FETCH", b"1", b"SEARCH", b"ESEARCH",
     b"ALL", b"1:5", b",", b"BODY[]", b"\xff", b"\0", b"LIST", b"RFC822.SIZE", b"*", b"99999999999999999999999"]
)  # fmt: skip
LINES = st.lists(PIECES, max_size=30).map(b"".join) | st.binary(max_size=60)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"a (b c) NIL", [b"a", [b"b", b"c"], None]),
        (rb'"a \"b\" \\" ""', [rb'a "b" \ '.rstrip(), b""]),
        (b'"NIL" nil', [b"NIL", None]),
        (b"BODY[HEADER.FIELDS (A B)] x", [b"BODY[HEADER.FIELDS (A B)]", b"x"]),
        (b"((()))", [[[[]]]]),
        (rb"(\Seen $Forwarded)", [[rb"\Seen", b"$Forwarded"]]),
        (b"", []),
        (b"1 FETCH(UID 5)", [b"1", b"FETCH", [b"UID", b"5"]]),
    ],
)
def test_values(line: bytes, expected: list[Value]) -> None:
    assert values([line]) == expected


def test_literals_are_taken_as_they_are() -> None:
    assert values([b"1 FETCH (BODY[] {5}", b'a"(b\r', b" UID 3)"]) == [
        b"1",
        b"FETCH",
        [b"BODY[]", b'a"(b\r', b"UID", b"3"],
    ]
    assert literal_size(b"1 FETCH (BODY[] {5}") == 5
    assert literal_size(b"1 FETCH (BODY[] ~{5}") == 5
    assert literal_size(b"OK done {5}") is None
    assert literal_size(b"1 FETCH {5} x") is None
    assert literal_size(b"1 FETCH {-5}") is None
    assert literal_size(b"1 FETCH {99999999999999999999999}") is None


@given(st.lists(LINES, min_size=1, max_size=5))
def test_any_bytes_are_read_or_are_a_fault(parts: list[bytes]) -> None:
    def labels(value: Value) -> tuple[str, ...]:
        return ()

    for read in (
        lambda: values(parts),
        lambda: searched(parts),
        lambda: described(parts, labels),
        lambda: flagged(parts, labels),
        lambda: whole(parts),
        lambda: mailboxes_of([parts], utf8=False),
        lambda: mailboxes_of([parts], utf8=True),
        lambda: literal_size(parts[0]),
    ):
        try:
            read()
        except Fault as fault:
            assert fault.details["reason"] == "protocol"  # noqa: PT017 - it may also succeed


STRUCTURES = st.recursive(
    st.none()
    | st.sampled_from([b"text", b"plain", b"message", b"rfc822", b"mixed", b"boundary", b"5", b"99999999999"]),
    lambda inner: st.lists(inner, max_size=9),
    max_leaves=40,
)


@given(STRUCTURES)
def test_any_structure_of_a_message_is_planned(structure: Value) -> None:
    planned = list(_Builder().part(structure, "", "HEADER", is_child=False).all())
    assert planned
    assert len(planned) < 500


def test_a_structure_of_very_many_parts_is_cut() -> None:
    leaf: Value = [b"text", b"plain", None, None, None, b"7bit", b"5"]
    structure: Value = [*([leaf] * 100_000), b"mixed"]
    started = time.perf_counter()
    assert len(list(_Builder().part(structure, "", "HEADER", is_child=False).all())) < 500
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"26-Nov-2026 10:00:00 +0900", datetime(2026, 11, 26, 1, tzinfo=UTC)),
        (b" 1-Jan-2020 00:00:00 -0130", datetime(2020, 1, 1, 1, 30, tzinfo=UTC)),
        (b"1-JAN-2020 00:00:60 +0000", datetime(2020, 1, 1, 0, 0, 59, tzinfo=UTC)),
        (b"01-Jan-0001 00:00:00 +1400", None),
        (b"31-Feb-2020 00:00:00 +0000", None),
        (b"01-Jan-2020 00:00:00 +9999", None),
        (b"yesterday", None),
        (b"", None),
    ],
)
def test_dates(raw: bytes, expected: datetime | None) -> None:
    assert date_of(raw) == expected


def test_flags() -> None:
    assert flags_of(rb"\Seen \ANSWERED $forwarded Junk \Recent") == Flag.SEEN | Flag.ANSWERED | Flag.FORWARDED
    assert flags_of(b"") == Flag(0)


def test_a_million_uids_are_read_in_moments() -> None:
    line = b"SEARCH " + b" ".join(b"%d" % uid for uid in range(1, 1_000_001))
    started = time.perf_counter()
    found = searched([line])
    assert found is not None
    assert found.ranges == ((1, 1_000_000),)
    assert time.perf_counter() - started < 15

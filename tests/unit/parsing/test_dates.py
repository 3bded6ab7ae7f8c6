"""Date headers as they are found, and what stands in for those that cannot be used."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mailquery.domain.messages import DateSource, ProblemCode
from mailquery.parsing.dates import date_message, read_date

NOW = datetime(2024, 6, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "utc", "offset_hours"),
    [
        ("Mon, 15 Jan 2024 09:30:00 +0900", "2024-01-15T00:30:00", 9),
        ("15 Jan 2024 09:30:00 -0500", "2024-01-15T14:30:00", -5),
        ("Mon, 15 Jan 2024 09:30 +0900", "2024-01-15T00:30:00", 9),
        ("Mon, 15 Jan 2024 09:30:00 +0530", "2024-01-15T04:00:00", 5.5),
        ("Mon, 15 Jan 2024 09:30:00 GMT", "2024-01-15T09:30:00", 0),
        ("Mon, 15 Jan 2024 09:30:00 EST", "2024-01-15T14:30:00", -5),
        ("Mon, 15 Jan 2024 09:30:00 PDT", "2024-01-15T16:30:00", -7),
        ("Mon, 15 Jan 2024 09:30:00 KST", "2024-01-15T00:30:00", 9),
        ("Mon, 15 Jan 2024 09:30:00 GMT+0100", "2024-01-15T08:30:00", 1),
        ("Mon, 15 Jan 2024 09:30:00 +0100 (GMT+01:00)", "2024-01-15T08:30:00", 1),
        ("Mon, 15 Jan 2024 09:30:00 +0900 (KST)", "2024-01-15T00:30:00", 9),
        ("Mon, 15 Jan 2024 09:30:00 +9", "2024-01-15T00:30:00", 9),
        ("Mon, 15 Jan 2024 09:30:00", "2024-01-15T09:30:00", 0),
        ("Mon, 15 Jan 2024 09:30:00 XYZ", "2024-01-15T09:30:00", 0),
        ("Mon, 15 Jan 2024 09:30:00 -0000", "2024-01-15T09:30:00", 0),
        ("Mon, 15 Jan 2024 09:30:00 +9999", "2024-01-15T09:30:00", 0),
        ("Mon, 15 Jan 24 09:30:00 +0000", "2024-01-15T09:30:00", 0),
        ("Fri, 15 Jan 99 09:30:00 +0000", "1999-01-15T09:30:00", 0),
        ("Sat, 15 Jan 100 09:30:00 +0000", "2000-01-15T09:30:00", 0),
        ("Mon, 5 Jan 2024 9:03:00 +0000", "2024-01-05T09:03:00", 0),
        ("Mon, 15 Jan 2024 09:30:60 +0000", "2024-01-15T09:30:59", 0),
        ("월, 15 1월 2024 09:30:00 +0900", None, 0),
        ("월, 15 Jan 2024 09:30:00 +0900", "2024-01-15T00:30:00", 9),
        ("Mo, 15 Mär 2024 09:30:00 +0100", "2024-03-15T08:30:00", 1),
        ("lun., 15 janv. 2024 09:30:00 +0100", "2024-01-15T08:30:00", 1),
        ("Mi, 15 Mai 2024 09:30:00 +0200", "2024-05-15T07:30:00", 2),
        ("2024년 1월 15일 월요일 09:30:00 +0900", "2024-01-15T00:30:00", 9),
        ("2024-01-15T09:30:00+09:00", "2024-01-15T00:30:00", 9),
        ("2024-01-15 09:30:00 +0900", "2024-01-15T00:30:00", 9),
        ("2024-01-15T09:30:00.123Z", "2024-01-15T09:30:00", 0),
        ("Mon Jan 15 09:30:00 2024", "2024-01-15T09:30:00", 0),
        ("Mon Jan 15 09:30:00 KST 2024", "2024-01-15T00:30:00", 9),
        ("Mon, Jan 15, 2024 9:30 PM +0000", "2024-01-15T21:30:00", 0),
        ("Monday, 15 January 2024 12:30 AM", "2024-01-15T00:30:00", 0),
        ("15-Jan-2024 09:30:00 +0000", "2024-01-15T09:30:00", 0),
        ("Mon, 15 Jan 2024", "2024-01-15T00:00:00", 0),
        ("Mon, 31 Feb 2024 09:30:00 +0000", None, 0),
        ("Mon, 15 Jan 2024 25:30:00 +0000", None, 0),
        ("yesterday", None, 0),
        ("", None, 0),
        ("99999999999999", None, 0),
        ("Sat, 01 Jan 0001 00:00:00 +1400", None, 0),
    ],
)
def test_forms(text: str, utc: str | None, offset_hours: float) -> None:
    written = read_date(text)
    if utc is None:
        assert written is None
    else:
        assert written is not None
        assert written.instant == datetime.fromisoformat(utc).replace(tzinfo=UTC)
        assert written.utc_offset == offset_hours * 3600


def test_the_date_header_counts() -> None:
    dated = date_message(b" Mon, 15 Jan 2024 09:30:00 +0900", [], source_date=None, now=NOW)
    assert dated.source is DateSource.DATE
    assert dated.problem is None


RECEIVED = [
    b" from a by b; Tue, 16 Jan 2024 10:00:00 +0000",
    b" from c by a;\r\n\tMon, 15 Jan 2024 10:00:00 +0000",
]


@pytest.mark.parametrize(
    "date",
    [
        b" soon",
        b" Thu, 1 Jan 1970 00:00:00 +0000",
        b" Mon, 4 Jun 2024 12:00:01 +0000",
        b" Mon, 1 Jan 2094 00:00:00 +0000",
    ],
)
def test_an_unusable_date_is_replaced_by_the_newest_received_line_and_reported(date: bytes) -> None:
    dated = date_message(date, RECEIVED, source_date=NOW, now=NOW)
    assert dated.source is DateSource.RECEIVED
    assert dated.written.instant == datetime(2024, 1, 16, 10, tzinfo=UTC)
    assert dated.problem is not None
    assert dated.problem.code is ProblemCode.BAD_DATE


def test_a_date_up_to_two_days_ahead_is_a_clock_and_no_lie() -> None:
    dated = date_message(b"Mon, 3 Jun 2024 11:00:00 +0000", [], source_date=None, now=NOW)
    assert dated.source is DateSource.DATE


def test_a_missing_date_with_a_received_line_is_no_problem() -> None:
    dated = date_message(None, RECEIVED, source_date=NOW, now=NOW)
    assert dated.source is DateSource.RECEIVED
    assert dated.problem is None


def test_an_implausible_received_line_is_passed_over() -> None:
    received = [b"by x; Mon, 1 Jan 2094 00:00:00 +0000", b"no date", *RECEIVED]
    assert date_message(None, received, source_date=None, now=NOW).written.instant.day == 16


def test_without_a_header_the_sources_date_counts_and_is_reported() -> None:
    source = datetime(2023, 5, 5, 9, tzinfo=timezone(timedelta(hours=9)))
    dated = date_message(None, [], source_date=source, now=NOW)
    assert dated.source is DateSource.SOURCE
    assert dated.written == (datetime(2023, 5, 5, 0, tzinfo=UTC), 9 * 3600)
    assert dated.problem is not None


def test_the_last_resort_is_now() -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    dated = date_message(b"never", [], source_date=epoch, now=NOW)
    assert dated.source is DateSource.IMPORT
    assert dated.written == (NOW, 0)
    assert dated.problem is not None

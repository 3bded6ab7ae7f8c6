from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquery.query.dates import read_age, read_period, start_of_day

NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")

ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC",
        "Asia/Seoul",
        "Asia/Kathmandu",
        "Europe/Berlin",
        "America/New_York",
        "America/Sao_Paulo",
        "Africa/Cairo",
        "Asia/Beirut",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Pacific/Kiritimati",
        "America/St_Johns",
    )
]


def test_a_day_of_23_and_one_of_25_hours() -> None:
    now = datetime(2024, 6, 1, tzinfo=UTC)
    spring = read_period("2024-03-10", NEW_YORK, now)
    autumn = read_period("2024-11-03", NEW_YORK, now)
    assert spring.end - spring.start == timedelta(hours=23)
    assert autumn.end - autumn.start == timedelta(hours=25)


def test_a_day_whose_midnight_the_clock_skips_begins_at_one() -> None:
    zone = ZoneInfo("America/Sao_Paulo")
    start = start_of_day(date(2018, 11, 4), zone)
    assert start == datetime(2018, 11, 4, 3, tzinfo=UTC)
    assert start.astimezone(zone).hour == 1
    assert (start - timedelta(seconds=1)).astimezone(zone).date() == date(2018, 11, 3)


def test_a_day_that_a_gap_over_midnight_begins_starts_after_the_gap() -> None:
    """Toronto moved its clock at 23:30 on 30 March 1919, to 00:30 on the 31st."""
    zone = ZoneInfo("America/Toronto")
    start = start_of_day(date(1919, 3, 31), zone)
    assert start.astimezone(zone).replace(tzinfo=None) == datetime(1919, 3, 31, 0, 30)
    assert (start - timedelta(seconds=1)).astimezone(zone).date() == date(1919, 3, 30)


def test_a_day_that_the_calendar_left_out_is_empty() -> None:
    """Samoa crossed the date line and had no 30 December 2011."""
    period = read_period("2011-12-30", ZoneInfo("Pacific/Apia"), datetime(2024, 1, 1, tzinfo=UTC))
    assert period.start == period.end == datetime(2011, 12, 30, 10, tzinfo=UTC)


def test_today_is_the_users_day() -> None:
    now = datetime(2024, 3, 14, 16, 0, tzinfo=UTC)  # the 15th in Seoul, the 14th in New York
    assert read_period("today", ZoneInfo("Asia/Seoul"), now).start == datetime(2024, 3, 14, 15, tzinfo=UTC)
    assert read_period("today", NEW_YORK, now).start == datetime(2024, 3, 14, 4, tzinfo=UTC)


def test_an_age_in_days_keeps_the_time_of_day_over_a_change_of_the_clock() -> None:
    now = datetime(2024, 3, 31, 10, 0, tzinfo=UTC)  # noon in Berlin, on the day summer time began
    assert read_age("1d", BERLIN, now) == datetime(2024, 3, 30, 11, 0, tzinfo=UTC)
    assert read_age("24h", BERLIN, now) == datetime(2024, 3, 30, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "day"),
    [("1m", date(2024, 2, 29)), ("13m", date(2023, 2, 28)), ("1y", date(2023, 3, 31)), ("4w", date(2024, 3, 3))],
)
def test_the_last_day_of_a_month_goes_back_to_the_last_of_a_shorter_one(age: str, day: date) -> None:
    instant = read_age(age, BERLIN, datetime(2024, 3, 31, 10, 0, tzinfo=UTC))
    assert instant is not None
    assert instant.astimezone(BERLIN).date() == day


@given(st.dates(date(1900, 1, 2), date(2999, 12, 30)), st.sampled_from(ZONES))
def test_a_day_begins_at_its_first_instant(day: date, zone: ZoneInfo) -> None:
    start = start_of_day(day, zone)
    assert start.astimezone(zone).date() >= day
    assert (start - timedelta(microseconds=1)).astimezone(zone).date() < day


@given(st.dates(date(1900, 1, 2), date(2999, 12, 30)), st.sampled_from(ZONES))
def test_days_follow_each_other_without_a_gap(day: date, zone: ZoneInfo) -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC)
    next_day = day + timedelta(days=1)
    assert read_period(day.isoformat(), zone, now).end == read_period(next_day.isoformat(), zone, now).start


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.sampled_from(ZONES))
def test_the_weeks_months_and_years_of_now_hold_now(naive: datetime, zone: ZoneInfo) -> None:
    now = naive.replace(tzinfo=UTC)
    for text in ("today", "this week", "this month", "this year"):
        period = read_period(text, zone, now)
        assert period.start <= now < period.end
    for last, this in (("last week", "this week"), ("last month", "this month"), ("last year", "this year")):
        assert read_period(last, zone, now).end == read_period(this, zone, now).start

"""Queries, as somebody in Seoul asks them on a Friday morning."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from mailquery.query.parser import ParsedQuery, parse

SEOUL = ZoneInfo("Asia/Seoul")
FRIDAY = datetime(2024, 3, 15, 1, 30, 20, tzinfo=UTC)  # 10:30:20 in Seoul


def asked(query: str) -> ParsedQuery:
    """Raises what `parse` raises."""
    return parse(query, zone=SEOUL, now=FRIDAY)

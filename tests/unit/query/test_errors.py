"""Where each wrong query is wrong, and what is said of it."""

import pytest

from mcpkit.errors import ErrorCode, Fault
from support.asking import asked

# query, position, did_you_mean, a part of the message
ERRORS = [
    ("form:ana", 0, "from:ana", '"form:" is no field'),
    ("a form:ana b", 2, "from:ana", "no field"),
    ("-form:ana", 1, "from:ana", "no field"),
    ("fron:ana", 0, "from:ana", "no field"),
    ("subjct:x", 0, "subject:x", "no field"),
    ("Subjekt:x", 0, "subject:x", "no field"),
    ("befor:2024", 0, "before:2024", "no field"),
    ("larget:5M", 0, "larger:5M", "no field"),
    ('form:"Ana Souza" x', 0, 'from:"Ana Souza"', "no field"),
    ("form:(a b)", 0, "from:(a b)", "no field"),
    ("form:" + "a" * 90, 0, "from:", "no field"),
    ("newer_then:7d", 0, "newer_than:7d", "no field"),
    ("is:unraed", 3, "is:unread", "does not know"),
    ("is:foo", 3, "", "does not know"),
    ("is:flaged", 3, "is:flagged", "does not know"),
    ("is:read*", 3, "is:read", "does not know"),
    ("is:(unread OR strred)", 14, "is:starred", "does not know"),
    ("has:attachemnt", 4, "has:attachment", "does not know"),
    ("has:drive", 4, "", "does not know"),
    ("type:pfd", 5, "type:pdf", "does not know"),
    ("type:qqq", 5, "", "does not know"),
    ("larger:big", 7, "", "no size"),
    ("larger:-5", 7, "", "no size"),
    ("larger:1,5M", 7, "", "no size"),
    ("larger:10X", 7, "", "no size"),
    ("larger:999999999999999G", 7, "", "larger than any message"),
    ("thread:abc", 7, "", "no thread id"),
    ("thread:t4hq0v7d2k8xu", 7, "", "no thread id"),
    ("msgid:<>", 6, "", "Message-ID is missing"),
    ('in:""', 3, "", "name is missing"),
    ("in:work*", 7, "", "given whole"),
    ("account:w*", 9, "", "given whole"),
    ("to:me", 3, "", '"me"'),
    ("from:me", 5, "", '"me"'),
    ("with:me", 5, "", '"me"'),
    ("from:--", 5, "", "no letter or digit"),
    ('subject:""', 8, "", "no letter or digit"),
    ("subject:!!", 8, "", "no letter or digit"),
    ("list:<>", 5, "", "no letter or digit"),
    # dates
    ("on:2024-02-30", 3, "", "no day 30 in February 2024, which has 29 days"),
    ("on:2023-02-29", 3, "", "which has 28 days"),
    ("after:2024-13", 6, "", "no month 13"),
    ("after:2024-00-10", 6, "", "no month 0"),
    ("after:2024-01-00", 6, "", "no day 0"),
    ("after:0001", 6, "", "from 1900 to 2999"),
    ("after:9999", 6, "", "from 1900 to 2999"),
    ("on:2024-W54", 3, "", "no week 54"),
    ("after:2024-01-01T25:00", 6, "", "time of day"),
    ("after:03/05/2024", 6, "2024-03-05 or 2024-05-03", "begins with the year"),
    ("after:31/05/2024", 6, "2024-05-31", "begins with the year"),
    ("after:20240305", 6, "2024-03-05", "separators"),
    ("after:yesterdy", 6, "yesterday", "no date"),
    ("after:last week", 6, '"last week"', "quotation marks"),
    ("after:soon", 6, "", "no date"),
    ("after:2024*", 6, "", "no date"),
    ("after:999999d", 6, "", "from 1900 to 2999"),
    ("newer_than:99999y", 11, "", "from 1900 to 2999"),
    ("newer_than:2024", 11, "after:2024", "span of time"),
    ("older_than:yesterday", 11, "before:yesterday", "span of time"),
    ("newer_than:5min", 11, "", "span of time"),
    # form
    ('"', 0, "", "no letter or digit"),
    ('a "b c', 2, '"b c"', "not closed"),
    ('a report"', 8, '"report"', "not closed"),
    ("“a", 0, "“a”", "not closed"),
    ("„a", 0, "„a“", "not closed"),
    (r'"a\"', 0, r'"a\""', "not closed"),
    ("(a", 0, "(a)", "not closed"),
    ("a (b (c)", 2, "(b (c))", "not closed"),
    ("{a", 0, "{a}", "not closed"),
    ("from:(a", 5, "(a)", "not closed"),
    ("a)", 1, "", "closes nothing"),
    (")", 0, "", "closes nothing"),
    ("thanks ) bo", 7, "", "closes nothing"),
    ("(a 2024)) b", 8, "", "closes nothing"),
    ("(a}", 2, "", "closes nothing"),
    ("{a)", 2, "", "closes nothing"),
    ("( )", 0, "", "nothing between"),
    ("a { }", 2, "", "nothing between"),
    ("from:( )", 5, "", "nothing between"),
    ("a OR", 4, "", "OR is followed by the end"),
    ("OR a", 0, "", "no term before it"),
    ("AND a", 0, "", "no term before it"),
    ("a OR OR b", 5, "", "OR is followed by OR"),
    ("a AND OR b", 6, "", "AND is followed by OR"),
    ("a NOT", 5, "", "NOT is followed by the end"),
    ("(OR a)", 1, "", "followed by OR"),
    ("(a OR )", 6, "", "OR is followed by )"),
    ("from:", 5, "", "from: has no value"),
    ("from: OR a", 5, "", "from: has no value"),
    ("(from:)", 6, "", "from: has no value"),
    ("from: subject:x", 5, "", "from: has no value"),
    ("from:(subject:x)", 6, "", "cannot stand inside"),
    ("--", 0, "", "no letter or digit"),
    ("🎉", 0, "", "no letter or digit"),
    ("()", 0, "", "no letter or digit"),
    ('""', 0, "", "no letter or digit"),
    ("*", 0, "", "no letter or digit"),
    ("-- OR ...", 0, "", "no letter or digit"),
    # limits
    ("a" * 2001, 2000, "", "at most 2,000 characters"),
    ("(" * 51 + "a" + ")" * 51, 50, "", "nested at most 50 deep"),
    ("NOT " * 51 + "a", 200, "", "nested at most 50 deep"),
    ("a " * 201, 400, "", "at most 200 terms"),
]


@pytest.mark.parametrize(("query", "position", "did_you_mean", "message"), ERRORS)
def test_an_error_points_at_its_place(query: str, position: int, did_you_mean: str, message: str) -> None:
    with pytest.raises(Fault) as caught:
        asked(query)
    fault = caught.value
    assert fault.code is ErrorCode.QUERY_SYNTAX
    assert message in fault.message
    assert f"character {position + 1} " in fault.message
    assert fault.details["position"] == position
    assert fault.details.get("did_you_mean", "") == did_you_mean


@pytest.mark.parametrize("query", [query for query, _, _, message in ERRORS if "at most" not in message])
def test_an_error_says_what_was_expected_or_the_nearest_spelling(query: str) -> None:
    with pytest.raises(Fault) as caught:
        asked(query)
    details = caught.value.details
    if "from 1900 to 2999" in caught.value.message:
        return  # which says it
    assert details.get("expected") or details.get("did_you_mean")
    assert str(details["pointer"]).endswith("^")


@pytest.mark.parametrize(("query", "hint"), [("AND a", '"AND" as text: "and"'), ("a NOT", '"NOT" as text: "not"')])
def test_an_operator_out_of_place_says_how_it_is_looked_for_as_text(query: str, hint: str) -> None:
    with pytest.raises(Fault) as refused:
        asked(query)
    assert refused.value.details is not None
    assert hint in str(refused.value.details["expected"])

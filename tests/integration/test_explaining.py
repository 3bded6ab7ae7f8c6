"""What an explanation says of the indexes, against the engine's own plan of the same statement."""

from datetime import timedelta

import pytest

from integration.archives import ALL, Archive
from integration.mailmaker import NOON, mail, placed
from mailquery.domain.messages import Attachment, Flag
from mailquery.domain.queries import (
    And,
    DateBetween,
    Everything,
    Feature,
    Has,
    InMailbox,
    InThread,
    Is,
    Not,
    OfType,
    OnList,
    Or,
    Participant,
    ParticipantField,
    Query,
    SizeBetween,
    State,
    WithMessageId,
    Words,
)
from mailquery.repositories.explanations import Served, Use
from mailquery.repositories.records import Visibility

ANN = Participant(ParticipantField.FROM, "ann")
UNREAD = Is(State.UNREAD)


@pytest.fixture
async def stored(archive: Archive) -> Archive:
    first = mail("one", message_id="one@acme.io", list_id="dev.acme.io", size=10)
    file = Attachment("2", "Report.pdf", "application/pdf", 100)
    second = mail("two", date=NOON + timedelta(days=1), attachments=(file,))
    await archive.add(
        (first, [placed(first, "INBOX")]), (second, [placed(second, "Work", account="work", flags=Flag(0))])
    )
    return archive


def leaves(served: Served) -> list[Served]:
    return [leaf for part in served.parts for leaf in leaves(part)] if served.parts else [served]


# a query, what drives it, its leaves' (part of the index's name, use), and what the engine's plan must name
EXPLAINED: list[tuple[Query, str, list[tuple[str, Use]], list[str]]] = [
    (Everything(), "messages in the order of time", [("no condition", Use.DECIDED)], ["SCAN m"]),
    (Words("one"), "full-text index", [("full-text index", Use.DRIVES)], ["VIRTUAL TABLE"]),
    (ANN, "full-text index", [("participants index (1 found), as tokens", Use.DRIVES)], ["VIRTUAL TABLE"]),
    (
        Participant(ParticipantField.FROM, "@acme.io"),
        "full-text index",
        [("domain index", Use.DRIVES)],
        ["VIRTUAL TABLE"],
    ),
    (OnList("dev"), "full-text index", [("list index", Use.DRIVES)], ["VIRTUAL TABLE"]),
    (Has(Feature.ATTACHMENT), "full-text index", [("tokens", Use.DRIVES)], ["VIRTUAL TABLE"]),
    (
        And((Words("one"), Not(Has(Feature.LINK)))),
        "full-text index",
        [("full-text index", Use.DRIVES), ("tokens", Use.DRIVES)],
        ["VIRTUAL TABLE"],
    ),
    (Not(Words("one")), "messages in the order of time", [("full-text", Use.SET)], ["SCAN m", "VIRTUAL TABLE"]),
    (InMailbox("inbox"), "mailbox index", [("mailbox index", Use.DRIVES)], ["placements_by_mailbox"]),
    (UNREAD, "index of unread messages", [("unread", Use.DRIVES)], ["messages_unread"]),
    (
        And((InMailbox("inbox"), UNREAD)),
        "mailbox index",
        [("mailbox index", Use.DRIVES), ("unread", Use.CANDIDATE)],
        ["placements_by_mailbox", "messages_unread"],
    ),
    (
        And((Words("one"), InMailbox("inbox"), SizeBetween(5, None))),
        "full-text index",
        [("full-text", Use.DRIVES), ("placements", Use.CANDIDATE), ("size", Use.CANDIDATE)],
        ["VIRTUAL TABLE", "SEARCH l1", "messages_facts (id=?)"],
    ),
    (SizeBetween(5, None), "index of sizes", [("index of sizes", Use.DRIVES)], ["messages_by_size (size>?)"]),
    (
        And((SizeBetween(5, None), UNREAD)),
        "index of unread messages",
        [("size", Use.CANDIDATE), ("unread", Use.DRIVES)],
        ["messages_unread"],
    ),
    (
        And((SizeBetween(5, None), DateBetween(start=NOON))),
        "messages in the order of time",
        [("size", Use.CANDIDATE), ("row ids", Use.NARROWS)],
        ["messages_facts (id>?)"],
    ),
    (
        And((SizeBetween(5, None), InThread("t000000000001"))),
        "thread index",
        [("size", Use.CANDIDATE), ("thread index", Use.DRIVES)],
        ["messages_by_thread"],
    ),
    (
        DateBetween(start=NOON),
        "messages in the order of time",
        [("row ids", Use.NARROWS)],
        ["SEARCH m USING COVERING INDEX messages_facts (id>?)"],
    ),
    (
        Or((Words("one"), DateBetween(start=NOON))),
        "messages in the order of time",
        [("full-text", Use.SET), ("message table: date", Use.CANDIDATE)],
        ["SCAN m", "VIRTUAL TABLE"],
    ),
    (Or((Words("one"), ANN)), "full-text index", [("full", Use.DRIVES), ("part", Use.DRIVES)], ["VIRTUAL TABLE"]),
    (OfType("pdf"), "full-text index", [("tokens", Use.DRIVES)], ["VIRTUAL TABLE"]),
    (OfType("text/x"), "messages in the order of time", [("attachments", Use.CANDIDATE)], ["SEARCH t USING"]),
    (WithMessageId("one@acme.io"), "index of Message-IDs", [("Message-ID", Use.DRIVES)], ["messages_by_message_id"]),
    (InThread("t000000000001"), "thread index", [("thread index", Use.DRIVES)], ["messages_by_thread"]),
    (
        Participant(ParticipantField.TO, "nobody"),
        "nothing: no message can match",
        [("nothing in the archive", Use.DECIDED)],
        [],
    ),
]


@pytest.mark.parametrize(("query", "driven_by", "parts", "named"), EXPLAINED, ids=lambda value: repr(value)[:60])
async def test_each_part_is_served_as_the_engine_says(
    stored: Archive, query: Query, driven_by: str, parts: list[tuple[str, Use]], named: list[str]
) -> None:
    explanation = await stored.search.explain(query, ALL)
    assert explanation.driven_by == driven_by
    told = leaves(explanation.tree)
    assert len(told) == len(parts)
    for leaf, (index, use) in zip(told, parts, strict=True):
        assert index in leaf.index
        assert leaf.use is use
    plan = "\n".join(explanation.engine)
    assert all(name in plan for name in named)
    assert bool(explanation.engine) is bool(named)


async def test_the_explained_tree_is_the_querys(stored: Archive) -> None:
    def tree(served: Served) -> Query:
        match served.query:
            case And():
                return And(tuple(map(tree, served.parts)))
            case Or():
                return Or(tuple(map(tree, served.parts)))
            case Not():
                return Not(tree(served.parts[0]))
            case _:
                return served.query

    query = And((Words("one"), Or((ANN, And((UNREAD, Not(Or((Words("x"), SizeBetween(1, None)))))))), Not(Not(UNREAD))))
    assert tree((await stored.search.explain(query, ALL)).tree) == query


async def test_what_a_caller_may_not_see_is_looked_up_beside_the_query(stored: Archive) -> None:
    explanation = await stored.search.explain(And((UNREAD, Words("two"))), Visibility(frozenset({"work"})))
    assert explanation.besides
    assert [leaf.index for leaf in leaves(explanation.tree)] == ["placements of the message", "full-text index"]
    assert not (await stored.search.explain(UNREAD, ALL)).besides

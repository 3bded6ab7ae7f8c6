"""Random archives and random query trees over one small stock of words, people and places, so that much is found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import TypeVar

from hypothesis import strategies as st

from integration.mailmaker import NOON, mail, placed
from integration.truth import Known
from mailquery.domain.handles import message_handle
from mailquery.domain.messages import Attachment, Flag, Link
from mailquery.domain.queries import (
    And,
    DateBetween,
    Everything,
    Feature,
    Has,
    InAccount,
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
    TextField,
    WithMessageId,
    Words,
)
from mailquery.repositories.records import Visibility

T = TypeVar("T")

MOST_MESSAGES = 12
# No two of the words of scripts with spaces have a stem in common.
WORDS = (
    "budget",
    "harbour",
    "Café",
    "Straße",
    "v2",
    "Ёлка",
    "हिन्दी",
    "회의",
    "예산안",
    "산",
    "会議資料",
    "議",
    "งบประมาณ",
    "ｻｰﾊﾞｰ",
    "010",
    "1234-5678",
)
BETWEEN = (" ", " ", " ", "", "-", ", ", "\n", "'", "\u200b")
PEOPLE = (
    "Ann Lee <ann@acme.io>",
    "Ann Lee <ann@mail.acme.io>",
    "Joanna <jo@notacme.io>",
    "José Núñez <jose@example.org>",
    "김철수 <kim@example.org>",
    "Newsletter",
    "root@localhost",
)
PEOPLE_SOUGHT = (
    "ann",
    "ANN LEE",
    "jose",
    "nuñez",
    "철수",
    "news",
    "a",
    "@acme.io",
    "@io",
    "@acme",
    "@",
    "acme.io",
    "ann@",
    "@x@y",
    "--",
)
PARTS = (
    Attachment("2", "Budget v2.pdf", "application/pdf", 100),
    Attachment("3", "예산안.hwp", "application/octet-stream", 200),
    Attachment("4", "harbour.png", "image/png", 300, inline=True),
    Attachment("5", "", "text/calendar", 400),
    Attachment("6", "x.xlsx", "application/octet-stream", 500),
)
PLACES = (("home", "INBOX"), ("home", "Work/Budget"), ("home", "Gesendet"), ("work", "INBOX"), ("work", "Budget"))
ROLES = {("home", "Gesendet"): "sent", ("home", "INBOX"): "inbox", ("work", "INBOX"): "inbox"}
SECONDS = (0, 0, 1, 2, 86_399, 86_400, 86_401, -5_000_000_000)
FLAGS = (None, Flag(0), Flag(0), Flag.SEEN, Flag.FLAGGED, Flag.ANSWERED | Flag.SEEN, Flag.DRAFT)
VISIBILITIES = (None, None, frozenset({"home"}), frozenset({"work"}), frozenset[str]())


def _text(rng: Random, most: int) -> str:
    return "".join(word + rng.choice(BETWEEN) for word in rng.choices(WORDS, k=rng.randint(0, most)))


def _some(rng: Random, of: Sequence[T], most: int) -> tuple[T, ...]:
    return tuple(rng.sample(of, rng.randint(0, most)))


def letter(number: int, seed: int) -> Known:
    """The message of this seed: drawn as a whole, since hypothesis takes long for so many small draws."""
    rng = Random(seed)
    message = mail(
        _text(rng, 2),
        _text(rng, 4) + rng.choice(["", "", "see https://acme.io/x"]),
        quoted=_text(rng, 2),
        message_id=f"{number}@acme.io",
        references=tuple(f"{rng.randrange(MOST_MESSAGES + 2)}@acme.io" for _ in range(rng.choice([0, 0, 1, 2]))),
        date=NOON + timedelta(seconds=rng.choice(SECONDS)),
        from_=_some(rng, PEOPLE, 2),
        sender=_some(rng, PEOPLE, 1),
        reply_to=_some(rng, PEOPLE, 1),
        to=_some(rng, PEOPLE, 2),
        cc=_some(rng, PEOPLE, 1),
        bcc=_some(rng, PEOPLE, 1),
        list_id=rng.choice(["", "", "dev.lists.acme.io", "Ros.es"]),
        attachments=_some(rng, PARTS, 2),
        links=_some(rng, (Link("https://acme.io", "here"),), 1),
        size=rng.choice([10, 1000, 1001]),
    )
    lies = [
        placed(message, box, account=account, flags=rng.choice(FLAGS))
        for account, box in rng.sample(PLACES, rng.choice([1, 1, 2, 3]))
    ]
    return Known(message, lies, ROLES)


ARCHIVES = st.lists(st.integers(0, 1 << 32), min_size=1, max_size=MOST_MESSAGES).map(
    lambda seeds: [letter(number, seed) for number, seed in enumerate(seeds)]
)


@dataclass(frozen=True)
class InThreadOf:
    """Stands for `InThread` until there is a message to name: the one of this number, or none."""

    number: int


BEGINNINGS = st.sampled_from(WORDS).flatmap(lambda word: st.integers(1, len(word)).map(lambda end: word[:end]))
TWO_WORDS = st.tuples(st.sampled_from(WORDS), st.sampled_from(BETWEEN), st.sampled_from(WORDS)).map("".join)
ODD = st.sampled_from(["", "!?", "cafe strasse", "BUDGET", "ann acme"])
SOUGHT = st.one_of(st.sampled_from(WORDS), BEGINNINGS, TWO_WORDS, ODD)
INSTANTS = st.none() | st.sampled_from(SECONDS).flatmap(
    lambda second: st.sampled_from([0.0, 0.5, 1.0]).map(lambda more: NOON + timedelta(seconds=second + more))
)
SIZES = st.none() | st.sampled_from([0, 10, 11, 1000, 1001, 5000])
LEAVES: st.SearchStrategy[Query | InThreadOf] = st.one_of(
    st.builds(Words, SOUGHT, st.sampled_from(TextField), st.booleans(), st.booleans()),
    st.builds(Words, SOUGHT, st.sampled_from(TextField), st.booleans(), st.booleans()),
    st.builds(Participant, st.sampled_from(ParticipantField), st.sampled_from(PEOPLE_SOUGHT)),
    st.sampled_from(["inbox", "INBOX", "budget", "work/budget", "sent", "nowhere"]).map(InMailbox),
    st.sampled_from(["home", "WORK", "nobody"]).map(InAccount),
    st.integers(0, MOST_MESSAGES).map(lambda number: WithMessageId(f"<{number}@acme.io>")),
    st.integers(0, MOST_MESSAGES).map(InThreadOf),
    st.sampled_from(["dev", "LISTS.acme", "es", "other", ""]).map(OnList),
    st.sampled_from(Feature).map(Has),
    st.sampled_from(State).map(Is),
    st.sampled_from(["pdf", "image", "spreadsheet", "text/calendar", "calendar", "video", "IMAGE/PNG"]).map(OfType),
    st.builds(SizeBetween, SIZES, SIZES),
    st.builds(DateBetween, INSTANTS, INSTANTS),
    st.just(Everything()),
)


def _branches(parts: st.SearchStrategy[Query | InThreadOf]) -> st.SearchStrategy[Query | InThreadOf]:
    several = st.lists(parts, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, parts), st.builds(And, several), st.builds(Or, several))


TREES: st.SearchStrategy[Query | InThreadOf] = st.recursive(LEAVES, _branches, max_leaves=8)
QUESTIONS = st.lists(st.tuples(TREES, st.sampled_from(VISIBILITIES).map(Visibility)), min_size=4, max_size=10)


# Conditions that say much by themselves, of which each archive is asked every seventh.
EVERY = 7
SIMPLE: tuple[Query, ...] = (
    *(Participant(who, value) for who in ParticipantField for value in PEOPLE_SOUGHT),
    *map(Is, State),
    *map(Has, Feature),
    *(DateBetween(None, NOON + timedelta(seconds=second)) for second in range(-1, 5)),
    *(DateBetween(NOON + timedelta(seconds=second), None) for second in range(-1, 5)),
    *(Words(word, where) for where in TextField for word in WORDS[::3]),
)


def about(tree: Query | InThreadOf, known: list[Known]) -> Query:
    """The tree with its threads named."""
    match tree:
        case InThreadOf(number):
            return InThread(message_handle(known[number].key) if number < len(known) else "nonsense")
        case And(parts):
            return And(tuple(about(part, known) for part in parts))
        case Or(parts):
            return Or(tuple(about(part, known) for part in parts))
        case Not(part):
            return Not(about(part, known))
        case _:
            return tree


def with_parts(tree: Query) -> Iterator[Query]:
    """The tree, and each part of it by itself."""
    yield tree
    match tree:
        case And(parts) | Or(parts):
            for part in parts:
                yield from with_parts(part)
        case Not(part):
            yield from with_parts(part)
        case _:
            return

"""How the value of a field becomes a piece of the query tree: one reader for each kind of field.

A reader takes the value and the reading, and raises the `QUERY_SYNTAX` fault that points at the value.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from mailquery.domain.handles import parse_handle
from mailquery.domain.media import Kind, kind_of
from mailquery.domain.queries import (
    DateBetween,
    Feature,
    InAccount,
    InMailbox,
    InThread,
    OfType,
    OnList,
    Participant,
    ParticipantField,
    Query,
    SizeBetween,
    State,
    TextField,
    WithMessageId,
    Words,
    any_of,
)
from mailquery.domain.words import has_word
from mailquery.query import dates
from mailquery.query.reading import Reading, Value
from mailquery.query.spelling import nearest
from mailquery.query.vocabulary import FEATURES, KINDS, MAILBOXES, STATES

Reader = Callable[[Value, Reading], Query]

_SOMEBODY = ("a name, an address, a part of one, or a domain (@acme.io)",)
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*(?:([kmg])i?b?|b|bytes)?", re.IGNORECASE | re.ASCII)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_LARGEST = (1 << 63) - 1
_MEDIA_TYPE = re.compile(r"([\w!#$&^.+-]{1,127})/([\w!#$&^.+-]{1,127}|\*)", re.ASCII)
_NAME_AND_ADDRESS = re.compile(r"[^<>]*<([^<>\s]+)>")
_FAMILIES = {"image": Kind.IMAGE, "audio": Kind.AUDIO, "video": Kind.VIDEO, "message": Kind.MESSAGE}


def words_in(field: TextField) -> Reader:
    def read(value: Value, reading: Reading) -> Query:
        if not has_word(value.text):
            raise reading.fault(
                value.start, f'"{value.text}" has no letter or digit to look for', expected=("a word or a phrase",)
            )
        note_star_inside(value, reading)
        return Words(value.text, field, prefix=value.prefix, quoted=value.quoted)

    return read


def note_star_inside(value: Value, reading: Reading) -> None:
    if not value.quoted and "*" in value.text.removeprefix("*."):
        reading.note(f'"{value.text}": a * means "any ending" only at the end of a word; elsewhere it is left out')


def participant(field: ParticipantField) -> Reader:
    def read(value: Value, reading: Reading) -> Query:
        text = value.text.strip()
        if not value.quoted:
            if text.lower() == "me":
                return _me(field, value, reading)
            if text.endswith((",", ";")):
                text = text.rstrip(",;")
                reading.note(f'the {value.text[-1]} after "{text}" is left out')
            if value.prefix or text.startswith("*"):
                text = text.strip("*")
                reading.note(f"{field.value}: finds any part of a name or address, so the * is left out")
        if (match := _NAME_AND_ADDRESS.fullmatch(text)) is not None:
            if text != f"<{match[1]}>":
                reading.note(f"{field.value}: looks for the address {match[1]} alone, not for the name before it")
            text = match[1]
        if not has_word(text):
            raise reading.fault(value.start, f'"{value.text}" has no letter or digit to look for', expected=_SOMEBODY)
        return Participant(field, text)

    return read


def _me(field: ParticipantField, value: Value, reading: Reading) -> Query:
    """Any of the owner's addresses."""
    if reading.me is None:
        raise reading.fault(
            value.start,
            f'Who "me" is cannot be known here; write an address after {field.value}:, or "me" in quotation marks',
            expected=_SOMEBODY,
        )
    ours = reading.me()
    return any_of(
        *(Participant(field, address, whole=True) for address in sorted(ours.addresses)),
        *(Participant(field, f"@{domain}") for domain in sorted(ours.domains)),
    )


def mailbox(value: Value, reading: Reading) -> Query:
    if not value.quoted:
        if (meant := MAILBOXES.get(value.text.lower())) is not None and not value.prefix:
            return meant
        _refuse_star("a mailbox", value, reading)
    return InMailbox(_name(value, reading))


def category(value: Value, reading: Reading) -> Query:
    """Gmail's categories are labels in its export: "Category Promotions"."""
    _refuse_star("a category", value, reading)
    return InMailbox(f"Category {_name(value, reading)}")


def account(value: Value, reading: Reading) -> Query:
    _refuse_star("an account", value, reading)
    return InAccount(_name(value, reading))


def _refuse_star(what: str, value: Value, reading: Reading) -> None:
    if value.prefix:
        raise reading.fault(
            value.start + len(value.text),
            f"The name of {what} is given whole; a * cannot stand for the rest",
            expected=("the whole name",),
        )


def _name(value: Value, reading: Reading) -> str:
    if not (name := value.text.strip()):
        raise reading.fault(value.start, "A name is missing between the quotation marks", expected=("a name",))
    return name


def thread(value: Value, reading: Reading) -> Query:
    handle = value.text.strip().lower()
    if parse_handle(handle) is None or value.prefix:
        raise reading.fault(
            value.start,
            f'"{value.text}" is no thread id',
            expected=("the thread_id or the id of a search result: t or m and twelve letters and digits",),
        )
    return InThread(handle)


def message_id(value: Value, reading: Reading) -> Query:
    _refuse_star("a message", value, reading)
    identifier = value.text.strip().removeprefix("<").removesuffix(">").strip()
    if not identifier:
        raise reading.fault(value.start, "A Message-ID is missing", expected=("msgid:20240315.1@mail.acme.io",))
    return WithMessageId(identifier)


def mailing_list(value: Value, reading: Reading) -> Query:
    text = value.text.strip().removeprefix("<").removesuffix(">").strip()
    if not has_word(text):
        raise reading.fault(
            value.start, f'"{value.text}" has no letter or digit to look for', expected=("a part of a list's id",)
        )
    if value.prefix:
        reading.note("list: finds any part of a list's id, so the * is left out")
    return OnList(text)


def state(value: Value, reading: Reading) -> Query:
    return _one_of("is:", STATES, tuple(State), value, reading)


def feature(value: Value, reading: Reading) -> Query:
    return _one_of("has:", FEATURES, tuple(Feature), value, reading)


def _one_of(field: str, meanings: Mapping[str, Query], shown: tuple[str, ...], value: Value, reading: Reading) -> Query:
    word = value.text.strip().lower()
    if (meant := meanings.get(word)) is not None and not value.prefix:
        return meant
    guess = nearest(word, meanings, within=2 if len(word) > 3 else 1)
    raise reading.fault(
        value.start,
        f'{field} does not know "{value.text}"',
        expected=tuple(f"{field}{known}" for known in shown),
        did_you_mean=f"{field}{guess}" if guess else "",
    )


def media_type(value: Value, reading: Reading) -> Query:
    word = value.text.strip().lower()
    if not value.prefix and (kind := KINDS.get(word)) is not None:
        return OfType(kind.value)
    pattern = _MEDIA_TYPE.fullmatch(f"{word}*" if value.prefix else word)
    if pattern is not None and pattern[2] != "*":
        return OfType(word)
    if pattern is not None and (family := _FAMILIES.get(pattern[1])) is not None:
        return OfType(family.value)
    by_ending = kind_of("", f"x.{word.lstrip('.')}")
    if by_ending is not Kind.OTHER and not value.prefix:
        reading.note(f"type:{word} is read as type:{by_ending}, the kind of such files; filename:{word} is narrower")
        return OfType(by_ending.value)
    guess = nearest(word, KINDS, within=2 if len(word) > 3 else 1)
    raise reading.fault(
        value.start,
        f'type: does not know "{value.text}"',
        expected=(*(kind.value for kind in Kind), "a MIME type such as text/calendar"),
        did_you_mean=f"type:{guess}" if guess else "",
    )


def larger(value: Value, reading: Reading) -> Query:
    return SizeBetween(minimum=_bytes(value, reading))


def smaller(value: Value, reading: Reading) -> Query:
    return SizeBetween(limit=_bytes(value, reading))


def _bytes(value: Value, reading: Reading) -> int:
    match = _SIZE.fullmatch(value.text.strip())
    if match is None or value.prefix:
        raise reading.fault(
            value.start, f'"{value.text}" is no size', expected=("500", "10K", "5M", "1.5MB", "1G (K is 1024 bytes)")
        )
    size = round(float(match[1]) * _UNITS[(match[2] or "").lower()]) if "." in match[1] or match[2] else int(match[1])
    if size > _LARGEST:
        raise reading.fault(
            value.start, f'"{value.text}" is larger than any message', expected=("at most 8589934591G",)
        )
    return size


def after(value: Value, reading: Reading) -> Query:
    return DateBetween(start=_period(value, reading).start)


def before(value: Value, reading: Reading) -> Query:
    return DateBetween(end=_period(value, reading).start)


def until(value: Value, reading: Reading) -> Query:
    return DateBetween(end=_period(value, reading).end)


def on(value: Value, reading: Reading) -> Query:
    period = _period(value, reading)
    return DateBetween(period.start, period.end)


def _period(value: Value, reading: Reading) -> dates.Period:
    if value.prefix:
        raise reading.fault(value.start, f'"{value.text}*" is no date', expected=dates.FORMS)
    try:
        return dates.read_period(value.text, reading.zone, reading.now)
    except dates.DateError as error:
        raise reading.fault(value.start, str(error), expected=dates.FORMS, did_you_mean=error.did_you_mean) from None


def newer_than(value: Value, reading: Reading) -> Query:
    return DateBetween(start=_ago("newer_than:", "after:", value, reading))


def older_than(value: Value, reading: Reading) -> Query:
    return DateBetween(end=_ago("older_than:", "before:", value, reading))


def _ago(field: str, for_dates: str, value: Value, reading: Reading) -> datetime:
    try:
        instant = None if value.prefix else dates.read_age(value.text, reading.zone, reading.now)
    except dates.DateError as error:
        raise reading.fault(value.start, str(error), expected=dates.AGES) from None
    if instant is not None:
        return instant
    try:
        dates.read_period(value.text, reading.zone, reading.now)
        guess = f'{for_dates}"{value.text}"' if " " in value.text else f"{for_dates}{value.text}"
    except dates.DateError:
        guess = ""
    raise reading.fault(
        value.start, f'{field} takes a span of time, not "{value.text}"', expected=dates.AGES, did_you_mean=guess
    )

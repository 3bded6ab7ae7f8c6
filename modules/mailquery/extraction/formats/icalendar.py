"""Calendars (RFC 5545), by icalendar: what, when with its time zone, where, and who."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.interfaces import Budget, Damaged, Inner
from mailquery.parsing.charsets import decode_unlabelled

if TYPE_CHECKING:
    from icalendar import Component

_SHOWN = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"})
_METHODS = {"REQUEST": "invitation", "CANCEL": "cancellation", "REPLY": "answer to an invitation"}


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del inner
    from icalendar import Calendar

    try:
        calendars = Calendar.from_ical(decode_unlabelled(data).text, multiple=True)
    except (ValueError, IndexError, KeyError) as error:
        raise Damaged("it is no whole calendar") from error
    events = 0
    for calendar in calendars:
        method = str(calendar.get("METHOD", "")).upper()
        if method:
            facts["purpose"] = _METHODS.get(method, method.lower())
        for component in calendar.walk():
            if component.name in _SHOWN:
                budget.entry()
                events += 1
                yield Section(SectionKind.EVENT, str(component.get("SUMMARY", "")), "\n".join(_lines(component)))
    facts["events"] = str(events)


def _lines(component: "Component") -> Iterator[str]:
    fields = (
        ("What", _text(component, "SUMMARY")),
        ("When", _when(component)),
        ("Repeats", _text(component, "RRULE")),
        ("Due", _moment(component, "DUE")),
        ("Where", _text(component, "LOCATION")),
        ("Organizer", _person(component.get("ORGANIZER"))),
        ("Attendees", ", ".join(filter(None, map(_person, _listed(component.get("ATTENDEE")))))),
        ("Status", _text(component, "STATUS").lower()),
        ("Link", _text(component, "URL")),
        ("Description", _text(component, "DESCRIPTION")),
    )
    for name, value in fields:
        if value:
            yield f"{name}: {value}"


def _text(component: "Component", name: str) -> str:
    value = component.get(name)
    if value is None:
        return ""
    if name == "RRULE":
        return str(value.to_ical().decode("utf-8", "replace")) if hasattr(value, "to_ical") else ""
    return "; ".join(str(each).strip() for each in _listed(value))


def _when(component: "Component") -> str:
    begin, end = _moment(component, "DTSTART"), _moment(component, "DTEND")
    duration = _value(component.get("DURATION"))
    if not end and isinstance(duration, timedelta):
        return f"{begin}, for {duration}" if begin else ""
    return f"{begin} to {end}" if begin and end else begin


def _moment(component: "Component", name: str) -> str:
    """With the name of its time zone where it has one; a moment without is in that of whoever reads it."""
    value = component.get(name)
    moment = _value(value)
    if isinstance(moment, datetime):
        zone = str(getattr(value, "params", {}).get("TZID", "")) or ("UTC" if moment.tzinfo else "local time")
        return f"{moment.strftime('%Y-%m-%d %H:%M')} {zone}"
    return moment.isoformat() if isinstance(moment, date) else ""


def _value(parsed: Any) -> Any:
    """None where the property is broken, which the library says when it is asked for."""
    from icalendar.error import BrokenCalendarProperty

    try:
        return getattr(parsed, "dt", None)
    except (BrokenCalendarProperty, ValueError):
        return None


def _person(value: Any) -> str:
    if value is None:
        return ""
    address = str(value)
    address = address[7:] if address.lower().startswith("mailto:") else address
    parameters = getattr(value, "params", {})
    name, answer = str(parameters.get("CN", "")), str(parameters.get("PARTSTAT", "")).lower()
    who = f"{name} <{address}>" if name and name != address else address
    return f"{who} ({answer})" if answer and answer != "needs-action" else who


def _listed(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)

"""What `--json` prints: stored things as plain values. Times are ISO 8601 in UTC, sizes in bytes."""

from datetime import UTC, datetime

from mailquery.domain.addresses import Address
from mailquery.domain.handles import attachment_handle, message_handle, thread_handle
from mailquery.domain.messages import Attachment, Flag, Problem
from mailquery.repositories.records import MessageRow, RecordedProblem, StoredMessage

Shape = dict[str, object]


def moment(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def addresses(values: tuple[Address, ...]) -> list[Shape]:
    return [{"name": value.name, "address": value.address} for value in values]


def flags(value: Flag) -> list[str]:
    return [flag.name.lower() for flag in Flag if flag in value and flag.name]


def attachment(key: int, value: Attachment) -> Shape:
    return {
        "id": attachment_handle(key, value.part),
        "filename": value.filename,
        "type": value.content_type,
        "size": value.size,
        "inline": value.inline,
        "withheld": value.withheld,
    }


def problem(value: Problem) -> Shape:
    return {"code": value.code.value, "detail": value.detail}


def recorded_problem(value: RecordedProblem) -> Shape:
    return {
        **problem(value.problem),
        "place": value.locator,
        "message": None if value.key is None else message_handle(value.key),
        "recorded": moment(value.recorded),
    }


def row(value: MessageRow) -> Shape:
    return {
        "id": message_handle(value.key),
        "thread_id": thread_handle(value.thread_key),
        "message_id": value.message_id,
        "date": moment(value.date),
        "from": addresses(value.from_),
        "to": addresses(value.to),
        "subject": value.subject,
        "mailboxes": list(value.mailboxes),
        "flags": flags(value.flags),
        "size": value.size,
        "attachments": [attachment(value.key, each) for each in value.attachments],
    }


def message(value: StoredMessage) -> Shape:
    return {
        **row(value.row),
        "accounts": list(value.accounts),
        "to": addresses(value.to),
        "cc": addresses(value.cc),
        "bcc": addresses(value.bcc),
        "reply_to": addresses(value.reply_to),
        "date_source": value.date_source.value,
        "in_reply_to": list(value.in_reply_to),
        "references": list(value.references),
        "list_id": value.list_id,
        "links": [{"url": link.url, "text": link.text} for link in value.links],
        "problems": [problem(each) for each in value.problems],
    }

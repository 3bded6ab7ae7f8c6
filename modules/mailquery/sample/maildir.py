"""Writes the sample mailbox as a Maildir++."""

import hashlib
from datetime import timedelta, timezone
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime
from pathlib import Path

from mailquery.sample import abroad, business, family, routine, travel
from mailquery.sample.letters import Letter

_MAILBOXES = ("INBOX", "Sent", "Archive", "Receipts")
_POLICY = default.clone(max_line_length=76)
_ATTRIBUTIONS = {
    "en": "On {date}, {name} <{address}> wrote:",
    "ko": "{date}, {name} <{address}> 님이 작성:",
    "ja": "{date}、{name} <{address}> のメッセージ:",
    "zh": "{date}，{name} <{address}> 写道：",
    "th": "เมื่อ {date} {name} <{address}> เขียนว่า:",
    "de": "Am {date} schrieb {name} <{address}>:",
    "fr": "Le {date}, {name} <{address}> a écrit :",
}


def letters() -> list[Letter]:
    """Every letter of the sample mailbox, oldest first."""
    everything = [letter for of in (business, abroad, travel, family, routine) for letter in of.letters()]
    return sorted(everything, key=lambda letter: (letter.at, letter.subject))


def write_maildir(folder: Path) -> int:
    """Writes the mailbox into `folder`, which is made and must not hold one yet; returns the number of messages.

    Raises:
        FileExistsError: `folder` has a Maildir already.
    """
    for mailbox in _MAILBOXES:
        for part in ("cur", "new", "tmp"):
            (_place(folder, mailbox) / part).mkdir(parents=True)
    written = letters()
    for number, letter in enumerate(written):
        # Unread mail lies in `new`, as a delivery leaves it.
        fresh = letter.flags == ""
        name = f"{int(letter.at.timestamp())}.M{number:04d}.sample" + ("" if fresh else f":2,{letter.flags}")
        (_place(folder, letter.mailbox) / ("new" if fresh else "cur") / name).write_bytes(message_bytes(letter))
    return len(written)


def message_bytes(letter: Letter) -> bytes:
    """The letter as an RFC 5322 message with LF line ends."""
    message = EmailMessage(policy=_POLICY)
    message["Return-Path"] = f"<{letter.sender.address}>"
    message["Received"] = (
        f"from mx.{letter.sender.address.partition('@')[2]} by mail.parktea.example with ESMTPS;"
        f" {format_datetime(letter.at + timedelta(seconds=4))}"
    )
    message["Message-ID"] = _message_id(letter)
    message["Date"] = format_datetime(letter.at.astimezone(timezone(timedelta(hours=letter.sender.hours))))
    message["From"] = _mailbox(letter.sender.name, letter.sender.address)
    message["To"] = ", ".join(_mailbox(person.name, person.address) for person in letter.to)
    if letter.cc:
        message["Cc"] = ", ".join(_mailbox(person.name, person.address) for person in letter.cc)
    message["Subject"] = letter.subject
    if letter.answers is not None:
        message["In-Reply-To"] = _message_id(letter.answers)
        message["References"] = " ".join(_ancestors(letter))
    if letter.list_id:
        message["List-Id"] = f"<{letter.list_id}>"
        message["List-Unsubscribe"] = f"<https://{letter.list_id}/unsubscribe>"
    message.set_content(_full_text(letter), charset=letter.charset)
    if letter.html:
        message.add_alternative(letter.html, subtype="html")
    for file in letter.files:
        kind, _, subtype = file.media_type.partition("/")
        message.add_attachment(file.content, maintype=kind, subtype=subtype, filename=file.name)
    for number, part in enumerate(message.walk()):
        if part.is_multipart():  # else the library draws a random one
            part.set_boundary(f"=_{hashlib.sha256(f'{_message_id(letter)}{number}'.encode()).hexdigest()[:24]}")
    return message.as_bytes()


def _full_text(letter: Letter) -> str:
    if letter.answers is None or not letter.quote:
        return letter.text + "\n"
    before = letter.answers
    local = before.at.astimezone(timezone(timedelta(hours=letter.sender.hours)))
    attribution = _ATTRIBUTIONS[letter.sender.language].format(
        date=f"{local:%Y-%m-%d %H:%M}", name=before.sender.name, address=before.sender.address
    )
    quoted = "\n".join(f"> {line}".rstrip() for line in _full_text(before).rstrip().splitlines())
    return f"{letter.text}\n\n{attribution}\n{quoted}\n"


def _message_id(letter: Letter) -> str:
    seen = f"{letter.at.isoformat()} {letter.sender.address} {letter.subject}"
    return f"<{hashlib.sha256(seen.encode()).hexdigest()[:20]}@{letter.sender.address.partition('@')[2]}>"


def _ancestors(letter: Letter) -> list[str]:
    chain: list[str] = []
    before = letter.answers
    while before is not None:
        chain.append(_message_id(before))
        before = before.answers
    return chain[::-1]


def _mailbox(name: str, address: str) -> str:
    return f'"{name}" <{address}>'


def _place(folder: Path, mailbox: str) -> Path:
    return folder if mailbox == "INBOX" else folder / f".{mailbox}"

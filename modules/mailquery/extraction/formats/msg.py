"""Messages as Outlook saves them (MS-OXMSG): header, text, and what is attached to them.

A small reader of its own: the kept library for it (extract-msg) is under the GPL.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.interfaces import Budget, Damaged, Inner, LimitReached
from mailquery.extraction.nested import read_inner
from mailquery.extraction.ole import CompoundFile
from mailquery.parsing.charsets import decode, decode_unlabelled
from mailquery.parsing.html import read_html

# Numbers of properties (MS-OXPROPS).
_SUBJECT, _BODY, _HTML, _SENDER, _SENDER_SMTP, _SENDER_ADDRESS = "0037", "1000", "1013", "0C1A", "5D01", "0C1F"
_TO, _CC, _SENT, _RECEIVED, _CODE_PAGE = "0E04", "0E03", "0039", "0E06", "3FFD"
_CONTENT, _LONG_NAME, _NAME, _METHOD_MESSAGE = "3701", "3707", "3704", "3701000D"
_UNICODE, _ANSI, _BINARY = "001F", "001E", "0102"
_TIME, _LONG = 0x0040, 0x0003
_TOP_HEAD, _INNER_HEAD = 32, 24  # bytes before the properties
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    file = CompoundFile(data)
    if not file.has("__properties_version1.0"):
        raise Damaged("it has no message in it")
    yield from _message(_Storage(file, "", _TOP_HEAD), budget, facts, inner)


@dataclass(frozen=True, slots=True)
class _Storage:
    """A message, or an attachment, in the file: all of its streams have `prefix` before their names."""

    file: CompoundFile
    prefix: str
    head: int = _INNER_HEAD

    def text(self, number: str) -> str:
        if content := self.file.stream(f"{self.prefix}__substg1.0_{number}{_UNICODE}"):
            return content.decode("utf-16-le", "replace").rstrip("\x00")
        content = self.file.stream(f"{self.prefix}__substg1.0_{number}{_ANSI}").rstrip(b"\x00")
        page = self.fixed(_CODE_PAGE, _LONG)
        return decode(content, f"cp{page}").text if page else decode_unlabelled(content).text

    def binary(self, number: str) -> bytes:
        return self.file.stream(f"{self.prefix}__substg1.0_{number}{_BINARY}")

    def fixed(self, number: str, kind: int) -> int:
        """A value that stands in the list of properties itself; 0 where there is none."""
        listed = self.file.stream(f"{self.prefix}__properties_version1.0")[self.head :]
        wanted = int(number, 16) << 16 | kind
        for at in range(0, len(listed) - 15, 16):
            tag, _, value = struct.unpack_from("<IIQ", listed, at)
            if tag == wanted:
                return int(value if kind == _TIME else value & 0xFFFFFFFF)
        return 0

    def attachments(self) -> list["_Storage"]:
        begin = f"{self.prefix}__attach_version1.0_#"
        names = {path[: path.index("/", len(begin))] for path in self.file.paths if path.startswith(begin)}
        return [_Storage(self.file, f"{name}/") for name in sorted(names)]


def _message(storage: _Storage, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    subject = storage.text(_SUBJECT)
    sent = storage.fixed(_SENT, _TIME) or storage.fixed(_RECEIVED, _TIME)
    date = _moment(sent)
    facts["subject"] = subject
    facts["date"] = date
    address = storage.text(_SENDER_SMTP) or storage.text(_SENDER_ADDRESS)
    sender = storage.text(_SENDER)
    head = [
        f"{name}: {value}"
        for name, value in (
            ("From", f"{sender} <{address}>" if sender and "@" in address else sender or address),
            ("To", storage.text(_TO)),
            ("Cc", storage.text(_CC)),
            ("Date", date),
            ("Subject", subject),
        )
        if value
    ]
    yield Section(SectionKind.MESSAGE, subject, "\n".join([*head, "", _body(storage)]))
    for attachment in storage.attachments():
        budget.entry()
        name = attachment.text(_LONG_NAME) or attachment.text(_NAME) or "attachment"
        nested = f"{attachment.prefix}__substg1.0_{_METHOD_MESSAGE}/"
        if any(path.startswith(nested) for path in storage.file.paths):
            yield from _nested(_Storage(storage.file, nested), name, budget, inner)
        else:
            yield from read_inner(attachment.binary(_CONTENT), name, budget, inner)


def _nested(storage: _Storage, name: str, budget: Budget, inner: Inner) -> Iterator[Section]:
    """A message in the same file."""
    try:
        deeper = budget.deeper()
    except LimitReached:
        yield Section(SectionKind.ENTRY, name, f"{name} (over a limit)")
        return
    for section in _message(storage, deeper, {}, inner):
        budget.text(len(section.text))
        yield Section(section.kind, f"{name}/{section.label}", section.text, section.depth + 1)


def _body(storage: _Storage) -> str:
    if text := storage.text(_BODY).replace("\r\n", "\n"):
        return text
    source = storage.binary(_HTML)
    return read_html(decode_unlabelled(source).text).text if source else ""


def _moment(ticks: int) -> str:
    """Of a number of 100 nanoseconds since 1601 (MS-DTYP, section 2.3.3)."""
    try:
        return (_EPOCH + timedelta(microseconds=ticks // 10)).isoformat() if ticks else ""
    except OverflowError:
        return ""

"""Which attachments the operator's policy lets out. They are listed all the same, and marked."""

from collections.abc import Callable
from dataclasses import replace

from mailquery.domain.extraction import Extraction, SectionKind
from mailquery.domain.media import Kind, kind_of
from mailquery.domain.messages import Attachment
from mailquery.domain.policy import NO_POLICY, Policy
from mailquery.extraction.nested import type_of_entry
from mailquery.parsing.reading import all_parts, read_part
from mailquery.repositories.records import MessageRow
from mcpkit.errors import ErrorCode, Fault

_DEEPEST = 8  # messages inside messages


class Contents:
    """`policy` gives the one in force, which can change while a server runs."""

    def __init__(self, policy: Callable[[], Policy] = lambda: NO_POLICY) -> None:
        self._policy = policy

    def marked(self, row: MessageRow) -> MessageRow:
        """The message with its attachments of denied types marked."""
        if not self._policy().attachment_types or not row.attachments:
            return row
        return replace(row, attachments=tuple(map(self.mark, row.attachments)))

    def mark(self, attachment: Attachment) -> Attachment:
        return replace(attachment, withheld=True) if self._withholds(attachment) else attachment

    def check(self, attachment: Attachment, data: bytes) -> None:
        """Raises `FORBIDDEN` for an attachment of a denied type, by its name, its declared type or its content `data`
        where that is given, and for a message that has such a one inside."""
        if _is_withheld(self._policy(), attachment.content_type, attachment.filename, data):
            raise _forbidden("An attachment of this type is not given out")

    def check_text(self, attachment: Attachment, extraction: Extraction) -> None:
        """The same for what was read in it: its own type by content, and the files inside it."""
        policy = self._policy()
        if not policy.attachment_types:
            return
        entries = [each for each in extraction.sections if each.kind is SectionKind.ENTRY]
        found = [
            (attachment.content_type, attachment.filename),
            (extraction.type, attachment.filename),
            *((type_of_entry(each), each.label) for each in entries),
        ]
        if any(policy.withholds_content(*each) for each in found):
            raise _forbidden("An attachment of this type, or with a file of it inside, is not given out")

    def check_raw(self, row: MessageRow, raw: bytes) -> None:
        """The same for a whole message as it was sent, which carries its attachments."""
        if not self._policy().attachment_types:
            return
        for attachment in row.attachments:
            part = read_part(raw, attachment.part)
            try:
                self.check(attachment, part.data if part is not None else b"")
            except Fault:
                message = "The message carries an attachment of a type that is not given out, so it is not given raw"
                raise _forbidden(message) from None

    def _withholds(self, attachment: Attachment) -> bool:
        return self._policy().withholds_content(attachment.content_type, attachment.filename)


def _is_withheld(policy: Policy, content_type: str, filename: str, data: bytes, depth: int = 0) -> bool:
    if not policy.attachment_types:
        return False
    if policy.withholds_content(content_type, filename):
        return True
    if data:
        from mailquery.extraction.detection import detect  # not needed where there is no such rule

        if policy.withholds_content(detect(data, filename), filename):
            return True  # whatever it is called
    if kind_of(content_type, filename) is not Kind.MESSAGE:
        return False
    return depth >= _DEEPEST or any(
        _is_withheld(policy, part.content_type, part.filename, part.data, depth + 1) for part in all_parts(data)
    )


def _forbidden(what: str) -> Fault:
    return Fault(
        ErrorCode.FORBIDDEN, f"{what}: the operator's policy withholds it. The rest of the message can be read."
    )

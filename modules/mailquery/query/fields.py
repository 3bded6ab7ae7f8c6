"""The fields of the search language: one table, from which the parser, the documentation and the suggestions come."""

from dataclasses import dataclass

from mailquery.domain.queries import ParticipantField, TextField
from mailquery.query import values
from mailquery.query.spelling import nearest


@dataclass(frozen=True, slots=True)
class Field:
    """`example` is a whole query; `meaning` completes "finds messages ..."."""

    name: str
    aliases: tuple[str, ...]
    example: str
    meaning: str
    read: values.Reader


TABLE: tuple[Field, ...] = (
    Field(
        "from",
        ("sender",),
        "from:ana, from:@acme.io, from:me",
        "from this name, address, part of one, or domain with those below it; `me` is any of your own addresses, in "
        "the other fields of people too",
        values.participant(ParticipantField.FROM),
    ),
    Field("to", (), 'to:"Ana Souza"', "addressed to them", values.participant(ParticipantField.TO)),
    Field("cc", (), "cc:bo@acme.io", "copied to them", values.participant(ParticipantField.CC)),
    Field("bcc", (), "bcc:bo", "copied to them unseen", values.participant(ParticipantField.BCC)),
    Field(
        "with",
        ("participant",),
        "with:(ana OR bo)",
        "in which they take part: From, To, Cc, Bcc or Reply-To",
        values.participant(ParticipantField.WITH),
    ),
    Field(
        "subject",
        ("title",),
        'subject:"two words"',
        "with these words in the subject",
        values.words_in(TextField.SUBJECT),
    ),
    Field("body", ("text",), "body:deposit", "with these words in the body", values.words_in(TextField.BODY)),
    Field(
        "filename",
        ("file",),
        "filename:invoice*",
        "with these words in the name of an attached file",
        values.words_in(TextField.FILENAME),
    ),
    Field(
        "attachment",
        (),
        "attachment:deposit",
        "with these words in an attached file: its name or its text",
        values.words_in(TextField.ATTACHMENT),
    ),
    Field(
        "in",
        ("label", "mailbox", "folder"),
        "in:inbox, label:work",
        "in this mailbox, label or folder: its name, or inbox, sent, drafts, archive, spam, trash; "
        "`in:anywhere` is every message",
        values.mailbox,
    ),
    Field("category", (), "category:promotions", "in this category of Gmail's", values.category),
    Field("account", (), "account:work", "of this account", values.account),
    Field("list", ("listid",), "list:dev.acme.io", "of the mailing list with this in its List-Id", values.mailing_list),
    Field(
        "thread",
        ("threadid",),
        "thread:t4hq0v7d2k8xn",
        "of the same thread as this thread or message id",
        values.thread,
    ),
    Field(
        "msgid",
        ("rfc822msgid", "messageid", "message_id", "message-id"),
        "msgid:abc@mail.acme.io",
        "with this Message-ID header",
        values.message_id,
    ),
    Field(
        "has",
        (),
        "has:attachment",
        "that have an attachment, link, calendar (invitation), image or document",
        values.feature,
    ),
    Field(
        "is",
        (),
        "is:unread",
        "that are unread, read, starred, answered, draft, sent or reply, or gone: no more on their mail server (those "
        "that are hidden for it are found only where the query says `is:gone` or `-is:gone`)",
        values.state,
    ),
    Field(
        "type",
        ("filetype", "mime"),
        "type:pdf, type:text/calendar",
        "with an attached or embedded file of this kind (pdf, image, spreadsheet, document, ...) or MIME type",
        values.media_type,
    ),
    Field(
        "larger",
        ("size", "larger_than"),
        "larger:5M",
        "of this many bytes or more (K, M and G are powers of 1024)",
        values.larger,
    ),
    Field("smaller", ("smaller_than",), "smaller:10K", "of fewer bytes", values.smaller),
    Field(
        "after",
        ("since", "newer"),
        "after:2024-03-15",
        "from the first moment of that day, month or year on",
        values.after,
    ),
    Field("before", ("older",), "before:2024", "until just before that day, month or year", values.before),
    Field("until", (), "until:2024-03", "until the last moment of that day, month or year", values.until),
    Field("on", ("date", "during"), 'on:yesterday, on:"last week"', "of that day, week, month or year", values.on),
    Field(
        "newer_than", ("newerthan",), "newer_than:7d", "less old than this: h, d, w, m (months), y", values.newer_than
    ),
    Field("older_than", ("olderthan",), "older_than:1y", "older than this", values.older_than),
)

_BY_NAME = {name: field for field in TABLE for name in (field.name, *field.aliases)}

_SYNTAX = (
    ("`budget meeting`", "with both words, anywhere in the message"),
    ('`"budget meeting"`', "with the words side by side, exactly as written"),
    ("`budg*`", "with words that begin so"),
    ("`ana OR bo`, `{ana bo}`", "with either"),
    ("`-draft`, `NOT draft`", "without the word"),
    ("`(a OR b) -c`", "grouping; NOT binds closest, then AND (implied), then OR"),
    ("`from:(ana OR bo)`", "one field for several values"),
)


def find(name: str) -> Field | None:
    return _BY_NAME.get(name.lower())


# Everyday words resemble the short names (bbc: and bcc:, site: and size:, test: and text:), and are text.
_RESEMBLED = tuple(name for name, field in _BY_NAME.items() if len(name) > (3 if name == field.name else 4))


def resembling(name: str) -> str:
    """The name of a field that is one edit from `name`, or an empty string. Short names resemble too much."""
    if len(name) < 3:
        return ""
    return nearest(name.lower(), _RESEMBLED, within=1)


def as_markdown() -> str:
    """The whole language in one Markdown table: its syntax, then its fields."""
    lines = ["| write | to find messages |", "|---|---|"]
    lines += [f"| {write} | {meaning} |" for write, meaning in _SYNTAX]
    for field in TABLE:
        examples = ", ".join(f"`{example}`" for example in field.example.split(", "))
        aliases = ", ".join(f"`{alias}:`" for alias in field.aliases)
        also = f" (also {aliases})" if aliases else ""
        lines.append(f"| {examples} | {field.meaning}{also} |")
    return "\n".join(lines)

"""One synthetic message as bytes: headers as mail servers leave them, MIME parts in many charsets."""

import base64
import binascii
import html
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from urllib.parse import quote

_STYLE = (
    '<style type="text/css">body{margin:0;font-family:Arial,Helvetica,sans-serif;font-size:14px;color:#222}'
    ".c{padding:12px 16px}.f{color:#888;font-size:11px}a{color:#1155cc}table{border-collapse:collapse}</style>"
)
_QUOTE_STYLE = ' style="margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex"'


@dataclass(slots=True)
class Draft:
    """A message before it is put into bytes. `paragraphs` are lines of text; `quoted` the lines that it answers."""

    message_id: str
    date: datetime
    utc_offset: timedelta
    sender: tuple[str, str]  # name, address
    to: list[tuple[str, str]]
    cc: list[tuple[str, str]]
    subject: str
    charset: str  # the label
    codec: str  # what the bytes are
    paragraphs: list[list[str]]
    attribution: str = ""
    quoted: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    list_id: str = ""
    shape: str = "plain"  # plain, alternative, html, attached
    attachment: tuple[str, str, bytes] | None = None  # file name, MIME type, content

    def text(self) -> str:
        """All text that a reader of the message sees: the subject, the body, the quotation."""
        lines = [self.subject, *(line for paragraph in self.paragraphs for line in paragraph)]
        return "\n".join([*lines, self.attribution, *self.quoted])


def compose(draft: Draft, rng: random.Random) -> bytes:
    """The message with LF line ends."""
    plain = _plain(draft)
    if draft.shape == "plain":
        body = _text_part("plain", plain, draft, rng)
    elif draft.shape == "html":
        body = _text_part("html", _html(draft), draft, rng)
    else:
        body = _multipart(
            "alternative", [_text_part("plain", plain, draft, rng), _text_part("html", _html(draft), draft, rng)], rng
        )
        if draft.attachment is not None:
            first = body if rng.random() < 0.5 else _text_part("plain", plain, draft, rng)
            body = _multipart("mixed", [first, _attachment(draft, rng)], rng)
    return _headers(draft, rng).encode("ascii") + b"MIME-Version: 1.0\n" + body


def _headers(draft: Draft, rng: random.Random) -> str:
    written = draft.date.astimezone(timezone(draft.utc_offset))
    domain = draft.sender[1].partition("@")[2]
    lines = [f"Return-Path: <{draft.sender[1]}>", "Delivered-To: me@home.example"]
    at = draft.date + timedelta(seconds=rng.randint(2, 40))
    for host, by in (
        ("mx2.home.example", "store.home.example"),
        (f"out.{domain}", "mx2.home.example"),
        (f"app.{domain}", f"out.{domain}"),
    ):
        lines.append(
            f"Received: from {host} ({host} [192.0.2.{rng.randint(1, 254)}])\n"
            f"\tby {by} (Postfix) with ESMTPS id {rng.getrandbits(64):016x}\n"
            f"\tfor <me@home.example>; {format_datetime(at.astimezone(UTC))}"
        )
        at -= timedelta(seconds=1)
    signature = base64.b64encode(rng.randbytes(256)).decode()
    folded = "\n\t ".join(signature[start : start + 70] for start in range(0, len(signature), 70))
    lines.append(
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=s1;\n"
        "\th=from:to:subject:date:message-id;\n"
        f"\tbh={base64.b64encode(rng.randbytes(32)).decode()};\n\tb={folded}"
    )
    lines.append(f"Message-ID: <{draft.message_id}>")
    lines.append(f"Date: {format_datetime(written)}")
    lines.append(f"From: {_address(draft.sender, draft)}")
    lines.append("To: " + ",\n ".join(_address(person, draft) for person in draft.to))
    if draft.cc:
        lines.append("Cc: " + ",\n ".join(_address(person, draft) for person in draft.cc))
    lines.append(f"Subject: {_header_text(draft.subject, draft)}")
    if draft.references:
        lines.append(f"In-Reply-To: <{draft.references[-1]}>")
        lines.append("References: " + "\n ".join(f"<{reference}>" for reference in draft.references[-12:]))
    if draft.list_id:
        lines.append(f"List-Id: <{draft.list_id}>\nList-Unsubscribe: <https://{draft.list_id}/leave>")
    return "\n".join(lines) + "\n"


def _header_text(text: str, draft: Draft) -> str:
    """RFC 2047: encoded words of at most 75 characters, each decodable by itself."""
    if text.isascii():
        return text
    words = []
    for start in range(0, len(text), 10):
        encoded = base64.b64encode(text[start : start + 10].encode(draft.codec, "replace")).decode()
        words.append(f"=?{draft.charset}?B?{encoded}?=")
    return "\n ".join(words)


def _address(person: tuple[str, str], draft: Draft) -> str:
    name, address = person
    if name.isascii():
        return f"{name} <{address}>"
    try:
        name.encode(draft.codec)
    except UnicodeEncodeError:  # a correspondent from elsewhere: mail programs then use UTF-8
        return f"=?utf-8?B?{base64.b64encode(name.encode()).decode()}?= <{address}>"
    return f"{_header_text(name, draft)} <{address}>"


def _plain(draft: Draft) -> str:
    parts = ["\n".join(paragraph) for paragraph in draft.paragraphs]
    if draft.quoted:
        parts.append(draft.attribution + "\n" + "\n".join(f"> {line}" for line in draft.quoted))
    return "\n\n".join(parts) + "\n"


def _html(draft: Draft) -> str:
    parts = [f"<!DOCTYPE html>\n<html><head><title>{html.escape(draft.subject)}</title>\n{_STYLE}\n</head>\n<body>"]
    if draft.list_id:
        parts.append('<table width="100%" cellpadding="0"><tr><td class="c">')
    for number, paragraph in enumerate(draft.paragraphs):
        parts.append('<p class="c">' + "<br>\n".join(map(html.escape, paragraph)) + "</p>")
        if draft.list_id:
            parts.append(
                f'<p><a href="https://{draft.list_id}/read?id={number}&amp;u={draft.message_id[:12]}">&raquo;</a></p>'
            )
    if draft.list_id:
        parts.append('</td></tr></table><img src="https://' + draft.list_id + '/o.gif" width="1" height="1" alt="">')
    if draft.quoted:
        inner = "<br>\n".join(map(html.escape, draft.quoted))
        parts.append(f'<div class="gmail_quote">{html.escape(draft.attribution)}<br>')
        parts.append(f"<blockquote{_QUOTE_STYLE}>{inner}</blockquote></div>")
    parts.append("</body></html>\n")
    return "\n".join(parts)


def _text_part(subtype: str, text: str, draft: Draft, rng: random.Random) -> bytes:
    data = text.encode(draft.codec, "replace")
    if draft.charset in {"us-ascii", "iso-2022-jp"}:
        encoding = "7bit"
    elif draft.charset == "utf-8":
        encoding = rng.choices(("8bit", "quoted-printable", "base64"), (4, 3, 3))[0]
        if encoding == "quoted-printable" and not text[:2000].isascii() and rng.random() < 0.7:
            encoding = "base64"  # what mail programs choose for text that is mostly not ASCII
    else:
        encoding = rng.choice(("8bit", "base64"))
    if encoding == "base64":
        data = base64.encodebytes(data)
    elif encoding == "quoted-printable":
        data = binascii.b2a_qp(data, istext=True)
    head = f'Content-Type: text/{subtype}; charset="{draft.charset}"\nContent-Transfer-Encoding: {encoding}\n\n'
    return head.encode() + data


def _multipart(subtype: str, parts: list[bytes], rng: random.Random) -> bytes:
    boundary = f"=_{rng.getrandbits(96):024x}"
    mark = b"\n--" + boundary.encode()
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\n'.encode()
    return head + b"".join(mark + b"\n" + part for part in parts) + mark + b"--\n"


def _attachment(draft: Draft, rng: random.Random) -> bytes:
    if draft.attachment is None:
        raise ValueError("a message of shape 'attached' needs an attachment")
    name, kind, content = draft.attachment
    if name.isascii():
        parameter = f'filename="{name}"'
    elif rng.random() < 0.5:
        parameter = f"filename*=utf-8''{quote(name)}"  # RFC 2231
    else:
        parameter = f'filename="{_header_text(name, draft)}"'  # RFC 2047 where it may not stand, as many programs do
    head = f"Content-Type: {kind}\nContent-Disposition: attachment; {parameter}\nContent-Transfer-Encoding: base64\n\n"
    return head.encode() + base64.encodebytes(content)

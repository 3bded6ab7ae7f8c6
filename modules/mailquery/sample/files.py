"""Attachments made by hand: a PDF that any reader opens, a PNG, a calendar entry (RFC 5545)."""

import struct
import zlib
from datetime import datetime, timedelta

from mailquery.sample.letters import File, Person


def pdf(name: str, lines: list[str]) -> File:
    """A one-page PDF 1.4 with `lines` of Latin-1 text in Helvetica, and a cross-reference table that is right."""
    shown = "".join(f"({_escaped(line)}) Tj T*\n" for line in lines)
    stream = f"BT /F1 11 Tf 15 TL 60 780 Td\n{shown}ET".encode("cp1252", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return File(name, "application/pdf", bytes(out))


def png(name: str, bars: list[int]) -> File:
    """A small bar chart: one green bar per number, 0 to 40 pixels high, on white."""
    width = 8 * len(bars)
    rows = bytearray()
    for y in range(40):
        rows.append(0)  # no filter
        for x in range(width):
            inside = x % 8 < 6 and bars[x // 8] >= 40 - y
            rows += b"\x3c\x8c\x50" if inside else b"\xff\xff\xff"
    header = struct.pack(">IIBBBBB", width, 40, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b"")
    return File(name, "image/png", b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks))


def calendar(
    summary: str, start: datetime, minutes: int, organizer: Person, guests: tuple[Person, ...], place: str
) -> File:
    """An invitation; `start` is UTC."""
    end = start + timedelta(minutes=minutes)
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Sample//EN",
        "METHOD:REQUEST",
        "BEGIN:VEVENT",
        f"UID:{start:%Y%m%dT%H%M}-{organizer.address}",
        f"DTSTAMP:{start - timedelta(days=5):%Y%m%dT%H%M%SZ}",
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
        f"DTEND:{end:%Y%m%dT%H%M%SZ}",
        f"SUMMARY:{summary}",
        f"LOCATION:{place}",
        f"ORGANIZER;CN={organizer.name}:mailto:{organizer.address}",
        *(f"ATTENDEE;CN={guest.name};RSVP=TRUE:mailto:{guest.address}" for guest in guests),
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return File("invite.ics", "text/calendar", ("\r\n".join(lines) + "\r\n").encode())


def text(name: str, content: str) -> File:
    return File(name, "text/plain", content.encode())


def _escaped(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

"""What makes two copies one message.

Two copies are the same message when their bytes are the same but for what storing them changes: line endings, blank
lines at the end, and the header fields in which mail programs keep their own state. A Message-ID alone does not decide:
it can be missing, reused or forged.
"""

import hashlib
import re

from mailquery.domain.partial import OMITTED_SIZE

FINGERPRINT_BYTES = 16

# Fields that a store adds or rewrites; Google Takeout's labels and thread id are among them.
_STORAGE_FIELDS = re.compile(
    rb"(?im)^(?:status|x-status|x-keywords|x-uid|x-uidl|x-imap|x-imapbase|x-mozilla-status2?|x-mozilla-keys|"
    rb"x-evolution|x-evolution-source|x-gmail-labels|x-gm-thrid|x-gm-msgid|content-length|lines)"
    rb"[ \t]*:.*\n(?:[ \t].*\n)*"
)
_OMISSION = re.compile(rb"(?im)^" + OMITTED_SIZE.encode() + rb"[ \t]*:.*\n(?:[ \t].*\n)*")


def fingerprint(raw: bytes) -> bytes:
    """16 bytes that are equal for two copies of one message, and differ for two messages."""
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n")
    head, blank, body = raw.partition(b"\n\n")
    if raw.startswith(b"\n"):
        head, blank, body = b"", b"\n\n", raw[1:]
    digest = hashlib.sha256(_STORAGE_FIELDS.sub(b"", head + b"\n"))
    if blank:
        digest.update(b"\n")
        digest.update(body.rstrip(b"\n"))
    return digest.digest()[:FINGERPRINT_BYTES]


def header_mark(raw: bytes) -> bytes:
    """16 bytes that are equal for two copies of one message by their headers alone. `raw` may be cut off behind its
    header, and be a message of which only a part was fetched (`domain.partial`)."""
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n")
    head = b"" if raw.startswith(b"\n") else raw.partition(b"\n\n")[0].rstrip(b"\n")
    sent = _OMISSION.sub(b"", _STORAGE_FIELDS.sub(b"", head + b"\n"))
    return hashlib.sha256(sent).digest()[:FINGERPRINT_BYTES]

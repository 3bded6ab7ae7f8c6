"""A mail address as somebody types it, taken apart."""

import unicodedata
from dataclasses import dataclass

from mcpkit.errors import ErrorCode, Fault

_LONGEST_LOCAL_PART = 64  # octets (RFC 5321, section 4.5.3.1.1)


@dataclass(frozen=True, slots=True)
class MailAddress:
    """`text` is the address as it is written, `local` what is before the @, and `domain` what is behind it, as names
    are asked for: in lower case, letters beyond ASCII as A-labels (RFC 5890)."""

    text: str
    local: str
    domain: str


def mail_address(given: str) -> MailAddress:
    """Also of an internationalised one (RFC 6530). Raises Fault VALIDATION_ERROR."""
    text = unicodedata.normalize("NFC", given.strip())
    local, at, domain = text.rpartition("@")
    if not (at and local and domain):
        raise _refused(given, "it must be like ana@example.com")
    if any(not letter.isprintable() or letter.isspace() or letter in "<>,;\"'()" for letter in text):
        raise _refused(given, "it must be the address alone, such as ana@example.com, without a name or brackets")
    if "@" in local or len(local.encode()) > _LONGEST_LOCAL_PART:
        raise _refused(given, "what is before the @ is none of an address")
    try:
        return MailAddress(text, local, host_name(domain))
    except ValueError:
        raise _refused(given, "what is behind the @ is no domain") from None


def host_name(given: str) -> str:
    """A host's name in its ASCII form. Raises ValueError where it is none."""
    text = given.strip().rstrip(".").lower()
    if text.isascii():
        labels = text.split(".")
        if len(text) > 253 or not all(map(_is_label, labels)):
            raise ValueError("no name of a host")
        return text
    import idna  # its tables take time, which most names do not need

    return idna.encode(text, uts46=True).decode("ascii")  # its errors are ValueErrors


def _is_label(label: str) -> bool:
    """RFC 1123, section 2.1; with the underscore, which some have."""
    return 0 < len(label) <= 63 and label.replace("-", "").replace("_", "").isalnum() and label.strip("-") == label


def _refused(given: str, why: str) -> Fault:
    return Fault(
        ErrorCode.VALIDATION_ERROR,
        f"This is no mail address: {why}.",
        details={"argument": "address"},
        others=given[:100],
    )

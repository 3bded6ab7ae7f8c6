"""Where on a server a message is, as a URL."""

from urllib.parse import quote


def imap_url(host: str, mailbox: str, uid_validity: int, uid: int) -> str:
    """Without the user's name (RFC 5092, section 5): `imap://example.com/INBOX;UIDVALIDITY=1/;UID=7`."""
    return f"imap://{host}/{quote(mailbox, safe='/')};UIDVALIDITY={uid_validity}/;UID={uid}"

"""A mailbox as a resource that can be subscribed to: its counts and its newest messages."""

from urllib.parse import quote

from mailquery.domain.counts import plural
from mailquery.domain.handles import message_handle
from mailquery.mcp import shown
from mailquery.mcp.search import SearchRow
from mailquery.services.newest import NewestMail
from mcpkit.security.untrusted import untrusted

MAILBOX = "mail://mailbox/{account}/{mailbox}"


def mailbox_uri(account: str, mailbox: str) -> str:
    return f"mail://mailbox/{quote(account, safe='')}/{quote(mailbox, safe='')}"


def mailbox_text(found: NewestMail) -> str:
    """Equal as long as the mailbox is: nothing of when it was read."""
    mailbox = found.mailbox
    name, account = shown.mailboxes((mailbox.name, mailbox.account))
    facts = [f"{account}: {name}", mailbox.role.value, plural(mailbox.messages, "message")]
    lines = [" | ".join(fact for fact in [*facts, f"{mailbox.unread:,} unread"] if fact)]
    lines += [SearchRow.of(hit).as_text() for hit in found.hits]
    more = mailbox.messages - len(found.hits)
    told = f"\n{more:,} older: search_messages with `account` and `mailbox`" if more > 0 else ""
    return untrusted("\n".join(lines)) + told


def disclosed(found: NewestMail) -> list[str]:
    return [message_handle(hit.row.key) for hit in found.hits]

"""Arguments that several tools share, and who may see what."""

from typing import Annotated, Literal, Protocol

from pydantic import Field

from mailquery.query.parser import MAX_CHARACTERS
from mailquery.repositories.records import Visibility
from mailquery.services.filters import Filters
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Arguments

READ = "mail:read"
ATTACHMENTS = "mail:attachments"
STATISTICS = "mail:statistics"
SYNC = "mail:sync"
ADMIN = "admin"
SECRETS = "mail:secrets"  # a capability, which needs consent, and no permission

SCOPES = {
    READ: "search and read mail",
    ATTACHMENTS: "get attachments",
    STATISTICS: "count mail, and how soon it is answered",
    SYNC: "fetch new mail",
    ADMIN: "administer the server",
}
"""Every scope that there is, and what it lets one do."""

_NAME_CHARS = 300
MOST_CHARS = 200_000  # that a caller may ask for in one answer

MaxChars = Annotated[
    int | None,
    Field(ge=1_000, le=MOST_CHARS, description="Most characters."),
]
Cursor = Annotated[
    str | None,
    Field(max_length=2_000, description="`cursor` of an answer; keep the rest."),
]
SortOrder = Literal["relevance", "newest", "oldest"]


def visibility(call: Call) -> Visibility:
    return Visibility(call.caller.accounts, user=call.caller.user)


IncludeSecrets = Annotated[bool, Field(description="Show codes and login links; needs consent.")]


class SizedArguments(Arguments):
    max_chars: MaxChars = None


class _WithSecrets(Protocol):
    @property
    def include_secrets(self) -> bool: ...


def secrets_capability(arguments: _WithSecrets) -> tuple[str, ...]:
    """What a call needs consent for that asks for codes and links as they are."""
    return (SECRETS,) if arguments.include_secrets else ()


class FilterArguments(Arguments):
    """Conditions on messages; all that are given must hold."""

    query: str = Field(default="", max_length=MAX_CHARACTERS, description="As for search_messages.")
    account: str | None = Field(default=None, max_length=_NAME_CHARS, description="Only this account.")
    mailbox: str | None = Field(
        default=None,
        max_length=_NAME_CHARS,
        description="Name, or inbox, sent, drafts, junk, trash.",
    )
    from_: str | None = Field(
        default=None, alias="from", max_length=_NAME_CHARS, description="Part of a name or address, or @domain."
    )
    to: str | None = Field(default=None, max_length=_NAME_CHARS, description="Likewise.")
    subject: str | None = Field(default=None, max_length=_NAME_CHARS, description='Words, or a "phrase".')
    after: str | None = Field(default=None, max_length=40, description="2026-03-15, 2026-03, yesterday, 7d.")
    before: str | None = Field(default=None, max_length=40, description="Before that.")
    has_attachment: bool | None = Field(default=None, description="false: without.")
    unread: bool | None = Field(default=None, description="false: read.")

    def filters(self) -> Filters:
        return Filters(
            query=self.query,
            account=self.account,
            mailbox=self.mailbox,
            from_=self.from_,
            to=self.to,
            subject=self.subject,
            after=self.after,
            before=self.before,
            has_attachment=self.has_attachment,
            unread=self.unread,
        )

"""The tool that finds messages."""

from collections.abc import Callable
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from mailquery.domain.counts import plural
from mailquery.domain.handles import attachment_handle, message_handle, thread_handle
from mailquery.mcp import shown
from mailquery.mcp.arguments import (
    READ,
    SYNC,
    Cursor,
    FilterArguments,
    IncludeSecrets,
    MaxChars,
    SortOrder,
    secrets_capability,
    visibility,
)
from mailquery.mcp.coverage import Coverage
from mailquery.mcp.explanation import Explanation
from mailquery.mcp.pages import continuation, rest_as_text
from mailquery.query.parser import MAX_CHARACTERS
from mailquery.repositories.records import Sort, Standing
from mailquery.services.attachments.attachment_matches import SNIPPET_CHARS as MATCH_CHARS
from mailquery.services.attachments.attachment_matches import AttachmentMatch as MatchedAttachment
from mailquery.services.searching import MOST_ROWS, SNIPPET_CHARS, Found, Hit, SearchMessages
from mailquery.services.signals import SignalKind
from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Tool, Truncated, UntrustedResult
from mcpkit.security.identity import Principal
from mcpkit.security.untrusted import safe_line, untrusted

# A row tells apart; the message itself is read by its id. So a row has less room than the limits of `shown`.
_SUBJECT_CHARS = 200
_PERSON_CHARS = 120
_MOST_RECIPIENTS = 2
_MOST_MAILBOXES = 4
_MOST_FILES = 4
_FILE_CHARS = 80
_BRIEF_CHARS = 40
_BRIEF_STEPS = 2
_WORD_CHARS = 40
_PLACE_CHARS = 60
_MOST_MISSING = 12

MaySync = Callable[[Principal], bool]
Match = Literal["partial", "meaning"]


class SearchArguments(FilterArguments):
    query: str = Field(
        default="",
        max_length=MAX_CHARACTERS,
        description=(
            'Search language: words, "phrases", prefix*, OR, -not, (groups); from: to: with: subject: in: '
            "has:attachment is:unread type:pdf after:2026-03-01 before: newer_than:7d larger:5M thread:ID. "
            "Empty: every message."
        ),
    )
    sort: SortOrder | None = Field(default=None, description="Default: relevance where there are words, else newest.")
    limit: int = Field(default=20, ge=1, le=MOST_ROWS, description="Most rows.")
    cursor: Cursor = None
    max_chars: MaxChars = None
    explain: bool = Field(default=False, description="Say how the query was read too.")
    include_secrets: IncludeSecrets = False
    fresh: bool = Field(default=False, description="First fetch new mail (takes seconds).")


class AttachmentMatch(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    place: str | None = None
    snippet: str

    @classmethod
    def of(cls, key: int, match: MatchedAttachment) -> Self:
        return cls(
            id=attachment_handle(key, match.attachment.part),
            name=shown.filename(match.attachment.filename, _FILE_CHARS),
            place=safe_line(match.place, _PLACE_CHARS) or None,
            snippet=safe_line(match.snippet, 2 * MATCH_CHARS),
        )

    def as_text(self) -> str:
        return f"in {self.name}{f', {self.place}' if self.place else ''} ({self.id}): {self.snippet}"


class SearchRow(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)

    id: str
    match: Match | None = Field(
        default=None,
        description="Left out where the message has every word. partial: it lacks those in `missing`. meaning: it has "
        "none of them, and is near in meaning.",
    )
    missing: list[str] | None = Field(default=None, description="Words of the query that the message lacks.")
    uri: str | None = Field(default=None, description="The message as a resource.")
    thread_id: str | None = None
    message_id: str | None = Field(default=None, description="The Message-ID header.")
    date: str
    from_: str | None = Field(default=None, serialization_alias="from")
    to: list[str] | None = Field(default=None, description="The first recipients of To and Cc.")
    to_more: int | None = Field(default=None, description="Recipients beyond those.")
    subject: str | None = None
    mailboxes: list[str] | None = None
    flags: list[str] | None = Field(default=None, description="unread, answered, starred, draft, gone")
    attachments: list[str] | None = Field(default=None, description="Names of the first attachments.")
    attachment_count: int | None = None
    signals: list[SignalKind] | None = Field(default=None, description="Warnings; read_message has all and details.")
    snippet: str | None = Field(
        default=None, description="Around the words searched for, which stand between ** and **."
    )
    attachment_matches: list[AttachmentMatch] | None = Field(
        default=None, description="Attached files with words that the message itself lacks."
    )

    @classmethod
    def of(cls, hit: Hit) -> Self:
        row = hit.row
        handle = message_handle(row.key)
        files = [attachment for attachment in row.attachments if not attachment.inline or attachment.filename]
        return cls(
            id=handle,
            match=_match(hit.standing),
            missing=_missing(hit.standing),
            uri=f"mail://message/{handle}",
            thread_id=thread_handle(row.thread_key),
            message_id=shown.message_id(row.message_id),
            date=shown.when(row.date, row.utc_offset),
            from_=shown.sender(row.from_, _PERSON_CHARS),
            to=[shown.person(address, _PERSON_CHARS) for address in row.to[:_MOST_RECIPIENTS]] or None,
            to_more=max(0, len(row.to) - _MOST_RECIPIENTS) or None,
            subject=shown.subject(row.subject, _SUBJECT_CHARS),
            mailboxes=shown.mailboxes(row.mailboxes[:_MOST_MAILBOXES]) or None,
            flags=shown.flags(row) or None,
            attachments=[shown.filename(file.filename, _FILE_CHARS) for file in files[:_MOST_FILES]] or None,
            attachment_count=len(files) if len(files) > _MOST_FILES else None,
            signals=list(hit.signals) or None,
            snippet=safe_line(hit.snippet, 2 * SNIPPET_CHARS) or None,
            attachment_matches=[AttachmentMatch.of(row.key, match) for match in hit.attachment_matches] or None,
        )

    @classmethod
    def brief(cls, hit: Hit, *, bare: bool) -> Self:
        """So short that one row fits into any answer, and a caller always gets on; `bare` without a sender's text."""
        row = hit.row
        return cls(
            id=message_handle(row.key),
            match=_match(hit.standing),
            missing=None if bare else _missing(hit.standing),
            date=shown.when(row.date, row.utc_offset),
            from_=None if bare else shown.sender(row.from_, _BRIEF_CHARS),
            subject=None if bare else shown.subject(row.subject, _BRIEF_CHARS),
        )

    def as_text(self) -> str:
        to = ", ".join(self.to or ()) + (f" +{self.to_more}" if self.to_more else "")
        first = " ".join(part for part in (self.id, self.date, self.from_, f"-> {to}" if to else None) if part)
        facts = [first, self.subject]
        facts.append(", ".join([*(self.flags or ()), *(f"in {name}" for name in self.mailboxes or ())]))
        if self.attachments:
            more = f" +{self.attachment_count - len(self.attachments)}" if self.attachment_count else ""
            facts.append("files: " + ", ".join(self.attachments) + more)
        if self.signals:
            facts.append("WARNING " + ", ".join(self.signals))
        facts.append(self.thread_id or "")
        if self.match:
            facts.insert(0, f"{self.match.upper()} MATCH, lacks {', '.join(self.missing or ())}")
        line = " | ".join(fact for fact in facts if fact)
        below = [self.snippet, *(match.as_text() for match in self.attachment_matches or ())]
        return "\n  ".join([line, *(each for each in below if each)])


def _match(standing: Standing) -> Match | None:
    if not standing.missing:
        return None
    return "meaning" if standing.has_none else "partial"


def _missing(standing: Standing) -> list[str] | None:
    return [safe_line(word, _WORD_CHARS) for word in standing.missing[:_MOST_MISSING]] or None


class SearchResult(UntrustedResult):
    total: int = Field(description="How many messages match, with every word.")
    at_least: bool | None = Field(default=None, description="True where there are more than `total`.")
    sort: SortOrder = Field(description="Order of these rows: by date where nothing in the query has any relevance.")
    rows: list[SearchRow]
    near: int | None = Field(
        default=None, description="Rows, on all pages together, that lack words (see `match`); `total` leaves them out."
    )
    did_you_mean: dict[str, str] | None = Field(default=None, description="Words that no message has: what was meant?")
    meaning_unused: str | None = Field(default=None, description="Why not all was looked for by meaning.")
    coverage: Coverage | None = None
    ranked_newest: int | None = Field(
        default=None, description="Relevance was computed among the newest so many matches."
    )
    truncated: Truncated | None = None
    cursor: str | None = Field(default=None, description="Continues after the last row.")
    explanation: Explanation | None = None

    _found: Found = PrivateAttr()
    _whole: "SearchResult" = PrivateAttr()

    @classmethod
    def of(cls, found: Found) -> "SearchResult":
        whole = cls(
            total=found.total.value,
            at_least=None if found.total.exact else True,
            sort=found.sort.value,
            rows=[SearchRow.of(hit) for hit in found.hits],
            near=found.near or None,
            did_you_mean={
                safe_line(word, _WORD_CHARS): safe_line(meant, _WORD_CHARS) for word, meant in found.did_you_mean
            }
            or None,
            meaning_unused=found.meaning_unused or None,
            coverage=Coverage.of(found.reading, found.freshness),
            ranked_newest=found.ranked_newest,
            explanation=Explanation.of(found.explanation) if found.explanation else None,
            **continuation(found, len(found.hits), len(found.hits), "messages", besides=found.near),
        )
        whole._found = found
        whole._whole = whole
        return whole

    def units(self) -> int:
        """The first row's id; that row in brief; the explanation and the rows, one by one; the coverage in full."""
        return len(self._found.hits) + _BRIEF_STEPS + 1

    def keep(self, units: int) -> "SearchResult":
        found, whole = self._found, self._whole
        if units >= whole.units():
            return whole
        count = max(0, min(units - _BRIEF_STEPS, len(found.hits)))
        rows = whole.rows[:count]
        if 0 < units <= _BRIEF_STEPS and found.hits:
            count, rows = 1, [SearchRow.brief(found.hits[0], bare=units == 1)]
        coverage = whole.coverage.short() if whole.coverage and units > _BRIEF_STEPS else None
        rest = continuation(found, count, len(found.hits), "messages", besides=found.near)
        update = {"rows": rows, "coverage": coverage, **rest}
        if whole.explanation and units <= _BRIEF_STEPS:
            update["explanation"] = whole.explanation.short()
        if units <= _BRIEF_STEPS:
            update["meaning_unused"] = None  # it is told where there is room
        return whole.model_copy(update=update)

    def disclosed(self) -> list[str]:
        return [row.id for row in self.rows]

    def lasts(self) -> bool:
        return self._found.lasts

    def as_text(self) -> str:
        count = f"{'at least ' if self.at_least else ''}{plural(self.total, 'message')}"
        order = "best first" if self.sort == "relevance" else f"{self.sort} first"
        if self.near:
            rows = plural(len(self.rows), "row")
            lines = [f"{rows}, {order}: {count} with every word, and {self.near} more that say what they lack"]
        else:
            lines = [f"{len(self.rows)} of {count}, {order}" if self.rows else f"{count} found"]
        if self.ranked_newest:
            lines.append(f"ranked among the newest {self.ranked_newest:,} matches")
        theirs = [f'no message has "{word}"; perhaps "{meant}"?' for word, meant in (self.did_you_mean or {}).items()]
        theirs += [row.as_text() for row in self.rows]
        if self.coverage:
            theirs.append(self.coverage.as_text())
        if self.explanation:
            theirs.append(self.explanation.as_text())
        lines.append(untrusted("\n".join(theirs)))
        lines += rest_as_text(self.truncated, self.cursor, at_least=self.at_least)
        if self.meaning_unused:
            lines.append(f"not all was looked for by meaning: {self.meaning_unused}")
        return "\n".join(line for line in lines if line)


def _capabilities(arguments: SearchArguments) -> tuple[str, ...]:
    return (*secrets_capability(arguments), *((SYNC,) if arguments.fresh else ()))


def search_messages(search: SearchMessages, may_sync: MaySync) -> Tool[SearchArguments, SearchResult]:
    """`may_sync` tells whether the caller may fetch new mail, which `fresh` does."""

    async def handler(call: Call, arguments: SearchArguments) -> SearchResult:
        if arguments.fresh and not may_sync(call.caller):
            raise Fault(
                ErrorCode.FORBIDDEN,
                f"`fresh` needs the permission {SYNC}, and that the operator allows sync_account. Search without it; "
                "`coverage` says how fresh the mail is.",
                details={"argument": "fresh"},
            )
        found = await search(
            visibility(call),
            arguments.filters(),
            sort=Sort(arguments.sort) if arguments.sort else None,
            limit=arguments.limit,
            cursor=arguments.cursor,
            explain=arguments.explain,
            secrets=arguments.include_secrets,
            fresh=arguments.fresh,
        )
        return SearchResult.of(found)

    return Tool(
        name="search_messages",
        title="Search mail",
        description=(
            "Find messages by words, people, dates, mailboxes and more. Gives rows with ids for read_message and "
            "read_thread, the exact total (or `at_least`), and what was searched. Words find their other forms; rows "
            "marked in `match` lack some, or are only near in meaning."
        ),
        arguments=SearchArguments,
        result=SearchResult,
        permission=READ,
        preset=("account", "limit", "sort", "max_chars"),
        handler=handler,
        capabilities=_capabilities,
        untrusted=True,
    )

"""Random archives and random policies, and every answer that an archive gives."""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any

from mcp.shared.exceptions import MCPError

from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag
from mailquery.domain.policy import HeaderRule, HeaderTest, Place, Policy
from mailquery.mcp.prompts import PROMPTS
from mcpkit.errors import Fault
from support.archives import Archive, Mail
from support.calling import Caller

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
ROLES = {
    ("home", "Inbox"): MailboxRole.INBOX,
    ("home", "Sent"): MailboxRole.SENT,
    ("home", "Trash"): MailboxRole.TRASH,
    ("home", "Private/Health"): MailboxRole.NONE,
    ("work", "Inbox"): MailboxRole.INBOX,
    ("work", "Sent"): MailboxRole.SENT,
    ("work", "Projects"): MailboxRole.NONE,
}
WORDS = ("budget", "harbour", "invoice", "invoices", "meeting", "예산안", "lawyer", "garden", "budgets", "harbor")
PEOPLE = (
    "Ana Lima <ana@acme.example>",
    "Ana Lima <ana@mail.acme.example>",
    "Zoe Ek <zoe@notacme.example>",
    "Dana Park <dana@park.example>",
    "Bücher <shop@bücher.example>",
)
OURS = "Bo Kim <bo@home.example>"
FILES = (
    ("plan.pdf", "application/pdf", b"%PDF-1.4 plan"),
    ("data.zip", "application/zip", b"PK data"),
    ("note.txt", "text/plain", b"a note about the harbour"),
)
CLASSES = ("secret", "Internal", "public")


@dataclass(frozen=True)
class Letter:
    mail: Mail
    places: tuple[tuple[str, str], ...]

    def is_covered(self, policy: Policy) -> bool:
        """By the rules as they are written, told from the letter and not from what is stored of it."""
        mail = self.mail
        date = datetime.strptime(mail.date, "%a, %d %b %Y %H:%M:%S %z").timestamp()
        sender = mail.sender.partition("<")[2].rstrip(">")
        everybody = re.findall(r"<[^>]*@([^>]*)>", f"{mail.sender} {mail.to} {mail.cc}")
        headers = dict(mail.headers)
        return (
            any(account in policy.accounts for account, _ in self.places)
            or any(_denied(name, place) for place in self.places for name in policy.mailboxes)
            or sender in policy.senders
            or any(f".{domain}".endswith(f".{denied}") for domain in everybody for denied in policy.domains)
            or (policy.date_floor is not None and date < policy.date_floor)
            or any(_passes(rule, headers.get("X-Class", "")) for rule in policy.headers)
        )


def _denied(name: str, place: tuple[str, str]) -> bool:
    account, mailbox = place
    steps = mailbox.lower().split("/")
    return name.lower() in (*steps, mailbox.lower(), ROLES[account, mailbox].value)


def _passes(rule: HeaderRule, value: str) -> bool:
    match rule.test:
        case HeaderTest.EXACT:
            return value.lower() == rule.value.lower()
        case HeaderTest.CONTAINS:
            return rule.value.lower() in value.lower()
        case HeaderTest.REGEX:
            return re.search(rule.value, value) is not None


def random_letters(seed: int, count: int | None = None) -> list[Letter]:
    rng = Random(seed)
    letters: list[Letter] = []
    references: list[tuple[str, ...]] = []
    for number in range(count or rng.randint(6, 16)):
        before = rng.randrange(number) if number and rng.random() < 0.5 else None
        chain = () if before is None else (*references[before], f"{before}@mail.example")
        references.append(chain)
        from_us = rng.random() < 0.35
        other = rng.choice(PEOPLE)
        headers = [("X-Class", rng.choice(CLASSES))] if rng.random() < 0.5 else []
        if chain:
            headers.append(("References", " ".join(f"<{each}>" for each in chain)))
        if rng.random() < 0.15:
            headers.append(("List-Id", "Developers <dev.lists.example>"))
        account = rng.choice(("home", "work"))
        boxes = [box for owner, box in ROLES if owner == account and (box == "Sent") == from_us]
        places = {(account, rng.choice(boxes))}
        if rng.random() < 0.25:
            places.add(rng.choice([place for place in ROLES if place[1] != "Sent"]))
        topic = " ".join(rng.choices(WORDS, k=2))
        mail = Mail(
            subject=topic,
            sender=OURS if from_us else other,
            to=other if from_us else OURS,
            cc=rng.choice(PEOPLE) if rng.random() < 0.3 else "",
            date=format_datetime(NOON - timedelta(hours=5 * rng.randrange(40))),
            text=" ".join(rng.choices(WORDS, k=6)) + f". Can you tell me about number {number}?",
            message_id=f"{number}@mail.example",
            files=tuple(rng.sample(FILES, rng.choice([0, 0, 1, 2]))),
            headers=tuple(headers),
            flags=rng.choice([Flag.SEEN, Flag(0), Flag.SEEN | Flag.FLAGGED, Flag.SEEN | Flag.ANSWERED]),
        )
        letters.append(Letter(mail, tuple(sorted(places))))
    return letters


def random_policy(seed: int) -> Policy:
    rng = Random(seed)

    def some(*values: str) -> tuple[str, ...]:
        return tuple(rng.sample(values, 1)) if rng.random() < 0.3 else ()

    rules = (
        HeaderRule("x-class", HeaderTest.EXACT, "SECRET"),
        HeaderRule("X-Class", HeaderTest.CONTAINS, "intern"),
        HeaderRule("X-Class", HeaderTest.REGEX, "^s.*t$"),
    )
    made = Policy(
        accounts=some("work", "nobody"),
        mailboxes=some("private", "trash", "Projects", "sent", "private/health"),
        senders=some("dana@park.example", "zoe@notacme.example"),
        domains=some("acme.example", "bücher.example"),
        headers=tuple(rng.sample(rules, 1)) if rng.random() < 0.4 else (),
        date_floor=int((NOON - timedelta(hours=rng.randrange(50, 200))).timestamp()) if rng.random() < 0.3 else None,
    )
    return made if made.fingerprint else random_policy(seed + 1)


async def fill(archive: Archive, letters: Sequence[Letter], places: Sequence[tuple[str, str]]) -> None:
    """Imports the letters one account and place after the other, as a source of these mailboxes would be imported."""
    async with archive.imports.writing():
        for account, box in places:
            await archive.imports.set_role(account, box, ROLES[account, box])
    for letter in letters:
        for account, box in letter.places:
            await archive.add(Mail(**{**letter.mail.__dict__, "account": account, "mailboxes": (box,)}), finished=False)
    async with archive.imports.writing():
        for account in dict.fromkeys(account for account, _ in places):
            await archive.imports.finished(account, [box for owner, box in places if owner == account])
    await archive.embed()
    await archive.extract()


def places_left(policy: Policy) -> list[tuple[str, str]]:
    return [(a, b) for a, b in ROLES if not policy.withholds_place(Place(a, b, ROLES[a, b]))]


QUERIES = (
    "",
    "budget",
    "invoice harbour",
    "lawyer OR garden",
    "-budget",
    "is:unread",
    "is:starred OR is:answered",
    "is:sent",
    "in:private",
    "in:trash",
    "from:ana",
    "from:@acme.example",
    "with:park",
    "has:attachment",
    "type:pdf",
    "attachment:harbour",
    "note -attachment:plan",
    "list:dev",
    "account:work",
    "newer_than:400d",
    "larger:1",
    "before:2026-03-07",
    "subject:예산",
    "harbot",
    "msgid:<3@mail.example>",
)
GROUPS = (
    "sender", "domain", "recipient", "mailbox", "list", "attachment_type", "hour", "day", "week", "month", "year"
)  # fmt: skip


async def every_answer(archive: Archive, asked: Sequence[str], accounts: frozenset[str] | None) -> AsyncIterator[Any]:
    """(what was asked, the answer) for every tool, resource, completion and prompt; `asked` are message ids."""
    caller = Caller(archive.services, accounts=accounts)
    calls: list[tuple[str, Mapping[str, object]]] = [("list_accounts", {}), ("list_mailboxes", {})]
    calls += [("list_mailboxes", {"account": account}) for account in ("home", "work")]
    for query in QUERIES:
        calls += [("search_messages", {"query": query, "sort": sort}) for sort in ("relevance", "newest", "oldest")]
        calls += [("list_attachments", {"query": query}), ("mail_statistics", {"query": query, "group_by": "sender"})]
        calls += [("awaiting_reply", {"query": query, "days": 0}), ("response_times", {"query": query})]
    calls += [("search_messages", {"query": f"thread:{id}", "sort": "newest"}) for id in asked]
    calls += [("mail_statistics", {"group_by": one, "then_by": "mailbox"}) for one in GROUPS if one != "mailbox"]
    calls += [("mail_statistics", {"group_by": "mailbox", "then_by": "sender"})]
    calls += [("find_people", {"text": text}) for text in ("a", "ana", "bo", "acme", "park", "büch", "zoe")]
    for id in asked:
        calls += [("read_message", {"id": id, "part": part}) for part in ("text", "headers", "raw")]
        calls += [("read_thread", {"id": id}), ("find_similar", {"id": id})]
        calls += [("get_attachment", {"id": f"{id}-{part}"}) for part in ("2", "3")]
    for tool, arguments in calls:
        yield (tool, arguments), await answer_of(caller, tool, arguments)
    uris = ["mail://accounts", "mail://status"]
    for id in asked:
        uris += [f"mail://message/{id}", f"mail://thread/{id}", f"mail://attachment/{id}-2"]
    for uri in uris:
        try:
            found = [part.model_dump(mode="json") for part in (await caller.resource(uri)).contents]
        except Fault as fault:
            found = [fault.as_dict()]
        yield uri, found
    for completion in caller.offered.completions:
        for typed in ("", "a", "w", "priv", "park"):
            yield (
                (completion.reference, completion.argument, typed),
                await caller.complete(completion.reference, completion.argument, typed),
            )
    for prompt in PROMPTS:
        given = {argument.name: "14" for argument in prompt.arguments}
        yield prompt.name, await caller.prompt(prompt.name, **given)


async def answer_of(caller: Caller, tool: str, arguments: Mapping[str, object]) -> Any:
    """All pages of an answer, or the error."""
    pages = []
    given = dict(arguments)
    if tool in ("search_messages", "list_attachments"):
        given["limit"] = 4
    try:
        while True:
            reply = await caller.reply(tool, **given)
            page = dict(reply.structured_content or {})
            pages.append([page, [block.model_dump(mode="json") for block in reply.content if block.type != "text"]])
            cursor = page.pop("cursor", None)
            if cursor is None or tool not in ("search_messages", "list_attachments"):
                break
            given["cursor"] = cursor
    except (Fault, MCPError) as error:
        return [pages, error.as_dict() if isinstance(error, Fault) else str(error)]
    if arguments.get("sort") == "relevance":
        return _by_relevance(pages)
    return pages


def _by_relevance(pages: list[Any]) -> Any:
    """What was found, whatever its order: how rare a word is, is counted over the whole index."""
    rows = sorted((row for page, _ in pages for row in page.pop("rows")), key=lambda row: str(row["id"]))
    for page, _ in pages:
        page.pop("truncated", None)
    return [rows, pages[0][0]["total"], pages[0][0].get("near"), pages[0][0].get("did_you_mean")]


def comparable(answer: Any, threads: Mapping[str, str]) -> str:
    """An answer as text, without the moment of the import, the time that checks took and the random marks of its
    fences, and with threads named by the first of their messages."""
    text = json.dumps(answer, sort_keys=True, default=str, ensure_ascii=False)
    text = re.sub(r'(\\?"refreshed\\?": ?)\\?"[^"]*"', r"\1-", text)
    text = re.sub(r"refreshed \S+", "refreshed -", text)
    text = re.sub(r'(\\?"seconds\\?": ?)[0-9.e-]+', r"\1-", text)  # that a check took
    text = re.sub(r"<<(/?)[0-9a-f]{8}>>|(?<=the text in )[0-9a-f]{8}(?= marks)", r"<<\1>>", text)
    return re.sub(r"\bt[0-9a-z]{12}\b", lambda match: threads.get(match[0], match[0]), text)

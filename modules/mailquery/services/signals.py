"""What about a message calls for care. Signals are told and nothing is kept back for them: whoever reads decides.

A `warning` is something that honest mail hardly ever has; the others are facts that matter beside one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

import anyio.to_thread

from mailquery.domain.addresses import Address
from mailquery.domain.messages import Attachment, Link
from mailquery.parsing.authentication import Authentication
from mailquery.parsing.inspecting import Inspection, inspect_message
from mailquery.repositories.records import Acquaintance, MessageRow, OpenedMessage, Sender, StoredMessage
from mcpkit.security.untrusted import clean, hosts
from mcpkit.security.untrusted.defusing import active_content
from mcpkit.security.untrusted.phrases import orders, orders_of_each

MOST_INSPECTED = 50  # messages of one thread, the newest
_LARGE = 50_000  # bytes from which on a message is read beside the event loop
_MOST_DETAILS = 3
_HOST_CHARS = 80
_MUCH_HIDDEN = 400  # characters; a preview line, which newsletters hide above their text, has fewer
_MANY_CONTROLS = 3


class SignalKind(StrEnum):
    ORDERS = "orders_to_an_assistant"  # phrases that tell a machine what to do
    MACHINE_MARKUP = "imitates_machine_markup"  # chat templates, tool calls, fences
    HIDDEN_TEXT = "hidden_text_removed"
    UNCHECKED = "hidden_text_not_looked_for"  # the page is too large: what it hides may stand in the text
    INVISIBLE = "invisible_characters_removed"
    CONTROLS = "control_characters_removed"
    ACTIVE = "active_content_defused"  # images and scripts that a renderer of the text would load
    LINK_HOST = "link_text_names_another_host"
    LOOK_ALIKE = "look_alike_domain"
    MIXED_SCRIPTS = "mixed_script_domain"
    NAME_IS_ADDRESS = "name_is_another_address"
    REPLY_TO = "reply_to_elsewhere"
    FIRST_TIME = "first_time_sender"
    AUTHENTICATION = "authentication"
    DISGUISED = "content_is_another_type"  # of an attached file: not what its name or its declared type says


_ORDERS = {"orders": SignalKind.ORDERS, "machine": SignalKind.MACHINE_MARKUP}


@dataclass(frozen=True, slots=True)
class Signal:
    """`detail` may hold what the sender chose (a host, a name): it is for the fenced part of an answer."""

    kind: SignalKind
    warning: bool
    detail: str = ""


class ReadSignals:
    """`trusted` are the mail servers (authserv-id of RFC 8601) whose word counts."""

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        self._trusted = frozenset(name.strip().lower().rstrip(".") for name in trusted)

    async def __call__(self, opened: OpenedMessage) -> tuple[Signal, ...]:
        """The signals of a message, warnings first."""
        raw = opened.raw or b""
        if len(raw) > _LARGE:
            return await anyio.to_thread.run_sync(self._signals, opened.message, opened.known, raw)
        return self._signals(opened.message, opened.known, raw)

    def _signals(self, message: StoredMessage, known: Acquaintance, raw: bytes) -> tuple[Signal, ...]:
        inspected = inspect_message(raw, self._trusted)
        found = [
            *_of_files(message.row),
            *_of_text(message, inspected),
            *_of_characters(inspected),
            *_of_links(message.links),
            *_of_sender(message.row, message.list_id),
            *_of_domains(message),
            *_of_acquaintance(message.row, known),
            *_of_reply_to(message),
            *_of_authentication(inspected.authentication),
        ]
        merged: dict[SignalKind, Signal] = {}
        for signal in found:
            earlier = merged.get(signal.kind)
            if earlier is None or (signal.warning and not earlier.warning):
                merged[signal.kind] = signal
        return tuple(sorted(merged.values(), key=lambda signal: not signal.warning))


def signals_of_file(text: str, file: Attachment | None = None) -> tuple[SignalKind, ...]:
    """The warnings that the text of an attachment tells, and `file` itself, where what it is was found."""
    disguised = [SignalKind.DISGUISED] if file is not None and file.is_disguised else []
    return tuple(dict.fromkeys([*disguised, *(_ORDERS[each] for each in orders(clean(text).text))]))


def signals_of_rows(rows: Sequence[tuple[MessageRow, str]]) -> list[tuple[SignalKind, ...]]:
    """The warnings that each row of a list tells by itself, with its snippet, without its message being read."""
    told = orders_of_each(f"{row.subject}\n{snippet}" for row, snippet in rows)
    return [_of_row(row, orders) for (row, _), orders in zip(rows, told, strict=True)]


def _of_row(row: MessageRow, told: Sequence[str]) -> tuple[SignalKind, ...]:
    found = [*_of_sender(row, ""), *_of_host(row.from_, row.to)]
    kinds = [*(signal.kind for signal in found if signal.warning), *(_ORDERS[each] for each in told)]
    return tuple(dict.fromkeys(kinds))


def sender_of(row: MessageRow) -> Sender:
    """Who sent a message, and the domains that theirs may have been made to look like."""
    address = row.from_[0] if row.from_ else Address("", "")
    domain = address.domain
    return Sender(row.row, address.address, hosts.look_alikes(domain) if "." in domain and len(domain) < 100 else ())


def _of_files(row: MessageRow) -> list[Signal]:
    disguised = [f"{each.filename[:_HOST_CHARS]} is {each.found_type}" for each in row.attachments if each.is_disguised]
    return [Signal(SignalKind.DISGUISED, True, "; ".join(disguised[:_MOST_DETAILS]))] if disguised else []


def _of_orders(told: Sequence[str]) -> list[Signal]:
    return [Signal(_ORDERS[found], True) for found in told]


def _of_text(message: StoredMessage, inspected: Inspection) -> list[Signal]:
    row = message.row
    people = (*row.from_, *message.reply_to, *message.to[:20], *message.cc[:20])
    names = [each.name for each in people]
    names += [each.address.rpartition("@")[0] for each in people]
    names += [file.filename for file in row.attachments]
    names += [link.text for link in message.links[:50]]
    # Names are read as sentences: what programs put for blanks in file names is taken for blanks.
    around = "\n".join([*names, message.list_id, row.message_id]).translate(_BLANKS)
    cleaned = clean(message.body.text)
    hidden = inspected.hidden
    in_text, in_names, in_hidden, in_unread = orders_of_each(
        (f"{row.subject}\n{cleaned.text}", around, hidden, inspected.unread)
    )
    found = _of_orders(in_text or in_names)
    if cleaned.removed and not inspected.invisible:
        found.append(Signal(SignalKind.INVISIBLE, False, f"{cleaned.removed}"))
    if active := active_content(cleaned.text):
        found.append(Signal(SignalKind.ACTIVE, "running" in active and not message.list_id, " and ".join(active)))
    told = _of_orders(in_hidden or in_unread)
    if hidden or told:
        many = (
            f"{len(hidden)}{' or more' if len(hidden) >= 4_000 else ''} characters of HTML" if hidden else "in comments"
        )
        found += told
        found.append(Signal(SignalKind.HIDDEN_TEXT, bool(told) or len(hidden) > _MUCH_HIDDEN, many))
    if not inspected.complete:
        found.append(Signal(SignalKind.UNCHECKED, True))
    return found


_BLANKS = str.maketrans("_-.+", "    ")


def _of_characters(inspected: Inspection) -> list[Signal]:
    found = []
    if inspected.invisible:
        detail = f"{inspected.invisible}"
        if inspected.deceiving:
            detail += f", {inspected.deceiving} of which reorder text or spell hidden words"
        found.append(Signal(SignalKind.INVISIBLE, inspected.deceiving > 0, detail))
    if inspected.controls:
        found.append(Signal(SignalKind.CONTROLS, inspected.controls > _MANY_CONTROLS, f"{inspected.controls}"))
    return found


def _of_links(links: Sequence[Link]) -> list[Signal]:
    """Words that read like a host and stand on a link to another."""
    details: dict[str, None] = {}
    passing = False
    for link in links:
        if "." not in link.text or link.text == link.url or link.url.lower().startswith(("mailto:", "tel:")):
            continue
        host = hosts.host_of(link.url)
        named = [name for name in hosts.hosts_named(link.text) if _is_host(name)]
        others = [name for name in named if hosts.site(name) != hosts.site(host)]
        if not host or not others or len(others) < len(named):
            continue
        if any(hosts.site(name).split(".")[0] in link.url.lower() for name in others):
            passing = True  # by way of a host that counts clicks, as the address itself says
            continue
        details[f"{hosts.written(others[0])[:_HOST_CHARS]} leads to {hosts.written(host)[:_HOST_CHARS]}"] = None
    if details:
        return [Signal(SignalKind.LINK_HOST, True, "; ".join(list(details)[:_MOST_DETAILS]))]
    return [Signal(SignalKind.LINK_HOST, False, "by way of another host")] if passing else []


_NOT_TOP_LEVEL = frozenset(
    [
        "pdf",
        "doc",
        "docx",
        "xls",
        "xlsx",
        "ppt",
        "pptx",
        "txt",
        "html",
        "htm",
        "php",
        "js",
        "css",
        "png",
        "jpg",
        "jpeg",
        "gif",
        "zip",
        "csv",
        "xml",
        "json",
        "md",
        "py",
        "java",
        "exe",
        "mp",
        "net",
    ]
)


def _is_host(name: str) -> bool:
    """Not the name of a file, an abbreviation or a product such as ASP.NET without more."""
    labels = name.split(".")
    if labels[-1] in _NOT_TOP_LEVEL and labels[0] != "www":
        return labels[-1] == "net" and labels[0] not in ("asp", "ado", "vb")
    return len(labels[-2]) > 1


def _of_sender(row: MessageRow, list_id: str) -> list[Signal]:
    """A display name that is an address, and not that of the sender."""
    for sender in row.from_:
        if "@" not in sender.name:
            continue
        named = [
            word.strip("<>()[]\"',;:")
            for word in sender.name.replace("＠", "@").split()
            if "@" in word.replace("＠", "@")
        ]
        others = [
            each for each in named if "." in each.rpartition("@")[2] and each.casefold() != sender.address.casefold()
        ]
        if others and hosts.site(others[0].rpartition("@")[2]) != hosts.site(sender.domain):
            via = bool(list_id) or " via " in sender.name.lower()
            return [Signal(SignalKind.NAME_IS_ADDRESS, not via, others[0][:_HOST_CHARS])]
    return []


def _of_domains(message: StoredMessage) -> list[Signal]:
    row = message.row
    found = _of_host((*row.from_, *message.reply_to), row.to)
    for link in message.links[:200]:
        found = found or list(_of_name(hosts.host_of(link.url), ()))
    return found


def _of_host(senders: Sequence[Address], ours: Sequence[Address]) -> list[Signal]:
    receivers = tuple(sorted({each.domain for each in ours[:20]}))
    return [signal for sender in senders for signal in _of_name(sender.domain, receivers)]


@lru_cache(4_096)  # most mail is from and to the same few
def _of_name(host: str, receivers: tuple[str, ...]) -> tuple[Signal, ...]:
    if "." not in host:
        return ()
    shown = hosts.ascii_form(host)[:_HOST_CHARS]
    if hosts.mixes_scripts(host):
        return (Signal(SignalKind.MIXED_SCRIPTS, True, shown),)
    if hosts.imitates_latin(host):
        return (Signal(SignalKind.LOOK_ALIKE, True, shown),)
    like = _brand_imitated(host) or next((each for each in receivers if _mistaken(host, each)), "")
    return (Signal(SignalKind.LOOK_ALIKE, True, f"{shown} for {like[:_HOST_CHARS]}"),) if like else ()


def _mistaken(host: str, other: str) -> bool:
    one, two = hosts.site(host), hosts.site(other)
    return "." in two and one != two and hosts.skeleton(one) == hosts.skeleton(two)


# Those in whose name most fraud is written; all are longer than four letters, so that nothing is met by chance.
_BRANDS = (
    "paypal", "google", "microsoft", "amazon", "netflix", "facebook", "instagram", "whatsapp", "linkedin",
    "dropbox", "docusign", "github", "coinbase", "binance", "rakuten", "alipay", "wechat", "outlook", "office365",
    "icloud", "spotify", "adobe", "fedex", "wellsfargo", "barclays", "santander", "sparkasse", "kakao", "naver",
    "mercari", "yahoo", "gmail", "bankofamerica", "americanexpress", "mastercard", "booking", "airbnb", "stripe",
    "revolut", "deutschebank", "postbank",
)  # fmt: skip
_BY_SKELETON = {hosts.skeleton(brand): brand for brand in _BRANDS}


def _brand_imitated(host: str) -> str:
    """The brand that a label of the host imitates: paypa1.com, or paypal.com.accounts.example."""
    labels = hosts.readable(host).split(".")
    registered = hosts.site(host).split(".")[0]
    brand = _BY_SKELETON.get(hosts.skeleton(registered))
    if brand is not None and registered.replace("-", "") != brand:
        return brand
    for label, following in pairwise(labels):
        if label in _BRANDS and following in ("com", "net", "org") and label != registered:
            return label
    return ""


def _of_acquaintance(row: MessageRow, known: Acquaintance) -> list[Signal]:
    found = []
    sender = row.from_[0].domain if row.from_ else ""
    resembled = [domain for domain in known.resembled if hosts.site(domain) != hosts.site(sender)]
    if resembled and not known.wrote_before:
        detail = f"{hosts.ascii_form(sender)[:_HOST_CHARS]} for {resembled[0][:_HOST_CHARS]}"
        found.append(Signal(SignalKind.LOOK_ALIKE, True, detail))
    if not known.wrote_before and row.from_:
        found.append(Signal(SignalKind.FIRST_TIME, False))
    return found


_FREE_MAIL = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "yahoo.com",
        "proton.me",
        "protonmail.com",
        "aol.com",
        "gmx.de",
        "gmx.net",
        "web.de",
        "mail.ru",
        "yandex.ru",
        "qq.com",
        "163.com",
        "naver.com",
        "icloud.com",
    ]
)


def _of_reply_to(message: StoredMessage) -> list[Signal]:
    """Answers would go to another site than the mail came from. To a free mail address it is the way of fraud."""
    if not message.reply_to or not message.row.from_ or message.list_id:
        return []
    sites = {hosts.site(each.domain) for each in message.row.from_}
    elsewhere = [each for each in message.reply_to if each.domain and hosts.site(each.domain) not in sites]
    if not elsewhere:
        return []
    to_free = elsewhere[0].domain in _FREE_MAIL and not sites & _FREE_MAIL
    return [Signal(SignalKind.REPLY_TO, to_free, hosts.written(elsewhere[0].domain)[:_HOST_CHARS])]


def _of_authentication(found: Authentication | None) -> list[Signal]:
    if found is None or not found.results:
        return []
    told = " ".join(f"{method}={result}" for method, result in found.results)
    results = dict(found.results)
    failed = results.get("dmarc") == "fail" or ("dmarc" not in results and results.get("spf") == "fail")
    by = f"{told} by {hosts.written(found.by)[:_HOST_CHARS]}"
    return [Signal(SignalKind.AUTHENTICATION, found.trusted and failed, by if found.trusted else f"{by}, forgeable")]

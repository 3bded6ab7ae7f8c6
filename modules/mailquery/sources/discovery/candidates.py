"""What is found: servers that may be the one, and who said so."""

from dataclasses import dataclass
from enum import StrEnum

from mailquery.domain.accounts import Server
from mailquery.sources.discovery.providers import Provider


class Origin(StrEnum):
    """Who named a server. In the order in which they are believed."""

    PROVIDER = "provider"  # the table of providers, by the domain of the address
    MX = "mx"  # the same, by where the domain's mail is delivered
    AUTOCONFIG = "autoconfig"  # the domain itself, in Thunderbird's format
    SRV = "srv"  # the domain's DNS (RFC 6186)
    DATABASE = "database"  # Thunderbird's database of providers (ISPDB)
    GUESS = "guess"  # a usual name, at which an IMAP server answers


@dataclass(frozen=True, slots=True)
class Candidate:
    """`usernames` are to be tried in this order. `confirm` is whether a person must say that the server is theirs:
    it is none of the domain's, and what names it could be forged (RFC 6186, section 6). `password` is whether it takes
    passwords, and not OAuth tokens only."""

    server: Server
    usernames: tuple[str, ...]
    origin: Origin
    provider: Provider | None = None
    confirm: bool = False
    password: bool = True


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one way of finding came to, in words: for where nothing was found."""

    origin: Origin
    outcome: str


@dataclass(frozen=True, slots=True)
class Found:
    """`candidates` with the most believed first. `provider` is set where the address is of a known one, also where that
    has no IMAP server."""

    candidates: tuple[Candidate, ...]
    attempts: tuple[Attempt, ...] = ()
    provider: Provider | None = None

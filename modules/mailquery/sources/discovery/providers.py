"""Providers of mail that are known: by the domains of their addresses, and by the servers to which mail for other
domains is delivered that they host."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from mailquery.domain.accounts import Security, Server


class Username(StrEnum):
    ADDRESS = "address"
    LOCAL = "local"  # what is before the @


@dataclass(frozen=True, slots=True)
class Provider:
    """`server` is None where there is no IMAP. `domains` are those of addresses and `mx` the ends of the names of the
    servers that take mail in (RFC 5321, section 5.1). `app_password` says where a password for one program is made, and
    `app_password_needed` that no other is taken. `imap_switch` says where IMAP is switched on, if that may be off.
    `oauth` names the authorization server where tokens are taken, and `password` is whether passwords are. `note` is a
    sentence about what else one must know."""

    name: str
    server: Server | None
    domains: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()
    username: Username = Username.ADDRESS
    app_password: str = ""
    app_password_needed: bool = False
    imap_switch: str = ""
    oauth: str = ""
    password: bool = True
    note: str = ""

    def usernames(self, address: str, local: str) -> tuple[str, ...]:
        """To be tried in this order. A short name is one of the provider's own addresses."""
        own = address.rpartition("@")[2].lower() in self.domains
        return (local, address) if self.username is Username.LOCAL and own else (address,)


class Providers:
    def __init__(self, table: Iterable[Provider]) -> None:
        self._all = tuple(table)
        self._by_domain = {domain: each for each in self._all for domain in each.domains}
        self._by_mx = {end: each for each in self._all for end in each.mx}
        self._by_host = {each.server.host: each for each in reversed(self._all) if each.server is not None}

    def __iter__(self) -> Iterator[Provider]:
        return iter(self._all)

    def of_domain(self, domain: str) -> Provider | None:
        return self._by_domain.get(domain)

    def of_mx(self, host: str) -> Provider | None:
        """By the longest end of the name that is known."""
        labels = host.rstrip(".").lower().split(".")
        ends = (".".join(labels[start:]) for start in range(len(labels)))
        return next((self._by_mx[end] for end in ends if end in self._by_mx), None)

    def of_host(self, host: str) -> Provider | None:
        """Whose IMAP server it is."""
        return None if _is_loopback(host) else self._by_host.get(host.lower())


def _is_loopback(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"


def imaps(host: str) -> Server:
    return Server(host, 993, Security.TLS)

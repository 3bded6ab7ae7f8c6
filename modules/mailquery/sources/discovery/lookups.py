"""What the DNS says of a domain: its IMAP service (RFC 6186), and where its mail is delivered."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from mailquery.domain.accounts import Security, Server
from mailquery.sources.discovery.addresses import host_name

_SERVICES = (("_imaps._tcp", Security.TLS), ("_imap._tcp", Security.STARTTLS))
_MOST_RECORDS = 16


class NoAnswer(Exception):
    """Why the DNS said nothing, in words."""


@dataclass(frozen=True, slots=True)
class Services:
    """`servers` in the order in which they are to be tried. `none` is whether the domain says that it has no IMAP."""

    servers: tuple[Server, ...]
    none: bool = False


@dataclass(frozen=True, slots=True)
class _Record:
    priority: int
    weight: int
    server: Server


class Lookups:
    def __init__(self, nameservers: Sequence[str] = (), *, timeout: float, chance: Callable[[], float] = random.random):
        """`nameservers` are addresses, each with a port behind `#` where it is not 53; none are those of the system.
        `timeout` is in seconds, of each question. Raises ValueError for what is no address."""
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=not nameservers)
        except dns.resolver.NoResolverConfiguration:
            self._resolver = dns.asyncresolver.Resolver(configure=False)
        if nameservers:
            self._resolver.nameservers = [_nameserver(each) for each in nameservers]
        self._resolver.lifetime = timeout
        self._chance = chance

    async def services(self, domain: str) -> Services:
        """Raises NoAnswer."""
        records: list[_Record] = []
        refused = 0
        for label, security in _SERVICES:
            answers = await self._ask(f"{label}.{domain}", dns.rdatatype.SRV)
            if len(answers) == 1 and answers[0].target == dns.name.root:  # RFC 6186, section 3.4: not offered
                refused += 1
                continue
            records += [record for answer in answers if (record := _record(answer, security)) is not None]
        return Services(tuple(self._ordered(records)), none=refused > 0 and not records)

    async def mail_exchangers(self, domain: str) -> tuple[str, ...]:
        """Where its mail is delivered, the most preferred first. Raises NoAnswer."""
        answers = await self._ask(domain, dns.rdatatype.MX)
        ordered = sorted(answers, key=lambda answer: int(answer.preference))
        return tuple(answer.exchange.to_text(omit_final_dot=True).lower() for answer in ordered)

    async def addresses(self, host: str) -> tuple[str, ...]:
        """IPv4 and IPv6. Raises NoAnswer."""
        found: list[str] = []
        for kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
            found += [answer.address for answer in await self._ask(host, kind)]
        return tuple(found)

    async def _ask(self, name: str, kind: dns.rdatatype.RdataType) -> list[Any]:
        try:
            answer = await self._resolver.resolve(f"{name}.", kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN:
            return []
        except (dns.exception.Timeout, dns.resolver.NoNameservers) as error:
            raise NoAnswer("the DNS does not answer") from error
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise NoAnswer("the DNS answers nothing that makes sense") from error
        return list(answer)[:_MOST_RECORDS] if answer.rrset is not None else []

    def _ordered(self, records: list[_Record]) -> list[Server]:
        """By priority, also between the two services (RFC 6186, section 3.4); those of one priority by chance and
        weight (RFC 2782), encryption from the first byte before STARTTLS (RFC 8314, section 3)."""
        left, ordered = list(records), []
        while left:
            first = min((each.priority, each.server.security is not Security.TLS) for each in left)
            among = [each for each in left if (each.priority, each.server.security is not Security.TLS) == first]
            among.sort(key=lambda each: each.weight)  # those of weight 0 come first, and so are rarely chosen
            mark = self._chance() * sum(each.weight for each in among)
            chosen = among[-1]
            total = 0
            for each in among:
                total += each.weight
                if total >= mark:
                    chosen = each
                    break
            left.remove(chosen)
            ordered.append(chosen.server)
        return ordered


def _record(answer: Any, security: Security) -> _Record | None:
    """None where it names no host, or no port."""
    try:
        host = host_name(answer.target.to_text())
    except ValueError:
        return None
    if not answer.port:
        return None
    return _Record(int(answer.priority), int(answer.weight), Server(host, int(answer.port), security))


def _nameserver(given: str) -> dns.nameserver.Nameserver:
    address, _, port = given.partition("#")
    return dns.nameserver.Do53Nameserver(str(ip_address(address)), int(port or 53))

"""Finding the server of an address: every way at once, within a time that is set."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from mailquery.domain.accounts import Security, Server
from mailquery.sources.discovery.addresses import MailAddress
from mailquery.sources.discovery.autoconfig import ConfiguredServer, NotUnderstood, read_autoconfig
from mailquery.sources.discovery.candidates import Attempt, Candidate, Found, Origin
from mailquery.sources.discovery.fetching import FileFetcher, NotGiven, open_fetcher
from mailquery.sources.discovery.guessing import USUAL, answers, guesses
from mailquery.sources.discovery.lookups import Lookups, NoAnswer
from mailquery.sources.discovery.provider_table import KNOWN
from mailquery.sources.discovery.providers import Provider, Providers
from mcpkit.security.untrusted.hosts import site

DATABASE = "https://autoconfig.thunderbird.net/v1.1/"
_IN_ORDER = tuple(Origin)


@dataclass(frozen=True, slots=True)
class Ways:
    """How servers are looked for. `seconds` is for all of it; `database` is empty where that is not to be asked."""

    lookups: Lookups
    seconds: float = 8.0
    database: str = DATABASE
    providers: Providers = KNOWN
    usual: Sequence[tuple[str, int, Security]] = USUAL


@dataclass(frozen=True, slots=True)
class _Result:
    candidates: tuple[Candidate, ...]
    outcome: str
    provider: Provider | None = None
    none: bool = False  # the domain says that it has no IMAP


class FindServers:
    def __init__(self, ways: Ways) -> None:
        self._ways = ways

    async def __call__(self, address: MailAddress) -> Found:
        """What was found within the time, the most believed first. A known provider is found without asking anybody.
        Raises nothing for what does not answer: that is in the `attempts`."""
        known = self._ways.providers.of_domain(address.domain)
        if known is not None:
            return Found(_of_provider(known, address, Origin.PROVIDER), (), known)
        async with open_fetcher(self._ways.seconds) as fetcher:
            results = await self._ask_all(address, fetcher)
        candidates = _merged(result.candidates for _, result in results)
        provider = next((result.provider for _, result in results if result.provider is not None), None)
        if any(result.none for _, result in results):
            # What the domain says of itself counts more than names that are usual elsewhere.
            candidates = tuple(each for each in candidates if each.origin is not Origin.GUESS)
        known_by_host = tuple(
            replace(each, provider=each.provider or self._ways.providers.of_host(each.server.host))
            for each in candidates
        )
        attempts = tuple(Attempt(origin, result.outcome) for origin, result in results)
        return Found(known_by_host, attempts, provider)

    async def _ask_all(self, address: MailAddress, fetcher: FileFetcher) -> list[tuple[Origin, _Result]]:
        local, domain = quote(address.local, safe=""), address.domain
        query = f"emailaddress={local}%40{domain}"
        exchangers = asyncio.ensure_future(self._ways.lookups.mail_exchangers(domain))
        asked: list[tuple[Origin, Awaitable[_Result]]] = [
            (Origin.MX, self._by_mx(exchangers, address)),
            (
                Origin.AUTOCONFIG,
                self._by_file(fetcher, f"https://autoconfig.{domain}/mail/config-v1.1.xml?{query}", address),
            ),
            (
                Origin.AUTOCONFIG,
                self._by_file(fetcher, f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml", address),
            ),
            (Origin.SRV, self._by_service(address)),
            (Origin.GUESS, self._by_guess(address)),
        ]
        if self._ways.database:
            asked.insert(4, (Origin.DATABASE, self._by_database(fetcher, exchangers, address)))
        tasks = [(origin, asyncio.ensure_future(work)) for origin, work in asked]
        try:
            await asyncio.wait([task for _, task in tasks], timeout=self._ways.seconds)
        finally:
            unfinished = [exchangers, *(task for _, task in tasks)]
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        late = _Result((), f"no answer within {self._ways.seconds:g} s")
        return [(origin, late if task.cancelled() else task.result()) for origin, task in tasks]

    async def _by_mx(self, exchangers: Awaitable[tuple[str, ...]], address: MailAddress) -> _Result:
        try:
            hosts = await exchangers
        except NoAnswer as error:
            return _Result((), str(error))
        provider = next((found for host in hosts if (found := self._ways.providers.of_mx(host)) is not None), None)
        if provider is None:
            return _Result((), "its mail is delivered to no provider that is known" if hosts else "it takes no mail")
        return _Result(_of_provider(provider, address, Origin.MX), f"its mail is with {provider.name}", provider)

    async def _by_file(
        self, fetcher: FileFetcher, url: str, address: MailAddress, origin: Origin = Origin.AUTOCONFIG
    ) -> _Result:
        try:
            servers = read_autoconfig(await fetcher.get(url), address)
        except (NotGiven, NotUnderstood) as error:
            return _Result((), str(error))
        if not servers:
            return _Result((), "it names no IMAP server with encryption")
        return _Result(tuple(_configured(each, origin) for each in servers), "found")

    async def _by_database(
        self, fetcher: FileFetcher, exchangers: "asyncio.Future[tuple[str, ...]]", address: MailAddress
    ) -> _Result:
        """By the domain; else by the domain of the server that takes its mail in, which the DNS alone says."""
        base = self._ways.database.rstrip("/")
        found = await self._by_file(fetcher, f"{base}/{address.domain}", address, Origin.DATABASE)
        if found.candidates:
            return found
        try:
            hosts = await asyncio.shield(exchangers)
        except NoAnswer:
            return found
        host = site(hosts[0]) if hosts else ""
        if "." not in host or host == address.domain:
            return found
        hosted = await self._by_file(fetcher, f"{base}/{quote(host)}", address, Origin.DATABASE)
        return replace(hosted, candidates=tuple(_confirmed(each, address) for each in hosted.candidates))

    async def _by_service(self, address: MailAddress) -> _Result:
        try:
            services = await self._ways.lookups.services(address.domain)
        except NoAnswer as error:
            return _Result((), str(error))
        if services.none:
            return _Result((), "the domain says that it offers no IMAP", none=True)
        if not services.servers:
            return _Result((), "there is none")
        named = tuple(
            # RFC 6186, section 4: the whole address first, then what is before the @.
            _confirmed(Candidate(server, (address.text, address.local), Origin.SRV), address)
            for server in services.servers
        )
        return _Result(named, "found")

    async def _by_guess(self, address: MailAddress) -> _Result:
        tried = guesses(address.domain, self._ways.usual)
        there = await asyncio.gather(*map(self._is_there, tried))
        found = tuple(
            Candidate(server, (address.text, address.local), Origin.GUESS)
            for server, is_there in zip(tried, there, strict=True)
            if is_there
        )
        return _Result(found, "found" if found else f"no IMAP server at {', '.join(_place(each) for each in tried)}")

    async def _is_there(self, server: Server) -> bool:
        try:
            addresses = await self._ways.lookups.addresses(server.host)
        except NoAnswer:
            return False
        return any([await answers(server, address) for address in addresses[:2]])


def _of_provider(provider: Provider, address: MailAddress, origin: Origin) -> tuple[Candidate, ...]:
    if provider.server is None:
        return ()
    usernames = provider.usernames(address.text, address.local)
    return (Candidate(provider.server, usernames, origin, provider, password=provider.password),)


def _configured(found: ConfiguredServer, origin: Origin) -> Candidate:
    return Candidate(found.server, (found.username,), origin, password=found.password)


def _confirmed(candidate: Candidate, address: MailAddress) -> Candidate:
    """What is not below the domain itself could have been put into the DNS by others (RFC 6186, section 6)."""
    host, domain = candidate.server.host, address.domain
    return replace(candidate, confirm=not (host == domain or host.endswith(f".{domain}")))


def _merged(found: Iterable[tuple[Candidate, ...]]) -> tuple[Candidate, ...]:
    """Each server once, as the most believed of those who named it says."""
    kept: dict[tuple[str, int], Candidate] = {}
    flat = sorted((each for some in found for each in some), key=lambda each: _IN_ORDER.index(each.origin))
    for each in flat:
        kept.setdefault((each.server.host, each.server.port), each)
    return tuple(kept.values())


def _place(server: Server) -> str:
    return f"{server.host}:{server.port}"


Find = Callable[[MailAddress], Awaitable[Found]]

"""A server, composed: an open archive, what goes on beside it, and the pipeline that callers come through."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailquery import __version__
from mailquery.application import Application
from mailquery.callers import CallerLimits, open_limits
from mailquery.repositories.records import Visibility
from mailquery.services.changes import ChangeFeed
from mailquery.services.policing import KeepJudged
from mailquery.settings import load_settings
from mcpkit.beside import beside, given_up
from mcpkit.errors import Fault
from mcpkit.security.tokens import SignedTokens, load_or_create_key
from mcpkit.transport.hangup import on_hangup

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

    from mailquery.mcp.attachments import Link
    from mcpkit.monitoring.metrics import CallMetrics
    from mcpkit.monitoring.tracing import Tracing
    from mcpkit.protocol.identity import IdentityProvider
    from mcpkit.protocol.stages.consenting import Consent
    from mcpkit.protocol.stages.remembering import Remember
    from mcpkit.protocol.subscriptions import Subscriptions
    from mcpkit.security.limits.rate_limits import RateLimits
    from mcpkit.transport.http.door.authentication import Guard
    from mcpkit.transport.http.downloads import Downloads
    from mcpkit.transport.http.state import HttpState

logger = logging.getLogger(__name__)

_ANY_WORDS = "what is new"  # which are looked for so that all that a search needs is loaded


@dataclass(slots=True)
class Serving:
    """What only a server needs of an application. What runs beside it is imported when it begins."""

    application: Application
    _tracing: "Tracing | None" = None

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """All that goes on beside a server, as it is set."""
        async with self.policing(), self.embedding(), self.extracting(), self.synchronising():
            yield

    @asynccontextmanager
    async def synchronising(self) -> AsyncIterator[None]:
        """Keeps the accounts on mail servers in step meanwhile, where that is set."""
        if not self.application.settings.sync.background:
            yield
            return
        async with self._beside(self.application.keep_synchronised(), "synchronising"):
            yield

    @asynccontextmanager
    async def policing(self) -> AsyncIterator[None]:
        """Puts the policy of the settings in force, judges meanwhile what waits for it, and takes up a changed policy
        on SIGHUP, where the platform has that."""
        apply = self.application.apply_policy
        keep = KeepJudged(apply)
        await apply.begin()
        async with self._beside(keep(), "judging"), on_hangup(partial(self._take_up_policy, keep)):
            yield

    async def _take_up_policy(self, keep: KeepJudged) -> None:
        try:
            changed = await asyncio.to_thread(load_settings)
            policy = changed.policy.policy(self.application.settings.zone)
            self.application.allowed.replace(changed.policy.allowed_tools)
        except Fault as fault:
            logger.error("the policy stays as it was: %s", fault.told_here)  # noqa: TRY400 - it says all
            return
        self.application.policies.replace(policy)
        for extracting in self.application.beside:
            extracting.policy_changed()
        try:
            await self.application.apply_policy.begin()
        except Fault as fault:
            logger.error("nothing is shown until the new policy is in force: %s Send SIGHUP again.", fault.told_here)  # noqa: TRY400 - it says all
            return
        keep.wake()
        logger.warning("the policy of the settings is in force")

    @asynccontextmanager
    async def embedding(self) -> AsyncIterator[None]:
        """Makes the vectors of new messages meanwhile, where search by meaning is available."""
        if self.application.meaning.embedder is None:
            yield
            return
        from mailquery.services.embedding import KeepEmbedded

        async with self._beside(
            KeepEmbedded(self.application.embed_mail, self.application.meaning.background)(), "embedding"
        ):
            yield

    async def warm_up(self) -> None:
        """What the first search by relevance would have to load, loaded before it: the model, and the signs of all
        vectors. A model behind an address is left alone: each question to it is sent, and perhaps paid for."""
        if self.application.meaning.embedder is None or self.application.settings.meaning.model == "openai":
            return
        from mailquery.services.filters import Filters

        began = time.monotonic()
        try:
            await self.application.services.search_messages(Visibility(), Filters(query=_ANY_WORDS), limit=1)
        except Fault as fault:
            logger.warning("searching by meaning is not loaded yet: %s", fault.told_here)
        else:
            logger.info("searching by meaning is loaded, in %.1f s", time.monotonic() - began)

    @asynccontextmanager
    async def warming_up(self) -> "AsyncIterator[Callable[[], None]]":
        """Gives what begins it, in the background; what is left of it at the end is given up."""
        warming: list[asyncio.Task[None]] = []

        async def contained() -> None:
            try:
                await self.warm_up()
            except Exception:
                logger.exception("searching by meaning is not loaded yet")

        try:
            yield lambda: warming.append(asyncio.create_task(contained()))
        finally:
            for task in warming:
                await given_up(task)

    @asynccontextmanager
    async def extracting(self) -> AsyncIterator[None]:
        """Reads what is attached to new messages meanwhile, where that is set."""
        if not self.application.settings.extraction.enabled:
            yield
            return
        from mailquery.services.attachments.extracting import KeepExtracted

        keep = KeepExtracted(self.application.extract_attachments)
        self.application.beside.append(keep)
        async with self._beside(keep(), "reading attachments"):
            yield

    @asynccontextmanager
    async def guard(self, address: str, metrics: "CallMetrics | None" = None) -> "AsyncIterator[Guard | None]":
        """The door of the HTTP transport, or None where no authentication is set. `address` is the URL of the server's
        endpoint, which tokens must be meant for where the settings name no other. `metrics` count who is refused."""
        if not self.application.settings.auth.strategies:
            yield None
            return
        from mailquery.guarding import open_guard
        from mailquery.mcp.catalogue import catalogue

        accounts = await self.application.services.list_accounts(Visibility())
        names = [account.name for account in accounts]
        async with open_guard(
            self.application.settings.auth,
            self.application.api_keys,
            catalogue(self.application.services, self.application.resolver()),
            names,
            address,
            self.application.audit,
            metrics.refused if metrics is not None else None,
        ) as guard:
            yield guard

    @asynccontextmanager
    async def limits(self, shared: Path | None = None) -> AsyncIterator[CallerLimits]:
        """The limits of callers, as they are set. `shared` is a folder that the workers of a server have in common."""
        async with open_limits(self.application.settings.limits, shared) as limits:
            yield limits

    @contextmanager
    def metrics(
        self, state: "HttpState | None" = None, limits: CallerLimits | None = None
    ) -> "Iterator[CallMetrics | None]":
        """Figures of the calls, of the mail, and of the transport whose `state` and `limits` are given: served as it is
        set, or left to the process that started this one as one of several. Raises Fault CONFIGURATION where the
        address cannot be had."""
        chosen, application = self.application.settings.metrics, self.application
        from mcpkit.monitoring.multiprocess import folder

        shared = folder()
        if chosen.port is None and shared is None:
            yield None
            return
        from mailquery.figures import MailFigures, Shown, Turn
        from mcpkit.monitoring.machine import free_bytes
        from mcpkit.monitoring.metrics import CallMetrics

        metrics = CallMetrics()
        if state is not None and limits is not None:
            refused = {
                "principal": lambda: limits.principals.refused,
                "address": lambda: limits.addresses.refused,
            }
            metrics.show_use(lambda: state.sessions(), lambda: state.connections(), refused)
        figures = MailFigures(
            metrics,
            Shown(
                archive=application.count_archive,
                health=state.ready if state is not None else application.services.health,
                runs=application.runs,
                breakers=application.hosts.standings,
                readers=lambda: application.archive.readers,
                free=partial(free_bytes, application.settings.home),
                caches=lambda: [cache.figures() for cache in application.caches],
                stored=lambda: application.writer.added,
                extracted=lambda: application.extractor.extracted,
                embedded=lambda: application.meaning.background.embedded,
                turn=Turn(shared / "archive-figures.lock") if shared is not None else lambda: True,
            ),
        )
        application.archive.waited = figures.waited
        if shared is None:
            assert chosen.port is not None
            with metrics.served(chosen.host, chosen.port) as port:
                logger.info("metrics are at http://%s:%d/metrics", chosen.host, port)
                yield metrics
            return
        keeping = asyncio.create_task(metrics.keep_fresh())
        try:
            yield metrics
        finally:
            keeping.cancel()

    @contextmanager
    def tracing(self) -> Iterator[None]:
        """Traces of what goes on meanwhile, as they are set, here or by the variables of OpenTelemetry. Raises Fault
        CONFIGURATION where what sends them is not installed."""
        from mcpkit.monitoring.tracing import is_wanted, opened

        chosen, application = self.application.settings.tracing, self.application
        if not is_wanted(chosen.endpoint):
            yield
            return
        with opened("mailquery", __version__, endpoint=chosen.endpoint, ratio=chosen.sample_ratio) as tracing:
            self._tracing = tracing
            application.archive.spans = application.control.spans = tracing.within
            application.hosts.spans = tracing.client
            application.runs.span = partial(tracing.span, "synchronise")
            yield

    def downloads(
        self, limits: "RateLimits | None" = None, *, guarded: bool = False, metrics: "CallMetrics | None" = None
    ) -> "Downloads":
        """What is too large for an answer, for the HTTP transport; the rest is as for `server`."""
        from mailquery.downloading import downloads
        from mcpkit.protocol.pipeline import outer_stages
        from mcpkit.security.tickets import Tickets

        stages = outer_stages(
            self._identity(guarded=guarded),
            self.application.audit,
            limits=limits,
            allowed=self.application.allowed,
            metrics=metrics,
            tracing=self._tracing,
            audit_stops_calls=self.application.settings.audit.on_failure == "stop",
        )
        tickets = Tickets(SignedTokens(load_or_create_key(self.application.settings.home)), self.application.control)
        settings = self.application.settings
        return downloads(self.application.services, tickets, stages, settings.auth.resource, settings.home)

    def _identity(self, *, guarded: bool) -> "IdentityProvider":
        from mcpkit.protocol.identity import AuthenticatedCaller, LocalUser

        return AuthenticatedCaller() if guarded else LocalUser(self.application.local_user)

    def server(
        self,
        limits: "RateLimits | None" = None,
        *,
        guarded: bool = False,
        metrics: "CallMetrics | None" = None,
        subscriptions: "Subscriptions | None" = None,
        link: "Link | None" = None,
    ) -> "Server[Any]":
        """The MCP server, for any transport. `limits` are those of each principal. Where it is `guarded`, the transport
        knows who calls; else it is the local user. Without `subscriptions` nothing can be subscribed to. `link` gives
        links to attachments."""
        from mailquery.mcp.catalogue import catalogue
        from mcpkit.protocol.pipeline import build_pipeline
        from mcpkit.protocol.server import build_server

        resolver = self.application.resolver()
        offered = catalogue(self.application.services, resolver, self.application.allowed, link)
        pipeline = build_pipeline(
            self._identity(guarded=guarded),
            self.application.audit,
            limits=limits,
            parameters=resolver,
            consent=self._consent_stage(),
            remember=self._remember_stage(),
            max_chars=self.application.settings.answers.max_chars,
            allowed=self.application.allowed,
            metrics=metrics,
            tracing=self._tracing,
            audit_stops_calls=self.application.settings.audit.on_failure == "stop",
            audited_values=frozenset({"query"} if self.application.settings.audit.queries else ()),
        )
        return build_server(offered, pipeline, subscriptions=subscriptions, metrics=metrics)

    @asynccontextmanager
    async def announcing(self) -> "AsyncIterator[Subscriptions]":
        """What clients subscribe to, and announces to them what changed, meanwhile."""
        from mailquery.repositories.sqlite.changes import SqliteChanges
        from mcpkit.protocol.subscriptions import Subscriptions

        changes = SqliteChanges(self.application.settings.archive_path)
        subscriptions = Subscriptions(ChangeFeed(changes))
        try:
            async with self._beside(subscriptions(), "announcing"):
                yield subscriptions
        finally:
            changes.close()

    def _remember_stage(self) -> "Remember | None":
        if not self.application.settings.cache.entries:
            return None
        from mailquery.mcp.remembered import RememberedCalls
        from mcpkit.protocol.stages.remembering import Remember

        return Remember(self.application.answers, RememberedCalls(self.application.basis))

    def _consent_stage(self) -> "Consent":
        from mailquery.mcp.consent import MailTerms
        from mcpkit.protocol.stages.consenting import Consent

        terms = MailTerms(self.application.services.account_names, self.application.settings.consent.days)
        return Consent(
            self.application.consents, terms, SignedTokens(load_or_create_key(self.application.settings.home))
        )

    def state(self) -> "HttpState":
        """What the HTTP transport tells of this server at `/ready`."""
        from mcpkit.transport.http.state import HttpState

        return HttpState(self.application.services.health)

    @asynccontextmanager
    async def _beside(self, work: Coroutine[Any, Any, None], what: str) -> AsyncIterator[None]:
        """Runs `work` until the context ends. Whatever befalls it must not end the server that it runs beside."""

        async def contained() -> None:
            try:
                await work
            except Fault as fault:
                self.application.ended.append(what)
                logger.error("%s has ended: %s", what, fault.told_here)  # noqa: TRY400 - it says all
            except Exception:
                self.application.ended.append(what)
                logger.exception("%s has ended", what)

        async with beside(contained()):
            yield

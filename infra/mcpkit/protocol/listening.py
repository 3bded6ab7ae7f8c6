"""Subscriptions in both of the protocol's eras.

Up to 2025-11-25 a session subscribes to a resource (`resources/subscribe`) and is told on its own channel: the line of
STDIO, or the stream that a client keeps open by GET. Since 2026-07-28 one request names the resources
(`subscriptions/listen`), and its answer is the stream on which they are announced.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import anyio
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.session import ServerSession
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import SUBSCRIPTION_ID_META_KEY, ResourceUpdated, event_to_notification
from mcp_types import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    EmptyResult,
    ServerCapabilities,
    SubscribeRequestParams,
    SubscriptionFilter,
    SubscriptionsAcknowledgedNotification,
    SubscriptionsAcknowledgedNotificationParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Asking, Call
from mcpkit.protocol.declarations import Catalogue, Resource, ResourceBytes, ResourceText
from mcpkit.protocol.mapping import resource_not_found
from mcpkit.protocol.pipeline import Pipeline
from mcpkit.protocol.requests import RESUMED_KEY, call_from
from mcpkit.protocol.stages import SUBSCRIPTION
from mcpkit.protocol.subscriptions import Content, Subscriber, Subscriptions
from mcpkit.protocol.uris import find_resource

_BETWEEN_CHECKS = 10.0  # seconds after which a stream is looked at whose credential may have ended
_KEPT = "mcpkit.subscriber"


class Listening:
    """The handlers. A resource that the caller may not read cannot be told from one that there is not."""

    def __init__(self, catalogue: Catalogue, pipeline: Pipeline, subscriptions: Subscriptions) -> None:
        self._catalogue = catalogue
        self._pipeline = pipeline
        self._subscriptions = subscriptions
        # Nothing that others wrote is shown by watching it.
        self._watched = {each.uri: replace(each, untrusted=False) for each in catalogue.resources if each.subscribable}
        self._senders: set[asyncio.Task[None]] = set()

    async def subscribe(self, context: ServerRequestContext, params: SubscribeRequestParams) -> EmptyResult:
        uri = str(params.uri)
        call = await self._call(context, uri)
        subscriber = await self._of_session(context, call)
        await self._watch(context, subscriber, call)
        if context.request is not None and context.request.scope.get(RESUMED_KEY):
            subscriber.announce(uri)  # what it was before is not known any more
        return EmptyResult()

    async def unsubscribe(self, context: ServerRequestContext, params: UnsubscribeRequestParams) -> EmptyResult:
        subscriber = _connection(context).state.get(_KEPT)
        if subscriber is not None:
            subscriber.forget(str(params.uri))
        return EmptyResult()

    async def listen(
        self, context: ServerRequestContext, params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """Resources that cannot be subscribed to are left out of the acknowledgement; where that leaves none, the
        request is refused as the first of them is. Nothing else is announced: lists do not change."""
        request_id = context.request_id
        if request_id is None:
            raise MCPError(INVALID_REQUEST, "subscriptions/listen is a request, and has an id.")
        wanted = list(dict.fromkeys(map(str, params.notifications.resource_subscriptions or ())))
        most = self._subscriptions.limits.of_client
        if len(wanted) > most:
            raise MCPError(INVALID_PARAMS, f"A stream may watch {most} resources at most.")
        bare = call_from(context, "listing", context.method)
        principal = await self._pipeline.principal(bare)
        with self._subscriptions.subscriber(principal.user) as subscriber:
            honoured = await self._honoured(context, subscriber, wanted)
            meta: dict[str, Any] = {SUBSCRIPTION_ID_META_KEY: request_id}
            acknowledged = SubscriptionsAcknowledgedNotificationParams(
                notifications=SubscriptionFilter(resource_subscriptions=honoured or None), _meta=meta
            )
            await context.session.send_notification(
                SubscriptionsAcknowledgedNotification(params=acknowledged), related_request_id=request_id
            )
            while not subscriber.ended and await bare.still_admitted():
                for uri in await subscriber.news(_BETWEEN_CHECKS):
                    event = event_to_notification(ResourceUpdated(uri=uri), meta)
                    await context.session.send_notification(event, related_request_id=request_id)
        return SubscriptionsListenResult(_meta=meta)

    async def _honoured(self, context: ServerRequestContext, subscriber: Subscriber, wanted: list[str]) -> list[str]:
        refusals: list[Exception] = []
        for uri in wanted:
            try:
                call = await self._call(context, uri)
                # This request cannot be answered by a question: it goes on until the client ends it.
                call.asking = Asking()
                await self._watch(context, subscriber, call)
            except (Fault, MCPError) as refusal:
                refusals.append(refusal)
        if refusals and not subscriber.watched:
            raise refusals[0]
        return list(subscriber.watched)

    async def _call(self, context: ServerRequestContext, uri: str) -> Call:
        """Raises MCPError where there is no such resource to be watched, and Fault where its caller is refused."""
        resource = find_resource(self._catalogue.resources, uri)
        watched = self._watched.get(resource.uri) if resource is not None else None
        if watched is not None:
            return call_from(context, SUBSCRIPTION, uri, None, watched)
        call = call_from(context, SUBSCRIPTION, uri)
        try:
            await self._pipeline.run(call)  # the way of every call, up to where it is refused
        except Fault as fault:
            if fault.code is not ErrorCode.FORBIDDEN:
                raise
        if resource is None or not self._pipeline.offers(call.caller, resource):
            raise resource_not_found(uri, context.protocol_version)
        offered = [each for each in self._watched if self._pipeline.offers(call.caller, self._watched[each])]
        raise MCPError(INVALID_PARAMS, "Nothing is announced of this resource.", {"uri": uri, "known": offered})

    async def _watch(self, context: ServerRequestContext, subscriber: Subscriber, call: Call) -> None:
        try:
            await self._subscriptions.watch(subscriber, call, self._first, self._again)
        except Fault as fault:
            if fault.code in (ErrorCode.NOT_FOUND, ErrorCode.INVALID_FORMAT):
                raise resource_not_found(call.name, context.protocol_version, fault) from fault
            assert isinstance(call.declaration, Resource)
            if fault.code is ErrorCode.FORBIDDEN and not self._pipeline.offers(call.caller, call.declaration):
                raise resource_not_found(call.name, context.protocol_version) from fault
            raise

    async def _first(self, call: Call) -> Content:
        return _content((await self._pipeline.run(call)).value)

    async def _again(self, call: Call) -> Content:
        return _content((await self._pipeline.look(call)).value)

    async def _of_session(self, context: ServerRequestContext, call: Call) -> Subscriber:
        connection = _connection(context)
        kept = connection.state.get(_KEPT)
        if isinstance(kept, Subscriber):
            return kept
        principal = await self._pipeline.principal(call)
        if isinstance(kept := connection.state.get(_KEPT), Subscriber):  # by another request meanwhile
            return kept
        subscriber = self._subscriptions.join(principal.user)
        connection.state[_KEPT] = subscriber
        sender = asyncio.create_task(_tell(context.session, subscriber), name="announcing to a session")
        self._senders.add(sender)
        sender.add_done_callback(self._senders.discard)

        def forget() -> None:
            self._subscriptions.leave(subscriber)
            sender.cancel()

        connection.exit_stack.callback(forget)
        return subscriber


class ListeningServer(Server[Any]):
    """Says only of what it does that it does it: the SDK takes a server that listens for one whose lists change."""

    def get_capabilities(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
        *,
        protocol_version: str | None = None,
    ) -> ServerCapabilities:
        found = super().get_capabilities(
            notification_options, experimental_capabilities, extensions, protocol_version=protocol_version
        )
        entry = self.get_request_handler("subscriptions/listen")
        if entry is None or not isinstance(getattr(entry.handler, "__self__", None), Listening):
            return found
        kinds = {"tools": found.tools, "prompts": found.prompts, "resources": found.resources}
        changed: Mapping[str, Any] = {
            kind: declared.model_copy(update={"list_changed": False}) for kind, declared in kinds.items() if declared
        }
        return found.model_copy(update=dict(changed))


async def _tell(session: ServerSession, subscriber: Subscriber) -> None:
    """In a task of its own: a client that does not read holds up nobody else."""
    while not subscriber.ended:
        for uri in await subscriber.news():
            try:
                await session.send_resource_updated(uri)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return  # the session has ended


def _connection(context: ServerRequestContext) -> Connection:
    """What lasts as long as the session does. The SDK gives handlers only the request's own view of it."""
    return context.session._connection


def _content(value: object) -> Content:
    assert isinstance(value, ResourceText | ResourceBytes), "no resource was read"
    return value

"""Clients that subscribe to resources and keep what they are told, in both eras of the protocol."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx2
from mcp import types
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

ERAS = ("legacy", "auto")  # auto is 2026-07-28 with a server that has it
_PATIENCE = 30.0  # seconds


class Listener:
    """A connected client. `told` are the URIs of which it was told that they changed."""

    def __init__(self, client: Client, era: str) -> None:
        self.client = client
        self._era = era
        self.told: asyncio.Queue[str] = asyncio.Queue()
        self._streams = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []

    async def subscribe(self, *uris: str) -> None:
        """Raises MCPError where that is refused."""
        if self._era == "legacy":
            for uri in uris:
                request = types.SubscribeRequest(params=types.SubscribeRequestParams(uri=uri))
                await self.client.session.send_request(request, types.EmptyResult)
            return
        stream = await self._streams.enter_async_context(self.client.listen(resource_subscriptions=uris))

        async def keep() -> None:
            async for event in stream:
                self.told.put_nowait(event.uri)  # type: ignore[union-attr] # nothing else was asked for

        self._tasks.append(asyncio.create_task(keep()))

    async def unsubscribe(self, uri: str) -> None:
        if self._era == "legacy":
            request = types.UnsubscribeRequest(params=types.UnsubscribeRequestParams(uri=uri))
            await self.client.session.send_request(request, types.EmptyResult)
        else:
            await self.close()

    async def next(self) -> str:
        async with asyncio.timeout(_PATIENCE):
            return await self.told.get()

    async def message(self, message: Any) -> None:
        if isinstance(message, types.ResourceUpdatedNotification) and self._era == "legacy":
            self.told.put_nowait(str(message.params.uri))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._streams.aclose()


@asynccontextmanager
async def listener(server: Any, era: str, **options: Any) -> AsyncIterator[Listener]:
    """`server` is what the official client connects to; `options` are the client's."""
    heard: list[Listener] = []

    async def hear(message: Any) -> None:
        await heard[0].message(message)

    client = Client(server, mode=era, message_handler=hear, **options)
    listening = Listener(client, era)
    heard.append(listening)
    async with client:
        try:
            yield listening
        finally:
            await listening.close()


def over_stdio(command: list[str], environment: dict[str, str]) -> StdioServerParameters:
    return StdioServerParameters(command=command[0], args=command[1:], env=environment)


@asynccontextmanager
async def over_http(url: str, credential: str, era: str) -> AsyncIterator[Listener]:
    headers = {"Authorization": f"Bearer {credential}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        listener(streamable_http_client(url, http_client=http), era) as listening,
    ):
        yield listening

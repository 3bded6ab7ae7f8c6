"""A run over HTTP: several connections at once, and ordinary requests between the malformed ones."""

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from mailbench.fuzzing.arguments import Known
from mailbench.fuzzing.exchange import PATIENCE, Answer, exchange_with
from mailbench.fuzzing.http_requests import HttpCase, http_case
from mailbench.fuzzing.messages import ENVELOPE, LEGACY, MODERN, handshake, request
from mailbench.fuzzing.oracle import Oracle, messages_in
from mailbench.fuzzing.product import Product, Running, memory_of, start
from mailbench.fuzzing.wire import SESSION

_CONNECTIONS = 6
_ORDINARY = 10  # one in so many requests
_SESSION_LASTS = 50  # requests, at most: they may end it
_LEFT_WAITING = 100  # one in so many that are not whole is left to the server's own patience


@dataclass
class HttpRun:
    requests: int = 0
    ordinary: int = 0
    memory: list[int] = field(default_factory=list)  # bytes, of the process, after each twentieth


async def fuzz_http(product: Product, known: Known, oracle: Oracle, *, requests: int, seed: int) -> HttpRun:
    server = await start(product, "--transport", "http", "--port", "0")
    run = HttpRun()
    try:
        fuzzer = _Fuzzer(server, await server.port(), known, oracle, run)
        await fuzzer.fuzz(requests, seed)
    finally:
        was_alive = server.is_alive
        if was_alive:
            server.process.terminate()
        code = await server.ended(PATIENCE)
        if not was_alive:
            oracle.report("the process died", "http", run.requests, bytes(server.log[-2_000:]))
        elif code != 0:
            oracle.report(f"SIGTERM ends the process with {code}", "http", run.requests, bytes(server.log[-2_000:]))
        oracle.log("http", run.requests, bytes(server.log))
    return run


class _Fuzzer:
    def __init__(self, server: Running, port: int, known: Known, oracle: Oracle, run: HttpRun) -> None:
        self._server = server
        self._port = port
        self._known = known
        self._oracle = oracle
        self._run = run
        self._session = b"0" * 32
        self._waiting: list[asyncio.Task[None]] = []

    async def fuzz(self, requests: int, seed: int) -> None:
        await self._ordinary(0)
        numbers = iter(range(requests))
        await asyncio.gather(*(self._work(numbers, requests, seed) for _ in range(_CONNECTIONS)))
        await asyncio.gather(*self._waiting)
        await self._ordinary(requests)

    async def _work(self, numbers: Iterator[int], requests: int, seed: int) -> None:
        for number in numbers:
            if not self._server.is_alive:
                return
            rng = random.Random(f"http {seed} {number}")
            case = http_case(rng, number, self._known)
            if not case.is_whole and rng.randrange(_LEFT_WAITING) == 0:
                self._waiting.append(asyncio.create_task(self._one(number, case, ends=False)))
            else:
                await self._one(number, case, ends=True)
            self._run.requests += 1
            if number % _SESSION_LASTS == 0:
                with suppress(OSError, ValueError):  # what is wrong then, the ordinary requests find
                    self._session = (await self._open()).session or self._session
            if number % _ORDINARY == 0:
                await self._ordinary(number)
            if number % max(1, requests // 20) == 0:
                used = memory_of(self._server.process.pid)
                self._run.memory += [] if used is None else [used]

    async def _one(self, number: int, case: HttpCase, *, ends: bool) -> None:
        try:
            exchange = await exchange_with(self._port, case, case.sent.replace(SESSION, self._session), ends=ends)
        except OSError as error:
            self._oracle.report("a connection is refused", case.kind, number, repr(error))
            return
        oracle = self._oracle
        oracle.received(case.kind, number, exchange.received)
        if exchange.is_hanging:
            oracle.report(f"no answer within {PATIENCE:g} s", case.kind, number, case.sent[:400])
        if exchange.is_garbled:
            oracle.report("the answer is no HTTP", case.kind, number, exchange.received[:400])
        for answer in exchange.answers:
            self._look_at(number, case, answer)
        if not exchange.answers:
            oracle.outcome(case.kind, "closed")

    def _look_at(self, number: int, case: HttpCase, answer: Answer) -> None:
        oracle = self._oracle
        oracle.outcome(case.kind, f"{answer.status // 100}xx")
        if case.method != b"HEAD":  # which has no body to say more in
            oracle.http_status(case.kind, number, answer.status, answer.body)
        if answer.session:
            self._session = answer.session
        if case.method in (b"HEAD", b"CONNECT") or (b"/health" in case.sent and b'"jsonrpc"' not in answer.body):
            return
        try:
            for message in messages_in(answer.body, answer.content_type):
                oracle.message(case.kind, number, message)
                if case.request_id is not None and message.get("id", case.request_id) not in (case.request_id, None):
                    oracle.report("an answer has another's id", case.kind, number, answer.body)
        except ValueError:
            oracle.report("an answer is no JSON", case.kind, number, answer.body)

    async def _ordinary(self, number: int) -> None:
        """What a client of each era asks, and gets."""
        kind, request_id = "ordinary", f"ordinary-{number}"
        wanted = self._known.texts["id"][0]
        arguments = {"id": wanted, "part": "text", "include_quoted": False, "offset": 0, "max_chars": 20_000}
        call: dict[str, Any] = {"name": "read_message", "arguments": arguments}
        head = [("Host", "127.0.0.1"), ("Content-Type", "application/json")]
        accept = ("Accept", "application/json, text/event-stream")
        era = number // _ORDINARY % 3
        try:
            if era == 1:
                call["_meta"] = ENVELOPE
                head += [accept, ("MCP-Protocol-Version", MODERN), ("Mcp-Method", "tools/call")]
                head += [("Mcp-Name", "read_message")]
            elif era == 2:
                opened = await self._open()
                if opened.status == 503:  # no more sessions for now, as documented
                    self._oracle.outcome(kind, "5xx")
                    return
                session = (opened.session or b"").decode()
                head += [accept, ("MCP-Protocol-Version", LEGACY[-1]), ("Mcp-Session-Id", session)]
                await self._ask(head, {"jsonrpc": "2.0", "method": "notifications/initialized"})
            answer = await self._ask(head, request(request_id, "tools/call", call))
            (message,) = messages_in(answer.body, answer.content_type)
            if era == 2:
                await self._ask(head, None, method="DELETE")
            found = (message["id"], message["result"]["structuredContent"]["id"])
        except (OSError, ValueError, LookupError, TypeError) as error:
            self._oracle.report("an ordinary request is not answered", kind, number, repr(error))
            return
        self._run.ordinary += 1
        self._oracle.outcome(kind, f"{answer.status // 100}xx")
        if found != (request_id, wanted):
            self._oracle.report("an ordinary request is answered wrongly", kind, number, answer.body)

    async def _open(self) -> Answer:
        """Of a session."""
        head = [("Host", "127.0.0.1"), ("Content-Type", "application/json")]
        accept = ("Accept", "application/json, text/event-stream")
        return await self._ask([*head, accept], handshake("hello", LEGACY[-1]))

    async def _ask(self, head: list[tuple[str, str]], document: object, method: str = "POST") -> Answer:
        body = json.dumps(document).encode()
        fields = "".join(f"{name}: {value}\r\n" for name, value in [*head, ("Content-Length", len(body))])
        sent = f"{method} /mcp HTTP/1.1\r\n{fields}\r\n".encode() + body
        exchange = await exchange_with(self._port, HttpCase("ordinary", sent), sent, ends=True)
        if not exchange.answers:
            raise ValueError("no answer")
        return exchange.answers[0]

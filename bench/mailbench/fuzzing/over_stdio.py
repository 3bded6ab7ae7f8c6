"""A run over STDIO: one conversation after the other, each with a process of its own, ended by EOF or SIGTERM."""

import asyncio
import json
import random
from dataclasses import dataclass, field
from typing import Any

from mailbench.fuzzing.arguments import Known
from mailbench.fuzzing.lines import LineCase, line_case
from mailbench.fuzzing.messages import ENVELOPE, LEGACY, handshake, request
from mailbench.fuzzing.oracle import Oracle
from mailbench.fuzzing.product import Product, Running, memory_of, start

PATIENCE = 20.0  # seconds until an answer, and until the process has ended
_LINES = 500  # of a conversation
_ORDINARY = 10  # one in so many


@dataclass
class StdioRun:
    requests: int = 0
    ordinary: int = 0
    conversations: int = 0
    growth: list[int] = field(default_factory=list)  # bytes, from the first tenth of a conversation to its end


async def fuzz_stdio(
    product: Product, known: Known, oracle: Oracle, *, requests: int, seed: int, lines: int = _LINES
) -> StdioRun:
    """`lines` is how many malformed requests a conversation has."""
    run = StdioRun()
    for first in range(0, requests, lines):
        numbers = range(first, min(first + lines, requests))
        server = await start(product, "--transport", "stdio")
        conversation = _Conversation(server, known, oracle, run)
        try:
            await conversation.hold(numbers, seed)
        finally:
            await conversation.end(by_signal=run.conversations % 4 >= 2)
        run.conversations += 1
    return run


class _Conversation:
    def __init__(self, server: Running, known: Known, oracle: Oracle, run: StdioRun) -> None:
        self._server = server
        self._known = known
        self._oracle = oracle
        self._run = run
        self._unanswered: dict[str, tuple[int, str]] = {}
        self._asked = ""  # the ordinary request that is waited for
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())
        self._is_modern = run.conversations % 2 == 1
        self._number = 0
        self._kind = "ordinary"

    async def hold(self, numbers: range, seed: int) -> None:
        """The eras take turns. What is no message comes first of all, and decides nothing."""
        await self._write(b"\xff\n\n[]\n{\n")
        if not self._is_modern:
            version = LEGACY[self._run.conversations // 2 % len(LEGACY)]
            await self._write(_line(handshake("hello", version)))
            await self._write(_line({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        await self._ordinary(numbers.start)
        before: int | None = None
        for number in numbers:
            case = line_case(random.Random(f"stdio {seed} {number}"), number, self._known, is_modern=self._is_modern)
            self._number, self._kind = number, case.kind
            if not await self._send(case):
                return
            self._run.requests += 1
            self._oracle.outcome(case.kind, "sent")
            if number % _ORDINARY == _ORDINARY - 1 and not await self._ordinary(number):
                return
            if number - numbers.start == len(numbers) // 10:
                before = memory_of(self._server.process.pid)
        await self._ordinary(numbers.stop)
        await self._all_answered()
        after = memory_of(self._server.process.pid)
        if before is not None and after is not None:
            self._run.growth.append(after - before)

    async def end(self, *, by_signal: bool) -> None:
        oracle, server = self._oracle, self._server
        if not server.is_alive:
            oracle.report("the process died", self._kind, self._number, bytes(server.log[-2_000:]))
        elif by_signal:
            server.process.terminate()
        assert server.process.stdin is not None
        server.process.stdin.close()
        code = await server.ended(PATIENCE)
        if code != 0:
            how = "SIGTERM" if by_signal else "the end of its input"
            oracle.report(f"{how} ends the process with {code}", self._kind, self._number, bytes(server.log[-2_000:]))
        await self._reading
        oracle.log("stdio", self._number, bytes(server.log))

    async def _send(self, case: LineCase) -> bool:
        for request_id in case.request_ids:
            self._unanswered[request_id] = (self._number, case.kind)
        return all([await self._write(piece) for piece in case.sent])

    async def _ordinary(self, number: int) -> bool:
        """Whether it is answered, and rightly."""
        wanted = self._known.texts["id"][0]
        arguments = {"id": wanted, "part": "text", "include_quoted": False, "offset": 0, "max_chars": 20_000}
        call: dict[str, Any] = {"name": "read_message", "arguments": arguments}
        if self._is_modern:
            call["_meta"] = ENVELOPE
        self._asked = f"ordinary-{number}"
        self._unanswered[self._asked] = (number, "ordinary")
        if not await self._write(_line(request(self._asked, "tools/call", call))):
            return False
        if not await self._until(lambda: self._asked not in self._unanswered):
            self._oracle.report("an ordinary request is not answered", "ordinary", number, f"after {self._kind}")
            return False
        self._run.ordinary += 1
        return True

    async def _all_answered(self) -> None:
        if not await self._until(lambda: not self._unanswered):
            for number, kind in self._unanswered.values():
                self._oracle.report(f"no answer within {PATIENCE:g} s", kind, number)

    async def _until(self, has_come: Any) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                while not has_come() and not self._reading.done():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return bool(has_come())

    async def _write(self, piece: bytes) -> bool:
        stdin = self._server.process.stdin
        assert stdin is not None
        try:
            stdin.write(piece)
            async with asyncio.timeout(PATIENCE):
                await stdin.drain()
        except ConnectionError:
            return False
        except TimeoutError:
            self._oracle.report("the input is not read", self._kind, self._number, piece[:400])
            return False
        return True

    async def _read(self) -> None:
        stdout = self._server.process.stdout
        assert stdout is not None
        while line := await stdout.readline():
            self._look_at(line)
            self._news.set()
        self._news.set()

    def _look_at(self, line: bytes) -> None:
        try:
            answer = json.loads(line)
        except ValueError:
            self._oracle.report("an answer is no JSON", self._kind, self._number, line)
            return
        request_id = answer.get("id") if isinstance(answer, dict) else None
        number, kind = self._number, self._kind
        if isinstance(request_id, str):
            number, kind = self._unanswered.pop(request_id, (number, kind))
            if request_id.startswith("ordinary") and not _is_the_message(answer, self._known.texts["id"][0]):
                self._oracle.report("an ordinary request is answered wrongly", kind, number, line)
        self._oracle.received(kind, number, line)
        self._oracle.message(kind, number, answer)
        self._oracle.outcome(kind, _outcome(answer))


def _line(document: object) -> bytes:
    return json.dumps(document).encode() + b"\n"


def _is_the_message(answer: Any, wanted: str) -> bool:
    result = answer.get("result")
    content = result.get("structuredContent") if isinstance(result, dict) else None
    return isinstance(content, dict) and content.get("id") == wanted


def _outcome(answer: Any) -> str:
    if not isinstance(answer, dict) or "result" not in answer:
        return "refused"
    return "failed" if isinstance(answer["result"], dict) and answer["result"].get("isError") else "answered"

"""A small server that has one of everything, for the tests of the protocol and the transports."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Self

import anyio
from pydantic import BaseModel, Field

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import (
    Arguments,
    Catalogue,
    Completion,
    Embedded,
    Link,
    Prompt,
    PromptArgument,
    Resource,
    ResourceBytes,
    ResourceText,
    Result,
    Tool,
    Truncated,
)
from support import planted

SECRET = "hunter2-the-secret"


class Order(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"


class ListArguments(Arguments):
    prefix: Annotated[str, Field(description="Text before each number.", max_length=20)]
    limit: Annotated[int, Field(ge=1, le=1000, description="How many rows.")] = 3
    order: Order = Order.NEWEST
    from_: Annotated[str | None, Field(alias="from", description="Where to start.")] = None
    max_chars: Annotated[int | None, Field(ge=500, le=200_000)] = None


class Row(BaseModel):
    number: int
    text: str
    note: str | None = None


class ListResult(Result):
    rows: list[Row]
    total: int
    truncated: Truncated | None = None

    def as_text(self) -> str:
        lines = [f"{row.number}: {row.text}" for row in self.rows]
        if self.truncated:
            lines.append(f"{self.truncated.omitted} more: {self.truncated.next}")
        return "\n".join(lines)

    def units(self) -> int:
        return len(self.rows)

    def keep(self, units: int) -> Self:
        if units >= len(self.rows):
            return self
        cut = Truncated(unit="rows", returned=units, omitted=self.total - units, next=f"start at {units}")
        return self.model_copy(update={"rows": self.rows[:units], "truncated": cut})

    def disclosed(self) -> Sequence[str]:
        return [str(row.number) for row in self.rows]


class NoArguments(Arguments):
    pass


class TextArguments(Arguments):
    text: str = ""


class TextResult(Result):
    text: str

    def as_text(self) -> str:
        return self.text


async def list_rows(call: Call, arguments: ListArguments) -> ListResult:
    rows = [Row(number=number, text=f"{arguments.prefix}{number}") for number in range(arguments.limit)]
    return ListResult(rows=rows, total=len(rows))


async def who_calls(call: Call, arguments: NoArguments) -> TextResult:
    return TextResult(text=f"{call.caller.user} over {call.transport} at {call.protocol_version} with {call.client}")


async def count_down(call: Call, arguments: NoArguments) -> TextResult:
    for step in range(3):
        await call.report(step + 1, 3, f"step {step + 1}")
    return TextResult(text="done")


async def crash(call: Call, arguments: TextArguments) -> TextResult:
    raise RuntimeError(f"{SECRET} {arguments.text} {planted.ERROR_TEXT}")


class FailArguments(Arguments):
    code: str


async def fail(call: Call, arguments: FailArguments) -> TextResult:
    raise _fault(arguments.code)


def _fault(name: str) -> Fault:
    """A failure of that code."""
    return Fault(ErrorCode[name], f"This is {name}.", details={"asked": name}, retry_after=1.5)


async def refuse(call: Call, arguments: NoArguments) -> TextResult:
    raise Fault(ErrorCode.NOT_FOUND, "There is no such row.", details={"row": 7})


class Waiting:
    """A call that lasts until it is cancelled, and says so."""

    def __init__(self) -> None:
        self.started = anyio.Event()
        self.cancelled = anyio.Event()

    async def __call__(self, call: Call, arguments: NoArguments) -> TextResult:
        self.started.set()
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            self.cancelled.set()
            raise
        raise AssertionError


async def read_row(call: Call, parameters: Mapping[str, str]) -> ResourceText:
    if parameters["number"] == "crash":
        raise RuntimeError(f"{SECRET} {planted.ERROR_TEXT}")
    if parameters["number"] == "malformed":
        raise Fault(ErrorCode.INVALID_FORMAT, "`number` must be digits.", details={"argument": "number"})
    if parameters["number"] in ErrorCode.__members__:
        raise _fault(parameters["number"])
    if not parameters["number"].isdigit():
        raise Fault(ErrorCode.NOT_FOUND, "There is no such row.")
    return ResourceText("text/plain", f"row {parameters['number']}")


async def read_bytes(call: Call, parameters: Mapping[str, str]) -> ResourceBytes:
    return ResourceBytes("application/octet-stream", b"\x00\xff")


async def render(call: Call, arguments: Mapping[str, str]) -> str:
    if arguments["topic"] == "crash":
        raise RuntimeError(f"{SECRET} {planted.ERROR_TEXT}")
    if arguments["topic"] in ErrorCode.__members__:
        raise _fault(arguments["topic"])
    return f"Tell me about {arguments['topic']}."


async def topics(call: Call, prefix: str) -> Sequence[str]:
    if prefix in ErrorCode.__members__:
        raise _fault(prefix)
    return [name for name in (f"topic{number}" for number in range(250)) if name.startswith(prefix)]


def build_catalogue(waiting: Waiting | None = None) -> Catalogue:
    return Catalogue(
        name="tester",
        title="Tester",
        version="1.2.3",
        instructions="Ask list_rows first.",
        tools=[
            Tool(
                "list_rows",
                "List rows",
                "Gives rows.",
                ListArguments,
                ListResult,
                "read",
                list_rows,
                links=lambda result: [Link(f"test://row/{row.number}", f"row {row.number}") for row in result.rows[:2]],
            ),
            Tool("who_calls", "Who calls", "Says who calls.", NoArguments, TextResult, "read", who_calls),
            Tool("count_down", "Count down", "Reports progress.", NoArguments, TextResult, "read", count_down),
            Tool("crash", "Crash", "Fails.", TextArguments, TextResult, "read", crash),
            Tool("refuse", "Refuse", "Refuses.", NoArguments, TextResult, "read", refuse),
            Tool("fail", "Fail", "Fails as asked.", FailArguments, TextResult, "read", fail),
            Tool("wait", "Wait", "Waits.", NoArguments, TextResult, "read", waiting or Waiting()),
            Tool(
                "attach",
                "Attach",
                "Gives bytes.",
                TextArguments,
                TextResult,
                "read",
                echo,
                embedded=lambda result: [Embedded("test://bytes", "application/octet-stream", blob=b"\x00\xff")],
            ),
            Tool(
                "erase",
                "Erase",
                "Writes.",
                NoArguments,
                TextResult,
                "write",
                who_calls,
                read_only=False,
                destructive=True,
                idempotent=False,
                open_world=True,
            ),
        ],
        resources=[
            Resource("test://bytes", "bytes", "Bytes", "Two bytes.", "application/octet-stream", "read", read_bytes),
            Resource("test://row/{number}", "row", "Row", "One row.", "text/plain", "read", read_row),
            Resource("test://secret", "secret", "Secret", "Not for all.", "text/plain", "write", read_row),
        ],
        prompts=[
            Prompt(
                "explain", "Explain", "Explains.", [PromptArgument("topic", "What.", required=True)], "read", render
            ),
            Prompt("erase_all", "Erase all", "Erases.", [], "write", render),
        ],
        completions=[Completion("explain", "topic", "read", topics)],
    )


async def echo(call: Call, arguments: TextArguments) -> TextResult:
    return TextResult(text=arguments.text)

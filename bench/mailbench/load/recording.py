"""The SQL that mailquery runs for a call, and what it answers: for a route that does the same and nothing else."""

import asyncio
import pickle
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from mcp import Client

from mailbench.load.calls import ToolCall
from mailbench.ours import NotAnswered
from mailquery.bootstrap import open_application
from mailquery.serving import Serving
from mailquery.settings import Settings

T = TypeVar("T")

Statement = tuple[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Recording:
    statements: tuple[Statement, ...]
    result: dict[str, Any]


def record(home: Path, calls: Iterable[ToolCall], target: Path) -> None:
    """Makes each call in this process, and writes the recordings by the calls' keys. Raises `NotAnswered`."""
    target.write_bytes(pickle.dumps(asyncio.run(_record(home, calls))))


async def _record(home: Path, calls: Iterable[ToolCall]) -> dict[str, Recording]:
    found: dict[str, Recording] = {}
    statements: list[Statement] = []
    async with open_application(Settings(home=home)) as application:
        archive = application.archive
        read = archive.read

        async def recorded(function: Callable[[sqlite3.Connection], T]) -> T:
            # It stands for the connection where statements are made, which is all that repositories do with it.
            return await read(lambda connection: function(_Recorded(connection, statements)))  # type: ignore[arg-type]

        archive.read = recorded  # type: ignore[method-assign]  # of this one archive, to see its statements
        async with Client(Serving(application).server()) as client:
            for call in calls:
                statements.clear()
                result = await client.call_tool(call.tool, call.arguments)
                if result.is_error:
                    raise NotAnswered(f"{call.key}: {result.content}")
                wire = result.model_dump(mode="json", by_alias=True, exclude_none=True)
                found[call.key] = Recording(tuple(statements), wire)
    return found


class _Recorded:
    """A connection that keeps what it is asked."""

    def __init__(self, connection: sqlite3.Connection, into: list[Statement]) -> None:
        self._connection = connection
        self._into = into

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        self._into.append((sql, tuple(values) if not isinstance(values, dict) else values))
        return self._connection.execute(sql, values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

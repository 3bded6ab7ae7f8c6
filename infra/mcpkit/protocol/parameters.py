"""Where the value of a tool's argument comes from when a call does not give it.

In this order: the call itself, what the user has stored, the environment (`MAILQUERY_SEARCH_MESSAGES_LIMIT=50` with the
prefix `MAILQUERY_`), the declared default. A tool names in `preset` the arguments that can be stored or set so. Who
calls is no argument, and so can be neither.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json, to_jsonable_python

from mcpkit.database.at_hand import Rows
from mcpkit.database.sqlite import Database
from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.declarations import Tool
from mcpkit.protocol.explaining import did_you_mean, invalid_arguments
from mcpkit.protocol.schemas import Schema, input_schema


class Origin(StrEnum):
    """Where a value came from."""

    ARGUMENT = "argument"
    STORED = "stored"
    ENVIRONMENT = "environment"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Preset:
    """The value that a call without the argument gets. `value` is of what JSON has."""

    tool: str
    argument: str
    value: object
    origin: Origin


@dataclass(frozen=True, slots=True)
class Resolved:
    """The arguments of a call, and where each of those that can be preset came from."""

    arguments: Mapping[str, object]
    origins: Mapping[str, Origin] = field(default_factory=dict)


class StoredParameters:
    """What users have stored, in the control database (`mcpkit.security.control`)."""

    def __init__(self, control: Database) -> None:
        self._control = control

    async def of(self, user: str) -> Mapping[tuple[str, str], object]:
        """The values of a user, by tool and argument."""
        sql = "SELECT tool, argument, value FROM stored_parameters WHERE user = ?"
        return await self._control.look_up(sql, (user,), _by_argument)

    async def store(self, user: str, tool: str, argument: str, value: object) -> None:
        """Raises Fault STORAGE_FULL, SERVICE_UNAVAILABLE."""
        row = (user, tool, argument, json.dumps(value), int(time.time()))
        await self._control.write(
            lambda c: c.execute("INSERT OR REPLACE INTO stored_parameters VALUES (?, ?, ?, ?, ?)", row)
        )

    async def forget(self, user: str, tool: str, argument: str) -> bool:
        """Whether there was such a value. Raises Fault STORAGE_FULL, SERVICE_UNAVAILABLE."""

        def delete(connection: sqlite3.Connection) -> bool:
            of_one = "DELETE FROM stored_parameters WHERE user = ? AND tool = ? AND argument = ?"
            return connection.execute(of_one, (user, tool, argument)).rowcount > 0

        return await self._control.write(delete)


def _by_argument(rows: Rows) -> Mapping[tuple[str, str], object]:
    return {(tool, argument): json.loads(value) for tool, argument, value in rows}


class ParameterResolver:
    """`environ` holds variables as the process has them; those that begin with `prefix` and a tool's name are ours."""

    def __init__(self, stored: StoredParameters, environ: Mapping[str, str], prefix: str) -> None:
        self._stored = stored
        self._environ = {name.upper(): value for name, value in environ.items() if value}
        self._prefix = prefix
        self.tools: Sequence[Tool[Any, Any]] = ()  # those that have something to preset
        self._presets: dict[str, dict[str, _Argument]] = {}
        self._environment: dict[tuple[str, str], object] = {}

    def declare(self, tools: Sequence[Tool[Any, Any]]) -> None:
        """The tools whose arguments are resolved.

        Raises:
            Fault: CONFIGURATION, naming each variable that is wrong and what is right.
        """
        self.tools = [tool for tool in tools if tool.preset]
        self._presets = {tool.name: _arguments_of(tool) for tool in self.tools}
        problems = []
        for variable, text in self._environ.items():
            named = self._named_by(variable)
            if named is None:
                continue
            tool, argument = named
            try:
                self._environment[tool, argument] = self._argument(tool, argument).from_text(text)
            except Fault as fault:
                problems.append(f"{variable}: {fault.message}")
        if problems:
            lines = "\n".join(f"  {problem}" for problem in problems)
            raise Fault(ErrorCode.CONFIGURATION, f"Variables cannot be used:\n{lines}", details={"problems": problems})

    async def resolve(self, tool: str, user: str, sent: Mapping[str, object]) -> Resolved:
        """The arguments that a call of `tool` has in the end. What they are worth is for the validation to say."""
        known = self._presets.get(tool)
        if not known:
            return Resolved(sent)
        arguments = dict(sent)
        origins = dict.fromkeys((name for name in known if name in sent), Origin.ARGUMENT)
        stored = await self._stored.of(user) if len(origins) < len(known) else {}
        for name in known:
            if name in sent:
                continue
            for origin, values in ((Origin.STORED, stored), (Origin.ENVIRONMENT, self._environment)):
                if (tool, name) in values:
                    arguments[name], origins[name] = values[tool, name], origin
                    break
            else:
                origins[name] = Origin.DEFAULT
        return Resolved(arguments, origins)

    def check(self, tool: str, among: Sequence[str]) -> None:
        """That `tool` is one of those whose arguments can be preset. `among` are the names that may be told.

        Raises Fault VALIDATION_ERROR.
        """
        if tool not in among or tool not in self._presets:
            hint = did_you_mean(tool, among) or (f"; known are {', '.join(among)}." if among else ".")
            raise Fault(ErrorCode.VALIDATION_ERROR, f"There is no tool of that name that takes presets{hint}")

    async def presets(self, user: str, only: str | None = None) -> list[Preset]:
        """Every value that can be preset, as it is now for `user`; `only` those of one tool.

        Raises Fault VALIDATION_ERROR where there is no such tool.
        """
        if only is not None:
            self._known(only)
        found = []
        for tool, arguments in self._presets.items():
            if only not in (None, tool):
                continue
            resolved = await self.resolve(tool, user, {})
            found += [
                Preset(tool, name, resolved.arguments.get(name, argument.default), resolved.origins[name])
                for name, argument in arguments.items()
            ]
        return found

    async def store(self, user: str, tool: str, argument: str, value: object) -> Preset:
        """Stores `value`, of what JSON has, for calls of `user` that do not give the argument.

        Raises Fault VALIDATION_ERROR where there is no such argument or it cannot have that value; STORAGE_FULL,
        SERVICE_UNAVAILABLE.
        """
        checked = self._argument(tool, argument).from_json(value)
        await self._stored.store(user, tool, argument, checked)
        return Preset(tool, argument, checked, Origin.STORED)

    async def store_text(self, user: str, tool: str, argument: str, text: str) -> Preset:
        """As `store`, for a value as a person types it."""
        return await self.store(user, tool, argument, self._argument(tool, argument).from_text(text))

    async def forget(self, user: str, tool: str, argument: str) -> bool:
        """Whether a value was stored. Raises as `store`."""
        self._argument(tool, argument)
        return await self._stored.forget(user, tool, argument)

    def _argument(self, tool: str, name: str) -> "_Argument":
        known = self._known(tool)
        if name not in known:
            hint = did_you_mean(name, list(known)) or f"; known are {', '.join(known)}."
            raise Fault(ErrorCode.VALIDATION_ERROR, f"{tool} has no such argument that can be preset{hint}")
        return known[name]

    def _known(self, tool: str) -> "dict[str, _Argument]":
        self.check(tool, list(self._presets))
        return self._presets[tool]

    def _named_by(self, variable: str) -> tuple[str, str] | None:
        """The tool and the argument that a variable is for."""
        if not variable.startswith(self._prefix):
            return None
        rest = variable.removeprefix(self._prefix).lower()
        for tool in sorted(self._presets, key=len, reverse=True):
            if rest.startswith(f"{tool}_"):
                return tool, rest.removeprefix(f"{tool}_")
        return None


class _Argument:
    """One argument of a tool: its type, with all that its declaration says about it."""

    def __init__(self, tool: Tool[Any, Any], name: str) -> None:
        (key,) = [key for key, info in tool.arguments.model_fields.items() if (info.alias or key) == name]
        info = tool.arguments.model_fields[key]
        self._tool, self._name = tool, name
        declared: Any = Annotated[info.annotation, info]
        self._adapter: TypeAdapter[object] = TypeAdapter(declared)
        self.default: object = to_jsonable_python(info.default)

    def from_json(self, value: object) -> object:
        """Raises Fault VALIDATION_ERROR."""
        return self._checked(lambda: self._adapter.validate_json(to_json(value), strict=True))

    def from_text(self, text: str) -> object:
        """Raises Fault VALIDATION_ERROR."""
        return self._checked(lambda: self._adapter.validate_strings(text.strip()))

    def _checked(self, validate: Callable[[], object]) -> object:
        try:
            return to_jsonable_python(validate())
        except ValidationError as error:
            schema: Schema = input_schema(self._tool.arguments)
            raise invalid_arguments(self._tool.name, schema, error, argument=self._name) from None


def _arguments_of(tool: Tool[Any, Any]) -> dict[str, _Argument]:
    return {name: _Argument(tool, name) for name in tool.preset}

"""Calls through the whole pipeline, as a server makes them."""

from collections.abc import Collection, Mapping
from typing import Any

from mcp_types import CallToolResult, CompleteResult, GetPromptResult, ReadResourceResult

from mailquery.mcp.catalogue import catalogue
from mailquery.services.inventory import Services
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Declaration
from mcpkit.protocol.parameters import ParameterResolver
from mcpkit.protocol.pipeline import build_pipeline
from mcpkit.protocol.stages import Reply, Stage
from mcpkit.protocol.stages.permitting import Allowed, everything
from mcpkit.protocol.uris import find_resource
from mcpkit.security.audit import AuditRecord
from mcpkit.security.identity import Principal


class Kept:
    """An audit that keeps its records."""

    def __init__(self) -> None:
        self.records: list[AuditRecord] = []

    async def record(self, record: AuditRecord) -> None:
        self.records.append(record)


class Somebody:
    def __init__(self, principal: Principal) -> None:
        self.principal = principal

    async def identify(self, call: Call) -> Principal:
        return self.principal


class Caller:
    """Calls what the catalogue offers, as `user`. `accounts` are those that the caller may see; None is all. Without
    `parameters` nothing can be preset. `allowed` is the operator's policy on tools."""

    def __init__(
        self,
        services: Services,
        *,
        user: str = "ana",
        accounts: frozenset[str] | None = None,
        parameters: ParameterResolver | None = None,
        consent: Stage | None = None,
        remember: Stage | None = None,
        scopes: Collection[str] = ("*",),
        allowed: Allowed = everything,
    ) -> None:
        self.offered = catalogue(services, parameters, allowed)
        self.audit = Kept()
        principal = Principal(user, scopes=frozenset(scopes), accounts=accounts)
        self._pipeline = build_pipeline(
            Somebody(principal),
            self.audit,
            parameters=parameters,
            consent=consent,
            remember=remember,
            allowed=allowed,
        )

    async def run(self, kind: str, name: str, arguments: Mapping[str, object], declaration: Declaration) -> Reply:
        call = Call(kind, name, arguments, request_id="1", transport="memory", declaration=declaration)
        return await self._pipeline.run(call)

    async def reply(self, tool: str, /, **arguments: object) -> CallToolResult:
        """`from_` is sent as `from`."""
        sent = {name.rstrip("_"): value for name, value in arguments.items()}
        (declared,) = [each for each in self.offered.tools if each.name == tool]
        wire = (await self.run("tool", tool, sent, declared)).result()
        assert isinstance(wire, CallToolResult)
        return wire

    async def tool(self, tool: str, /, **arguments: object) -> Any:
        """The structured content."""
        return (await self.reply(tool, **arguments)).structured_content

    async def text(self, tool: str, /, **arguments: object) -> str:
        block = (await self.reply(tool, **arguments)).content[0]
        assert block.type == "text"
        return block.text

    async def size(self, tool: str, /, **arguments: object) -> int:
        """Characters of the whole reply as JSON."""
        reply = await self.reply(tool, **arguments)
        return len(reply.model_dump_json(by_alias=True, exclude_none=True))

    async def resource(self, uri: str) -> ReadResourceResult:
        declared = find_resource(self.offered.resources, uri)
        assert declared is not None
        wire = (await self.run("resource", uri, {}, declared)).wire
        assert isinstance(wire, ReadResourceResult)
        return wire

    async def prompt(self, name: str, **arguments: str) -> str:
        (declared,) = [each for each in self.offered.prompts if each.name == name]
        wire = (await self.run("prompt", name, arguments, declared)).wire
        assert isinstance(wire, GetPromptResult)
        block = wire.messages[0].content
        assert block.type == "text"
        return block.text

    async def complete(self, reference: str, argument: str, typed: str) -> list[str]:
        (declared,) = [
            each for each in self.offered.completions if (each.reference, each.argument) == (reference, argument)
        ]
        wire = (await self.run("completion", reference, {argument: typed}, declared)).wire
        assert isinstance(wire, CompleteResult)
        return wire.completion.values

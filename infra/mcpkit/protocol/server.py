"""A catalogue and a pipeline become a server of the official SDK: the protocol's side of every call."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import mcp_types
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    CompleteRequestParams,
    CompleteResult,
    GetPromptRequestParams,
    GetPromptResult,
    InputRequiredResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    NotificationParams,
    PaginatedRequestParams,
    PromptReference,
    ReadResourceRequestParams,
    ReadResourceResult,
)
from mcp_types import Completion as CompletionValues
from pydantic import ValidationError

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.counting import CountRequests
from mcpkit.protocol.declarations import Catalogue, Completion, Declaration, Tool, name_of
from mcpkit.protocol.descriptions import (
    described_prompt,
    described_resource,
    described_template,
    described_tool,
)
from mcpkit.protocol.explaining import did_you_mean, malformed_parameters
from mcpkit.protocol.handshakes import tell_transport
from mcpkit.protocol.listening import Listening, ListeningServer
from mcpkit.protocol.mapping import as_protocol_error, error_result, resource_not_found
from mcpkit.protocol.own_tools import OwnTools, set_own_tools
from mcpkit.protocol.pagination import page
from mcpkit.protocol.pipeline import Pipeline
from mcpkit.protocol.requests import call_from
from mcpkit.protocol.stages import Reply
from mcpkit.protocol.subscriptions import Subscriptions
from mcpkit.protocol.uris import find_resource

if TYPE_CHECKING:
    from mcpkit.monitoring.metrics import CallMetrics

DeclarationT = TypeVar("DeclarationT", bound=Declaration)

PAGE_SIZE = 100
_LISTING_LASTS = 5 * 60 * 1000  # milliseconds


def build_server(
    catalogue: Catalogue,
    pipeline: Pipeline,
    *,
    subscriptions: Subscriptions | None = None,
    metrics: "CallMetrics | None" = None,
    page_size: int = PAGE_SIZE,
) -> Server[Any]:
    """A server of all protocol revisions that the SDK speaks, for any transport. Without `subscriptions`, which run
    beside it, nothing can be subscribed to. `metrics` count what is no call: calls are counted in the pipeline."""
    handlers = _Handlers(catalogue, pipeline, page_size)
    listening = None if subscriptions is None else Listening(catalogue, pipeline, subscriptions)
    server: Server[Any] = ListeningServer(
        catalogue.name,
        version=catalogue.version,
        title=catalogue.title,
        instructions=catalogue.instructions,
        website_url=catalogue.website_url,
        cache_hints=_cache_hints(),
        get_tool_input_schema=handlers.tool_input_schema,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_resource_templates,
        on_read_resource=handlers.read_resource,
        on_list_prompts=handlers.list_prompts,
        on_get_prompt=handlers.get_prompt,
        on_completion=handlers.complete,
        on_subscribe_resource=listening.subscribe if listening else None,
        on_unsubscribe_resource=listening.unsubscribe if listening else None,
        on_subscriptions_listen=listening.listen if listening else None,
    )
    server.add_notification_handler("notifications/initialized", NotificationParams, tell_transport)
    # In place of the SDK's tracing, which costs time on every request even where nothing collects traces.
    counting = [] if metrics is None else [CountRequests(metrics)]
    server.middleware[:] = [*counting, _let_nothing_leak]
    set_own_tools(server, OwnTools(catalogue.tools, handlers.answer, server.server_info_stamp))
    return server


def _cache_hints() -> dict[CacheableMethod, CacheHint]:
    """Private: what is listed depends on who asks."""
    listing = CacheHint(ttl_ms=_LISTING_LASTS, scope="private")
    return {
        "server/discover": listing,
        "tools/list": listing,
        "prompts/list": listing,
        "resources/list": listing,
        "resources/templates/list": listing,
        "resources/read": CacheHint(ttl_ms=0, scope="private"),
    }


async def _let_nothing_leak(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """The SDK answers an unexpected error in the handshake era with its text, so none may get through to it."""
    try:
        return await call_next(ctx)
    except MCPError:
        raise
    except ValidationError as error:
        raise MCPError(INVALID_PARAMS, malformed_parameters(error)) from None
    except Exception as error:
        raise as_protocol_error(error, ctx.method) from error


class _Handlers:
    """The request handlers. A tool is described once, when that is first asked for: the schemas of all of them take a
    tenth of a start. Who may see which is decided per request."""

    def __init__(self, catalogue: Catalogue, pipeline: Pipeline, page_size: int) -> None:
        self._catalogue = catalogue
        self._pipeline = pipeline
        self._page_size = page_size
        self._tools = {tool.name: tool for tool in catalogue.tools}
        self._described: dict[str, mcp_types.Tool] = {}
        self._prompts = {prompt.name: prompt for prompt in catalogue.prompts}

    def tool_input_schema(self, name: str) -> dict[str, Any] | None:
        found = self._tools.get(name)
        return self._description(found).input_schema if found else None

    def _description(self, tool: Tool[Any, Any]) -> mcp_types.Tool:
        if tool.name not in self._described:
            self._described[tool.name] = described_tool(tool)
        return self._described[tool.name]

    async def list_tools(self, context: ServerRequestContext, params: PaginatedRequestParams | None) -> ListToolsResult:
        seen = await self._visible(_listing(context), self._catalogue.tools)
        tools, cursor = page([self._description(tool) for tool in seen], params, self._page_size)
        return ListToolsResult(tools=tools, next_cursor=cursor)

    async def call_tool(
        self, context: ServerRequestContext, params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        found = self._tools.get(params.name)
        if found is None:
            raise await self._unknown(context, "tool", params.name, self._catalogue.tools)
        reply = await self.answer(call_from(context, "tool", params.name, params.arguments, found, params), found)
        result = reply.result()
        assert isinstance(result, CallToolResult | InputRequiredResult), "not the result of a tool"
        return result

    async def answer(self, call: Call, tool: Tool[Any, Any]) -> Reply:
        """Raises MCPError, Fault."""
        try:
            return await self._pipeline.run(call)
        except Fault as fault:
            if call.principal is not None and not self._pipeline.offers(call.caller, tool):
                # As for a name that there is not, also where it was refused for another reason.
                if fault.code is not ErrorCode.FORBIDDEN:
                    raise
                raise await self._hidden(call, self._catalogue.tools) from None
            return Reply(None, error_result(fault))

    async def list_resources(
        self, context: ServerRequestContext, params: PaginatedRequestParams | None
    ) -> ListResourcesResult:
        seen = await self._visible(_listing(context), [one for one in self._catalogue.resources if not one.is_template])
        resources, cursor = page([described_resource(resource) for resource in seen], params, self._page_size)
        return ListResourcesResult(resources=resources, next_cursor=cursor)

    async def list_resource_templates(
        self, context: ServerRequestContext, params: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        seen = await self._visible(_listing(context), [one for one in self._catalogue.resources if one.is_template])
        templates, cursor = page([described_template(resource) for resource in seen], params, self._page_size)
        return ListResourceTemplatesResult(resource_templates=templates, next_cursor=cursor)

    async def read_resource(
        self, context: ServerRequestContext, params: ReadResourceRequestParams
    ) -> ReadResourceResult | InputRequiredResult:
        uri = str(params.uri)
        resource = find_resource(self._catalogue.resources, uri)
        if resource is None:
            await self._refuse(call_from(context, "resource", uri))
            raise resource_not_found(uri, context.protocol_version)
        call = call_from(context, "resource", uri, None, resource, params)
        try:
            reply = await self._pipeline.run(call)
        except Fault as fault:
            if fault.code in (ErrorCode.NOT_FOUND, ErrorCode.INVALID_FORMAT):  # a malformed id names nothing
                raise resource_not_found(uri, context.protocol_version, fault) from fault
            if fault.code is ErrorCode.FORBIDDEN and not self._pipeline.offers(call.caller, resource):
                raise resource_not_found(uri, context.protocol_version) from fault
            raise
        assert isinstance(reply.wire, ReadResourceResult | InputRequiredResult), "no shaping stage ran"
        return reply.wire

    async def list_prompts(
        self, context: ServerRequestContext, params: PaginatedRequestParams | None
    ) -> ListPromptsResult:
        seen = await self._visible(_listing(context), self._catalogue.prompts)
        prompts, cursor = page([described_prompt(prompt) for prompt in seen], params, self._page_size)
        return ListPromptsResult(prompts=prompts, next_cursor=cursor)

    async def get_prompt(
        self, context: ServerRequestContext, params: GetPromptRequestParams
    ) -> GetPromptResult | InputRequiredResult:
        prompt = self._prompts.get(params.name)
        if prompt is None:
            raise await self._unknown(context, "prompt", params.name, self._catalogue.prompts)
        call = call_from(context, "prompt", params.name, params.arguments, prompt, params)
        try:
            reply = await self._pipeline.run(call)
        except Fault as fault:
            if fault.code is ErrorCode.FORBIDDEN and not self._pipeline.offers(call.caller, prompt):
                raise await self._hidden(call, self._catalogue.prompts) from None
            raise
        assert isinstance(reply.wire, GetPromptResult | InputRequiredResult), "no shaping stage ran"
        return reply.wire

    async def complete(self, context: ServerRequestContext, params: CompleteRequestParams) -> CompleteResult:
        is_prompt = isinstance(params.ref, PromptReference)
        reference = params.ref.name if isinstance(params.ref, PromptReference) else params.ref.uri
        known: Sequence[Declaration] = self._catalogue.prompts if is_prompt else self._catalogue.resources
        if reference not in {name_of(each) for each in await self._visible(_listing(context), known)}:
            raise await self._unknown(context, "prompt" if is_prompt else "resource", reference, known)
        completion = self._completion(reference, params.argument.name)
        nothing = CompleteResult(completion=CompletionValues(values=[], total=0, has_more=False))
        if completion is None:
            return nothing
        arguments = {completion.argument: params.argument.value}
        try:
            reply = await self._pipeline.run(call_from(context, "completion", reference, arguments, completion))
        except Fault as fault:
            if fault.code in (ErrorCode.FORBIDDEN, ErrorCode.CONSENT_REQUIRED):
                return nothing
            raise
        assert isinstance(reply.wire, CompleteResult), "no shaping stage ran"
        return reply.wire

    def _completion(self, reference: str, argument: str) -> Completion | None:
        return next(
            (one for one in self._catalogue.completions if (one.reference, one.argument) == (reference, argument)), None
        )

    async def _visible(self, call: Call, offered: Sequence[DeclarationT]) -> list[DeclarationT]:
        principal = await self._pipeline.principal(call)
        return [declaration for declaration in offered if self._pipeline.offers(principal, declaration)]

    async def _refuse(self, call: Call) -> None:
        """A call of what is not there goes the way of every call, up to where it is refused.

        Raises:
            Fault: whatever else it was refused for.
        """
        try:
            await self._pipeline.run(call)
        except Fault as fault:
            if fault.code is not ErrorCode.FORBIDDEN:
                raise

    async def _unknown(
        self, context: ServerRequestContext, kind: str, name: str, offered: Sequence[Declaration]
    ) -> MCPError:
        call = call_from(context, kind, name)
        await self._refuse(call)
        return await self._hidden(call, offered)

    async def _hidden(self, call: Call, offered: Sequence[Declaration]) -> MCPError:
        """What is told of a thing that is not there for the caller, whether there is one or not."""
        seen = [name_of(declaration) for declaration in await self._visible(call, offered)]
        hint = did_you_mean(call.name, seen)
        return MCPError(
            INVALID_PARAMS,
            f"There is no such {call.kind}{hint}" if hint else f"There is no such {call.kind}.",
            {"known": seen},
        )


def _listing(context: ServerRequestContext) -> Call:
    return call_from(context, "listing", context.method)

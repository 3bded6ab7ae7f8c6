"""The innermost step: the handler."""

from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Completion, Prompt, Resource, Tool
from mcpkit.protocol.stages import SUBSCRIPTION, Reply


async def run_handler(call: Call) -> Reply:
    given = call.given
    match call.declaration:
        case Tool(handler=handler):
            return Reply(await handler(call, given))
        case Resource(handler=read):
            assert isinstance(given, dict), "no validation stage ran"
            content = await read(call, given)
            return Reply(content, disclosed=() if call.kind == SUBSCRIPTION else (call.name,))
        case Prompt(render=render):
            assert isinstance(given, dict), "no validation stage ran"
            return Reply(await render(call, given))
        case Completion(values=values):
            assert isinstance(given, str), "no validation stage ran"
            return Reply(await values(call, given))
        case None:
            raise AssertionError("a call without a declaration")

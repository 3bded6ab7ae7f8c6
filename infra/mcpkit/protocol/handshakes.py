"""What the handshake of a session comes to, for a transport that serves calls of that session by itself."""

from mcp.server.context import ServerRequestContext
from mcp_types import NotificationParams

ESTABLISHED_KEY = "mcpkit.established"
"""In the scope of an HTTP request that may end a handshake: is called with the session's `Connection` then."""


async def tell_transport(context: ServerRequestContext, params: NotificationParams) -> None:
    """The handler of `notifications/initialized`. The SDK gives handlers only the request's own view of a session."""
    told = None if context.request is None else context.request.scope.get(ESTABLISHED_KEY)
    if told is not None:
        told(context.session._connection)

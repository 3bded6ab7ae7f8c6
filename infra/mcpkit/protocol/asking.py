"""Asking the person at the client while a call runs: MCP's form elicitation, in both of its eras.

Up to 2025-11-25 the server sends a request of its own and waits for its answer. Since 2026-07-28 it ends the call with
an `InputRequiredResult`, and the client calls again with the answers and the state it was given (SEP-2322).
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.session import ServerSession
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types import (
    ClientCapabilities,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
    InputResponseRequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from mcpkit.protocol.calls import Answer, Asking, Form

logger = logging.getLogger(__name__)

PATIENCE = 300.0  # seconds that a person has for an answer
_KEY = "consent"


def asking_of(context: ServerRequestContext, params: InputResponseRequestParams | None) -> Asking:
    """How the caller of this request can be asked, and what they answered if this is a call made again."""
    if not has_forms(context.session.client_capabilities):
        return Asking()
    if context.protocol_version in MODERN_PROTOCOL_VERSIONS:
        responses = (params.input_responses if params else None) or {}
        response = responses.get(_KEY)
        answer = _answer(response) if isinstance(response, ElicitResult) else None
        return Asking(by_return=True, answer=answer, state=params.request_state if params else None)
    return Asking(ask=asker(context.session, context.request_id)) if context.session.can_send_request else Asking()


def input_required(form: Form, state: str) -> InputRequiredResult:
    return InputRequiredResult(input_requests={_KEY: _request(form)}, request_state=state)


def has_forms(capabilities: ClientCapabilities | None) -> bool:
    """Of a client. An empty `elicitation` means forms: it is from before there were modes."""
    declared = capabilities.elicitation if capabilities else None
    return declared is not None and (declared.form is not None or declared.url is None)


def asker(session: ServerSession, number: str | int | None) -> Callable[[Form], Awaitable[Answer]]:
    """Asks in a session of the handshake era, in connection with the request that has this id."""

    async def ask(form: Form) -> Answer:
        try:
            result = await session.send_request(
                _request(form),
                ElicitResult,
                request_read_timeout_seconds=PATIENCE,
                metadata=ServerMessageMetadata(related_request_id=number),
            )
        except (MCPError, ValidationError) as error:  # no time, no such method, or no answer to this question
            logger.info("a question was not answered: %s", type(error).__name__)
            return Answer("cancel")
        return _answer(result)

    return ask


def _request(form: Form) -> ElicitRequest:
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {form.field: {"type": "string", "title": form.title, "enum": list(form.choices)}},
        "required": [form.field],
    }
    return ElicitRequest(params=ElicitRequestFormParams(message=form.message, requested_schema=dict(schema)))


def _answer(result: ElicitResult) -> Answer:
    return Answer(result.action, result.content or {})

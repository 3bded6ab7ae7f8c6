"""How faults look on the wire: `isError` results of tools, and JSON-RPC errors of everything else."""

import logging
import secrets
from collections.abc import Mapping

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, CallToolResult, TextContent
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.untrusted import Fence, untrusted
from mcpkit.shortage import is_lack_of_memory, too_little_memory

logger = logging.getLogger(__name__)

RESOURCE_NOT_FOUND = -32002  # of the revisions before 2026-07-28, which forbids it

_INVALID = frozenset(
    {ErrorCode.VALIDATION_ERROR, ErrorCode.INVALID_FORMAT, ErrorCode.QUERY_SYNTAX, ErrorCode.NOT_FOUND}
)


def contain(error: Exception, doing: str) -> Fault:
    """The fault that a caller is told of for an unexpected error. The log has the rest under the same id. A lack of
    memory befalls whatever runs then, and is no error of it."""
    if is_lack_of_memory(error):
        logger.error("too little memory while %s: %r", doing, error)
        return too_little_memory()
    error_id = secrets.token_hex(6)
    logger.error("unexpected error while %s", doing, exc_info=error, extra={"error_id": error_id})
    return Fault(
        ErrorCode.INTERNAL_ERROR,
        f"Something went wrong inside the server; its log has the details under error id {error_id}.",
        details={"error_id": error_id},
    )


def error_result(fault: Fault) -> CallToolResult:
    """A tool's failure, which the model sees and can mend."""
    text = f"{fault.code.name}: {fault.message}"
    if fault.retry_after is not None:
        text += f" Retry after {fault.retry_after:g} seconds."
    if fault.others:
        text = Fence().around(f"{text}\n{untrusted(fault.others)}")
    return CallToolResult(
        content=[TextContent(type="text", text=text)],
        structured_content={"error": fault.as_dict()},
        is_error=True,
    )


def protocol_error(fault: Fault) -> MCPError:
    """A failure of a resource, prompt or completion. The numbers of faults lie outside what JSON-RPC reserves."""
    return MCPError(json_rpc_code(fault.code), fault.message, fault.as_dict())


def as_protocol_error(error: Exception, method: str) -> MCPError:
    """Whatever answering `method` raised, as what may be told of it."""
    match error:
        case MCPError():
            return error
        case Fault():
            return protocol_error(error)
    return protocol_error(contain(error, f"answering {method}"))


def json_rpc_code(code: ErrorCode) -> int:
    """The standard's code where it has one that fits, else the number of our own."""
    if code is ErrorCode.INTERNAL_ERROR:
        return INTERNAL_ERROR
    return INVALID_PARAMS if code in _INVALID else code.number


def resource_not_found(uri: str, protocol_version: str, fault: Fault | None = None) -> MCPError:
    code = INVALID_PARAMS if protocol_version in MODERN_PROTOCOL_VERSIONS else RESOURCE_NOT_FOUND
    data: Mapping[str, object] = {"uri": uri, **(fault.as_dict() if fault else {})}
    return MCPError(code, fault.message if fault else "There is no such resource.", dict(data))

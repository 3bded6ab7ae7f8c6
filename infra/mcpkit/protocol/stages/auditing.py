"""Every call is recorded, whatever became of it, before its answer leaves."""

import json
import time
from collections.abc import Mapping, Sequence

import anyio
from pydantic import BaseModel

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.stages import Proceed, Reply
from mcpkit.security.audit import AuditRecord, AuditSink

_DENIALS = frozenset({ErrorCode.UNAUTHORIZED, ErrorCode.FORBIDDEN, ErrorCode.CONSENT_REQUIRED, ErrorCode.RATE_LIMITED})


class Audit:
    """Stands outside of all that can refuse, so that what was refused is recorded too; a call that the client gave up
    is recorded as cancelled."""

    def __init__(self, sink: AuditSink) -> None:
        self._sink = sink

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        began = time.perf_counter()
        try:
            reply = await proceed(call)
        except Fault as fault:
            decision = "denied" if fault.code in _DENIALS else "failed"
            error_id = fault.details.get("error_id")
            await self._record(
                call, began, decision, error=fault.code.name, error_id=str(error_id) if error_id else None
            )
            raise
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self._record(call, began, "cancelled")
            raise
        await self._record(call, began, "asked" if reply.is_question else "allowed", reply.characters, reply.disclosed)
        return reply

    async def _record(
        self,
        call: Call,
        began: float,
        decision: str,
        characters: int = 0,
        disclosed: Sequence[str] = (),
        *,
        error: str | None = None,
        error_id: str | None = None,
    ) -> None:
        await self._sink.record(
            AuditRecord(
                kind=call.kind,
                name=call.name,
                user=call.caller.user,
                client=call.client,
                transport=call.transport,
                request_id=call.request_id,
                protocol_version=call.protocol_version,
                decision=decision,
                arguments=_sizes(call),
                disclosed=tuple(disclosed),
                characters=characters,
                duration=round(time.perf_counter() - began, 6),
                error=error,
                error_id=error_id,
            )
        )


def _sizes(call: Call) -> Mapping[str, int]:
    """Names that nobody declared are counted together: they are the caller's text."""
    known = _argument_names(call)
    sizes: dict[str, int] = {}
    for name, value in call.arguments.items():
        shown = name if known is None or name in known else "(unknown)"
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)
        sizes[shown] = sizes.get(shown, 0) + len(text)
    return sizes


def _argument_names(call: Call) -> frozenset[str] | None:
    model = getattr(call.declaration, "arguments", None)
    if isinstance(model, type) and issubclass(model, BaseModel):  # a tool's
        return frozenset(field.alias or name for name, field in model.model_fields.items())
    return None

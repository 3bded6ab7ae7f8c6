"""Every call is recorded, whatever became of it, before its answer leaves."""

import json
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import anyio
from pydantic import BaseModel

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Completion, Prompt, Resource, Tool
from mcpkit.protocol.stages import Proceed, Reply, declared_name
from mcpkit.protocol.uris import uri_variables
from mcpkit.security.audit import UNKNOWN, AuditRecord, AuditSink

if TYPE_CHECKING:
    from mcpkit.monitoring.metrics import CallMetrics

logger = logging.getLogger(__name__)

_DENIALS = frozenset({ErrorCode.UNAUTHORIZED, ErrorCode.FORBIDDEN, ErrorCode.CONSENT_REQUIRED, ErrorCode.RATE_LIMITED})
_LONGEST = 200  # characters of what a client says of itself
_LONGEST_VALUE = 1000  # and of an argument's value that is to be kept


class Audit:
    """Stands outside of all that can refuse, so that what was refused is recorded too; a call that the client gave up
    is recorded as cancelled.

    A call that cannot be recorded is answered with SERVICE_UNAVAILABLE instead of its result, unless
    `stops_calls` is off. `kept_values` are the names of arguments whose values are recorded too.
    """

    def __init__(
        self,
        sink: AuditSink,
        *,
        stops_calls: bool = True,
        kept_values: frozenset[str] = frozenset(),
        metrics: "CallMetrics | None" = None,
    ) -> None:
        self._sink = sink
        self._stops_calls = stops_calls
        self._kept_values = kept_values
        self._metrics = metrics

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        began, moment = time.perf_counter(), datetime.now(UTC)

        async def record(decision: str, **outcome: Any) -> None:
            await self._record(call, decision, moment, time.perf_counter() - began, outcome)

        try:
            reply = await proceed(call)
        except Fault as fault:
            decision = "denied" if fault.code in _DENIALS else "failed"
            error_id = fault.details.get("error_id")
            await record(decision, error=fault.code.name, error_id=str(error_id) if error_id else None)
            raise
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                try:
                    await record("cancelled")
                except Fault:
                    logger.warning("a cancelled call is not in the audit")  # there is no answer to hold back
            raise
        except Exception:
            await record("failed", error=ErrorCode.INTERNAL_ERROR.name)
            raise
        decision = "asked" if reply.is_question else "allowed"
        await record(decision, characters=reply.characters, disclosed=tuple(reply.disclosed))
        return reply

    async def _record(
        self, call: Call, decision: str, moment: datetime, duration: float, outcome: Mapping[str, Any]
    ) -> None:
        record = AuditRecord(
            time=moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            kind=call.kind,
            name=declared_name(call),
            user=call.principal.user if call.principal else "",
            credential=call.principal.client if call.principal and call.principal.client != call.client else "",
            client=call.client[:_LONGEST],
            transport=call.transport,
            request_id=call.request_id[:_LONGEST],
            protocol_version=call.protocol_version[:_LONGEST],
            decision=decision,
            reason=call.reason or _reason(call, decision, outcome.get("error")),
            arguments=_sizes(call),
            values=self._values(call),
            duration=round(duration, 6),
            **outcome,
        )
        try:
            await self._sink.record(record)
        except Exception as error:
            logger.exception("a call could not be recorded in the audit", extra={"call": record.name})
            if self._metrics is not None:
                self._metrics.not_recorded()
            if self._stops_calls:
                raise Fault(
                    ErrorCode.SERVICE_UNAVAILABLE,
                    "The call could not be recorded in the audit, so its answer is withheld. The server's log says "
                    "why; whoever runs the server must mend that first.",
                ) from error

    def _values(self, call: Call) -> Mapping[str, str]:
        known = _argument_names(call)
        return {
            name: _json(value)[:_LONGEST_VALUE]
            for name, value in call.arguments.items()
            if name in self._kept_values and name in known
        }


def _reason(call: Call, decision: str, error: str | None) -> str:
    if call.declaration is None:
        return f"no such {call.kind}"
    permission = call.declaration.permission
    if decision == "allowed":
        return f"permission {permission}"
    if error == ErrorCode.FORBIDDEN.name and call.principal and not call.principal.may(permission):
        return f"no permission {permission}"
    return ""


def _sizes(call: Call) -> Mapping[str, int]:
    """Names that nobody declared are counted together: they are the caller's text."""
    known = _argument_names(call)
    sizes: dict[str, int] = {}
    for name, value in _given(call).items():
        shown = name if name in known else UNKNOWN
        sizes[shown] = sizes.get(shown, 0) + len(_json(value))
    return sizes


def _given(call: Call) -> Mapping[str, object]:
    match call.declaration:
        case Resource(uri=template):
            return uri_variables(template, call.name)
        case _:
            return call.arguments


def _argument_names(call: Call) -> frozenset[str]:
    match call.declaration:
        case Tool(arguments=model):
            return _field_names(model)  # type: ignore[arg-type]  # a class is hashable, if that of `Any` is not said to be
        case Resource(uri=template):
            return frozenset(uri_variables(template, call.name))
        case Prompt(arguments=arguments):
            return frozenset(argument.name for argument in arguments)
        case Completion(argument=argument):
            return frozenset({argument})
        case None:
            return frozenset()


@cache
def _field_names(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(field.alias or name for name, field in model.model_fields.items())


_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=str)


def _json(value: object) -> str:
    return _COMPACT.encode(value)

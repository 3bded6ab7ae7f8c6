"""Who was turned away at the door stands in the audit, and whoever knocks without end does not fill it."""

import logging

from starlette.types import Scope

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.audit import UNKNOWN, AuditRecord, AuditSink
from mcpkit.security.identity import Principal
from mcpkit.security.limits.rate_limits import Limits, RateLimits
from mcpkit.transport.http.door.addresses import subscriber

logger = logging.getLogger(__name__)

OF_ONE_ADDRESS = Limits(requests_per_minute=6, burst=20)
OF_ALL = Limits(requests_per_minute=120, burst=240)
_HERE = "this machine"
_DENIALS = frozenset({ErrorCode.UNAUTHORIZED, ErrorCode.FORBIDDEN, ErrorCode.INVALID_FORMAT})


class RecordRefusals:
    """Records so many refusals of one address and of all together; the rest are counted, and the next record says how
    many they were. That one cannot be recorded is no reason to let anybody in, and nothing is held back for it."""

    def __init__(self, audit: AuditSink, of_one: Limits = OF_ONE_ADDRESS, of_all: Limits = OF_ALL) -> None:
        self._audit = audit
        self._of_one = RateLimits("refusals of one", of_one)
        self._of_all = RateLimits("refusals", of_all)
        self._left_out = 0

    async def __call__(self, scope: Scope, fault: Fault, reason: str, principal: Principal | None) -> None:
        address = subscriber(scope) or _HERE
        try:
            await self._of_one.request(address)
            await self._of_all.request("")
        except Fault:
            self._left_out += 1
            return
        left_out, self._left_out = self._left_out, 0
        if left_out:
            reason = f"{reason}; refusals before this that were only counted: {left_out}"
        error_id = fault.details.get("error_id")
        record = AuditRecord(
            kind="request",
            name=UNKNOWN,  # nothing of it was looked at but its credential
            user=principal.user if principal else "",
            credential=principal.client if principal else "",
            client="",
            address=address,
            transport="http",
            request_id="",
            decision="denied" if fault.code in _DENIALS else "failed",
            reason=reason,
            error=fault.code.name,
            error_id=str(error_id) if error_id else None,
        )
        try:
            await self._audit.record(record)
        except Exception:
            self._left_out += left_out + 1
            logger.exception("a refused request could not be recorded in the audit")

"""What surrounds every call, as one list of stages, the outermost first.

A stage does its part and calls `proceed` for the rest, so it can act before, after, around or instead of it, and it
refuses by raising a `Fault`. Stages know calls and declarations; no tool knows a stage. The order, with the places of
those that a deployment adds:

    measure > audit > identify > contain errors > limit rate > authorise > policy > resolve parameters > validate
              > consent > remember > shape > run
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Declaration
from mcpkit.protocol.identity import IdentityProvider
from mcpkit.protocol.parameters import ParameterResolver
from mcpkit.protocol.stages import Proceed, Reply, Stage
from mcpkit.protocol.stages.auditing import Audit
from mcpkit.protocol.stages.authorising import Authorise
from mcpkit.protocol.stages.containing import ContainErrors
from mcpkit.protocol.stages.identifying import Identify
from mcpkit.protocol.stages.limiting import LimitRate
from mcpkit.protocol.stages.measuring import Measure
from mcpkit.protocol.stages.permitting import Allowed, Permit, everything
from mcpkit.protocol.stages.resolving import ResolveParameters
from mcpkit.protocol.stages.running import run_handler
from mcpkit.protocol.stages.shaping import Shape
from mcpkit.protocol.stages.validating import Validate
from mcpkit.security.audit import AuditSink
from mcpkit.security.identity import Principal
from mcpkit.security.limits.rate_limits import RateLimits

if TYPE_CHECKING:
    from mcpkit.monitoring.metrics import CallMetrics
    from mcpkit.monitoring.tracing import Tracing

DEFAULT_MAX_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Identity is a stage, and stands here too because the listings ask it; so does the policy. `deciding` are those of
    the stages that decide whether a call may be made at all."""

    identity: IdentityProvider
    stages: Sequence[Stage]
    allowed: Allowed = everything
    deciding: Sequence[Stage] = ()
    _run: Proceed = field(init=False, repr=False)
    _look: Proceed = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_run", _through(self.stages))
        object.__setattr__(self, "_look", _through(self.deciding))

    async def principal(self, call: Call) -> Principal:
        """
        Raises:
            Fault: UNAUTHORIZED.
        """
        return await self.identity.identify(call)

    def offers(self, principal: Principal, declaration: Declaration) -> bool:
        """Whether it exists for this principal: neither permission nor policy is lacking."""
        return principal.may(declaration.permission) and self.allowed(principal, declaration)

    async def run(self, call: Call) -> Reply:
        """
        Raises:
            Fault: whatever went wrong.
        """
        return await self._run(call)

    async def look(self, call: Call) -> Reply:
        """What the call's handler gives, where its caller may call it now. Nobody is asked, nothing is counted or
        recorded and nothing shaped: for the server's own look at what it might tell somebody of.

        Raises:
            Fault: whatever went wrong.
        """
        return await self._look(call)


def _through(stages: Sequence[Stage]) -> Proceed:
    proceed: Proceed = run_handler
    for stage in reversed(stages):
        proceed = partial(stage, proceed=proceed)
    return proceed


def outer_stages(
    identity: IdentityProvider,
    audit: AuditSink,
    *,
    limits: RateLimits | None = None,
    audit_stops_calls: bool = True,
    audited_values: frozenset[str] = frozenset(),
    allowed: Allowed = everything,
    metrics: "CallMetrics | None" = None,
    tracing: "Tracing | None" = None,
) -> list[Stage]:
    """Those that know who calls and whether they may, and nothing of arguments: for what comes in another way too."""
    stages: list[Stage | None] = [
        Measure(metrics),
        Audit(audit, stops_calls=audit_stops_calls, kept_values=audited_values, metrics=metrics),
        Identify(identity),
        ContainErrors(),
        LimitRate(limits) if limits else None,
        Authorise(),
        Permit(allowed),
    ]
    return _those(stages, tracing)


def build_pipeline(
    identity: IdentityProvider,
    audit: AuditSink,
    *,
    limits: RateLimits | None = None,
    parameters: ParameterResolver | None = None,
    consent: Stage | None = None,
    remember: Stage | None = None,
    max_chars: int = DEFAULT_MAX_CHARS,
    audit_stops_calls: bool = True,
    audited_values: frozenset[str] = frozenset(),
    allowed: Allowed = everything,
    metrics: "CallMetrics | None" = None,
    tracing: "Tracing | None" = None,
) -> Pipeline:
    """`max_chars` is the size of an answer to a call that states none. A part that is left out has no stage.
    `audit_stops_calls` and `audited_values` are those of `Audit`; `allowed` is the operator's policy. With
    `tracing` each call and each of its stages is a span."""
    identify, contain, authorise, permit, validate = (
        Identify(identity),
        ContainErrors(),
        Authorise(),
        Permit(allowed),
        Validate(),
    )
    stages: list[Stage | None] = [
        Measure(metrics),
        Audit(audit, stops_calls=audit_stops_calls, kept_values=audited_values, metrics=metrics),
        identify,
        contain,
        LimitRate(limits) if limits else None,
        authorise,
        permit,
        ResolveParameters(parameters) if parameters else None,
        validate,
        consent,
        remember,
        Shape(max_chars),
    ]
    deciding: list[Stage | None] = [identify, contain, authorise, permit, validate, consent]
    return Pipeline(identity, _those(stages, tracing), allowed, _those(deciding))


def _those(stages: Sequence[Stage | None], tracing: "Tracing | None" = None) -> list[Stage]:
    there = [stage for stage in stages if stage is not None]
    if tracing is None:
        return there
    from mcpkit.protocol.stages.tracing import traced

    return traced(there, tracing)

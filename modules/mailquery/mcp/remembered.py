"""Which answers are kept, and what each of them follows from."""

from mailquery.mcp.arguments import visibility
from mailquery.mcp.messages import ReadMessageArguments
from mailquery.mcp.search import SearchArguments
from mailquery.mcp.statistics import StatisticsArguments
from mailquery.mcp.threads import ReadThreadArguments
from mailquery.services.basis import AnswerBasis
from mcpkit.protocol.calls import Call
from mcpkit.protocol.stages.remembering import Asked


class RememberedCalls:
    """The calls that assistants make most, as long as their answers follow from the archive alone. Codes and links that
    open accounts are never kept."""

    def __init__(self, basis: AnswerBasis) -> None:
        self._basis = basis

    async def __call__(self, call: Call) -> Asked | None:
        if not self._may_be_kept(call.given):
            return None
        state = self._basis.state()
        if state is None:
            return None
        visible = visibility(call)
        # What else an answer says that the archive does not tell: it is part of the key.
        beside = await self._basis.freshness(visible, state) if isinstance(call.given, SearchArguments) else ()
        return Asked(state, (call.name, call.given, visible, beside))

    def _may_be_kept(self, given: object) -> bool:
        match given:
            case SearchArguments():
                passing = given.explain or given.fresh or given.include_secrets or given.cursor is not None
                return not passing and self._basis.is_timeless(given.filters())
            case StatisticsArguments():
                return self._basis.is_timeless(given.filters())
            case ReadMessageArguments() | ReadThreadArguments():
                return not given.include_secrets
            case _:
                return False

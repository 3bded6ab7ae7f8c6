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
        given = call.given
        match given:
            case SearchArguments():
                if given.explain or given.fresh or given.include_secrets or given.cursor is not None:
                    return None
            case ReadMessageArguments() | ReadThreadArguments():
                if given.include_secrets:
                    return None
            case StatisticsArguments():
                pass
            case _:
                return None
        state = self._basis.state()
        if state is None:
            return None
        visible = visibility(call)
        # What else an answer says that the archive does not tell: it is part of the key.
        beside = await self._basis.freshness(visible, state) if isinstance(given, SearchArguments) else ()
        accounts = None if visible.accounts is None else tuple(sorted(visible.accounts))
        key = (call.name, given.__pydantic_serializer__.to_json(given), accounts, visible.user, beside)
        if isinstance(given, SearchArguments | StatisticsArguments):
            return Asked(state, key, lambda: self._basis.is_timeless(given.filters()))
        return Asked(state, key)

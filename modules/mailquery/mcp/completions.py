"""Completions of account, mailbox and address arguments."""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from mailquery.mcp import shown
from mailquery.mcp.arguments import READ, visibility
from mailquery.mcp.prompts import PROMPTS
from mailquery.services.inventory import Services
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Completion
from mcpkit.security.untrusted import safe_line

_MOST_VALUES = 50


def _matching(names: Iterable[str], typed: str) -> list[str]:
    """The names that begin with what was typed, then those that hold it elsewhere."""
    wanted = typed.strip().casefold()
    distinct = list(dict.fromkeys(names))
    begin = [name for name in distinct if name.casefold().startswith(wanted)]
    hold = [name for name in distinct if wanted in name.casefold() and name not in set(begin)]
    return (begin + hold)[:_MOST_VALUES]


def completions(services: Services) -> list[Completion]:
    async def accounts(call: Call, typed: str) -> Sequence[str]:
        return _matching((each.name for each in await services.list_accounts(visibility(call))), typed)

    async def mailboxes(call: Call, typed: str) -> Sequence[str]:
        found = await services.list_mailboxes(visibility(call))
        return _matching(shown.mailboxes(each.name for each in found), typed)

    async def people(call: Call, typed: str) -> Sequence[str]:
        if not typed.strip():
            return ()
        found = await services.find_people(visibility(call), typed, limit=_MOST_VALUES)
        return [safe_line(person.address, shown.ADDRESS_CHARS) for person in found.people]

    values: dict[str, Callable[[Call, str], Awaitable[Sequence[str]]]] = {
        "account": accounts,
        "mailbox": mailboxes,
        "person": people,
    }
    return [
        Completion(prompt.name, argument.name, READ, values[argument.name])
        for prompt in PROMPTS
        for argument in prompt.arguments
        if argument.name in values
    ]

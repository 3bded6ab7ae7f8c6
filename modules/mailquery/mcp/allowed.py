"""Which tools the operator's policy allows, and with them what gives the same in another way."""

from collections.abc import Sequence
from difflib import get_close_matches

from mailquery.tools import TOOLS
from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.declarations import Completion, Declaration, Resource, Tool
from mcpkit.security.identity import Principal

# A resource or a completion gives what a tool gives.
_OF_RESOURCE = {
    "accounts": "list_accounts",
    "status": "list_accounts",
    "mailbox": "search_messages",
    "message": "read_message",
    "thread": "read_thread",
    "attachment": "get_attachment",
}
_OF_COMPLETION = {"account": "list_accounts", "mailbox": "list_mailboxes", "person": "find_people"}


class AllowedTools:
    """`names` None is all of them. They can be replaced while a server runs.

    Raises Fault CONFIGURATION for a name that no tool has.
    """

    def __init__(self, names: Sequence[str] | None = None) -> None:
        self.replace(names)

    def replace(self, names: Sequence[str] | None) -> None:
        for name in names or ():
            if name not in TOOLS:
                close = get_close_matches(name, TOOLS, n=1, cutoff=0.5)
                hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(TOOLS)}."
                raise Fault(
                    ErrorCode.CONFIGURATION,
                    f"The settings cannot be used:\n  `policy.allowed_tools`: there is no tool {name!r}; {hint}",
                )
        self._names = None if names is None else frozenset(names)

    def __call__(self, principal: Principal, declaration: Declaration) -> bool:
        if self._names is None:
            return True
        match declaration:
            case Tool(name=name):
                return name in self._names
            case Resource(name=name):
                return _OF_RESOURCE.get(name) in self._names
            case Completion(argument=argument):
                return _OF_COMPLETION.get(argument) in self._names
            case _:
                return True  # a prompt reads no mail

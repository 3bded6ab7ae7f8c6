"""Who calls. The transport knows; no argument of a call has a say in it."""

import getpass
from dataclasses import dataclass

EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, as the transport established it; no argument of a call can change it.

    `accounts` are the accounts that they may see; None is all. The scope `*` holds every permission.
    """

    user: str
    scopes: frozenset[str] = frozenset()
    client: str = ""
    accounts: frozenset[str] | None = None

    def may(self, permission: str) -> bool:
        return EVERYTHING in self.scopes or permission in self.scopes


def login_name() -> str:
    """Of whoever runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        return "local"

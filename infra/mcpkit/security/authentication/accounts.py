"""Which accounts a user may see, as the operator decided."""

from collections.abc import Mapping, Sequence

ALL = "*"


class AccountAccess:
    """`users` maps a user's name to the accounts that they may see; the account `*` is all of them, and the user `*` is
    everybody who is not named. Who is neither named nor covered by `*` sees none."""

    def __init__(self, users: Mapping[str, Sequence[str]]) -> None:
        self._users = {user: None if ALL in accounts else frozenset(accounts) for user, accounts in users.items()}

    def of(self, user: str) -> frozenset[str] | None:
        """None is every account."""
        if user in self._users:
            return self._users[user]
        return self._users.get(ALL, frozenset())

    def named(self) -> frozenset[str]:
        """Every account that is named for anybody."""
        return frozenset().union(*(accounts for accounts in self._users.values() if accounts is not None))


def narrowed(accounts: frozenset[str] | None, by: frozenset[str] | None) -> frozenset[str] | None:
    """The accounts that are in both; None is every account."""
    if accounts is None:
        return by
    return accounts if by is None else accounts & by

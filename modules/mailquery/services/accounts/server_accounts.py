"""The accounts on mail servers that a caller may know of."""

from collections.abc import Callable

from mailquery.domain.accounts import MailAccount
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.policy import Place, Policy
from mailquery.repositories.records import Visibility
from mailquery.repositories.synchronising import AccountRepository
from mailquery.services.scope import unknown_name


class ServerAccounts:
    def __init__(self, accounts: AccountRepository, policy: Callable[[], Policy]) -> None:
        self._accounts = accounts
        self._policy = policy

    @property
    def may_be_counted(self) -> bool:
        """Whether what a server has of an account may be told in numbers: not where some of it is withheld, as the
        difference to what can be found would tell of that."""
        return not self._policy().withholds_in_accounts

    async def __call__(self, visible: Visibility) -> tuple[MailAccount, ...]:
        """In the order of their names."""
        policy = self._policy()
        return tuple(
            each
            for each in await self._accounts.all()
            if (visible.accounts is None or each.name in visible.accounts)
            and not policy.withholds_place(Place(each.name, "", MailboxRole.NONE))
        )

    async def named(self, visible: Visibility, name: str) -> MailAccount:
        """Raises VALIDATION_ERROR, naming the nearest, where the caller may know of none of this name."""
        accounts = await self(visible)
        wanted = name.strip().casefold()
        found = next((each for each in accounts if each.name.casefold() == wanted), None)
        if found is None:
            raise unknown_name("account", "account", name.strip(), [each.name for each in accounts])
        return found

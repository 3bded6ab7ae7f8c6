"""What a caller may see, as mailboxes, and the names that a query may use for them."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from mailquery.domain.mailboxes import MailboxRole, folded_name, is_called
from mailquery.domain.queries import Everything, Query, asks_for_gone
from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite.policy_state import State

_ANY_HIDDEN = "SELECT EXISTS (SELECT 1 FROM placements WHERE flags & 128 <> 0)"


@dataclass(frozen=True)
class Mailbox:
    id: int
    account: str
    name: str
    role: MailboxRole


class Scope:
    """A caller's mailboxes in one transaction, and what of them `query` looks at. `limit` is None where nothing is
    withheld from the caller, neither by their accounts nor by the operator's policy (`policy`)."""

    def __init__(self, connection: sqlite3.Connection, visible: Visibility, query: Query | None = None) -> None:
        self._connection = connection
        self._query = query or Everything()
        self.limit: str | None = None  # the ids of the visible mailboxes, as a JSON array
        self.policy = State.read(connection)
        # Of those that the policy leaves. What lies in a withheld mailbox is withheld, so that every placement of what
        # is shown counts, and what is stored of all placements together is right.
        self.has_all_accounts = True
        self._accounts = visible.accounts
        if visible.accounts is not None:
            (hidden,) = connection.execute(
                "SELECT EXISTS (SELECT 1 FROM accounts WHERE name NOT IN (SELECT value FROM json_each(?)))",
                (json.dumps(sorted(visible.accounts)),),
            ).fetchone()
            self.has_all_accounts = not hidden
        if self.policy.withholds or not self.has_all_accounts:
            self.limit = json.dumps([mailbox.id for mailbox in self.mailboxes])

    @cached_property
    def leaves_out_hidden(self) -> bool:
        """Whether there are hidden messages, and the query does not ask for them."""
        if asks_for_gone(self._query):
            return False
        (any_hidden,) = self._connection.execute(_ANY_HIDDEN).fetchone()
        return bool(any_hidden)

    @property
    def found_in(self) -> str | None:
        """As `limit`, for those who look only for what is not hidden (`found_placements`)."""
        if self.limit is None and self.leaves_out_hidden:
            return json.dumps([mailbox.id for mailbox in self.mailboxes])
        return self.limit

    @cached_property
    def mailboxes(self) -> list[Mailbox]:
        return [
            Mailbox(row[0], row[1], row[2], MailboxRole(row[3]))
            for row in self._connection.execute(
                "SELECT b.id, a.name, b.name, b.role FROM mailboxes b JOIN accounts a ON a.id = b.account"
                " WHERE b.id NOT IN (SELECT mailbox FROM withheld_mailboxes)"
            )
            if self._accounts is None or row[1] in self._accounts
        ]

    def named(self, name: str) -> list[int]:
        folded = folded_name(name)
        return [mailbox.id for mailbox in self.mailboxes if is_called(mailbox.name, mailbox.role, folded)]

    def of_account(self, name: str) -> list[int]:
        folded = folded_name(name)
        return [mailbox.id for mailbox in self.mailboxes if folded_name(mailbox.account) == folded]

    def with_role(self, role: MailboxRole) -> list[int]:
        return [mailbox.id for mailbox in self.mailboxes if mailbox.role is role]


def ids(values: Iterable[int | str]) -> str:
    """Numbers or texts as the JSON array that `json_each` takes."""
    return json.dumps(list(values))

"""What a caller may see, as mailboxes, and the names that a query may use for them."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from mailquery.domain.mailboxes import MailboxRole, folded_name, is_called
from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite.policy_state import State


@dataclass(frozen=True)
class Mailbox:
    id: int
    account: str
    name: str
    role: MailboxRole


class Scope:
    """A caller's mailboxes in one transaction. `limit` is None where nothing is hidden from the caller, neither by
    their accounts nor by the operator's policy (`policy`)."""

    def __init__(self, connection: sqlite3.Connection, visible: Visibility) -> None:
        self._connection = connection
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

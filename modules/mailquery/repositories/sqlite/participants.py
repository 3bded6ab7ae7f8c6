"""Participants, their domains and mailing lists as numbers, for one writing session."""

import sqlite3

from mailquery.domain.addresses import Address, Role
from mailquery.domain.words import fold
from mailquery.repositories.sqlite.tokens import domain_token, participant_token, with_parents

REMOVALS = "SELECT value FROM facts WHERE name = 'removals'"

_REMEMBERED = 50_000


class Participant:
    """A stored participant and its index tokens. `known_as` is the same for those that count as one person."""

    __slots__ = ("_domains", "_tokens", "id", "known_as")

    def __init__(self, participant: int, known_as: str, domains: tuple[int, ...]) -> None:
        self.id = participant
        self.known_as = known_as
        self._domains = domains  # its own first, then those above it
        self._tokens: dict[Role, dict[str, None]] = {}

    def tokens(self, role: Role) -> dict[str, None]:
        """The tokens for this participant in `role`, in order and each once."""
        if (known := self._tokens.get(role)) is None:
            tokens = [participant_token(role, self.id), *(domain_token(role, domain) for domain in self._domains)]
            known = self._tokens[role] = dict.fromkeys(tokens)
        return known


class ParticipantNumbers:
    """Finds or adds. What it remembers is right only while nobody else writes and no transaction is undone."""

    def __init__(self) -> None:
        self._participants: dict[tuple[str, str], Participant] = {}
        self._domains: dict[str, int] = {}
        self._lists: dict[str, int] = {}
        self._removals = 0

    def as_of(self, removals: int) -> None:
        """Forgets what was remembered before the last of so many removals."""
        if removals != self._removals:
            self.forget()
            self._removals = removals

    def forget(self) -> None:
        self._participants.clear()
        self._domains.clear()
        self._lists.clear()

    def trim(self) -> None:
        """Keeps memory bounded. Called between transactions."""
        for remembered in (self._participants, self._domains, self._lists):
            if len(remembered) > _REMEMBERED:
                remembered.clear()

    def participant(self, connection: sqlite3.Connection, address: Address) -> Participant:
        key = (address.name, address.address)
        if (known := self._participants.get(key)) is not None:
            return known
        folded = fold(address.address)
        domains = self._domain_and_parents(connection, folded)
        row = connection.execute("SELECT id FROM participants WHERE name = ? AND address = ?", key).fetchone()
        name = fold(address.name)
        if row is None:
            row = connection.execute(
                "INSERT INTO participants (name, address, folded_name, folded_address, domain) VALUES (?, ?, ?, ?, ?)"
                " RETURNING id",
                (*key, name, folded, domains[0] if domains else None),
            ).fetchone()
        participant = self._participants[key] = Participant(row[0], folded or name, domains)
        return participant

    def _domain_and_parents(self, connection: sqlite3.Connection, folded_address: str) -> tuple[int, ...]:
        _, at, domain = folded_address.rpartition("@")
        if not at or not domain:
            return ()
        return tuple(self._domain(connection, name) for name in with_parents(domain))

    def _domain(self, connection: sqlite3.Connection, name: str) -> int:
        if (known := self._domains.get(name)) is None:
            known = self._domains[name] = _find_or_add(connection, "domains", name)
        return known

    def list_id(self, connection: sqlite3.Connection, name: str) -> int:
        if (known := self._lists.get(name)) is None:
            known = self._lists[name] = _find_or_add(connection, "lists", name)
        return known


_FIND = {
    "domains": "SELECT id FROM domains WHERE name = ?",
    "lists": "SELECT id FROM lists WHERE name = ?",
}


def _find_or_add(connection: sqlite3.Connection, table: str, name: str) -> int:
    row: tuple[int] | None = connection.execute(_FIND[table], (name,)).fetchone()
    if row is None and table == "domains":
        row = connection.execute("INSERT INTO domains (name) VALUES (?) RETURNING id", (name,)).fetchone()
    elif row is None:
        row = connection.execute(
            "INSERT INTO lists (name, folded) VALUES (?, ?) RETURNING id", (name, fold(name))
        ).fetchone()
    assert row is not None
    return row[0]

"""Accounts on mail servers, and how their synchronisations went."""

import json
import sqlite3
import time
from dataclasses import asdict
from typing import Any

from mailquery.domain.accounts import AccountState, Login, MailAccount, OAuthClient, Security, Server, WhenGone
from mailquery.repositories.sqlite.archive import Archive
from mailquery.repositories.sqlite.encoding import from_lines, lines, moment_of, optional_moment
from mailquery.repositories.synchronising import DeletionQuestion, Outcome, SyncStanding

_COLUMNS = (
    "address, host, port, security, pinned, username, login, password_command, oauth, include, exclude, when_gone,"
    " largest, state, state_reason"
)
_PUT = f"""
    INSERT INTO mail_accounts (account, {_COLUMNS})
    VALUES ((SELECT id FROM accounts WHERE name = ?), {", ".join("?" * 15)})
    ON CONFLICT (account) DO UPDATE SET
      {", ".join(f"{column} = excluded.{column}" for column in _COLUMNS.split(", "))}
"""  # noqa: S608 - names of ours
_SELECT = f"SELECT a.name, {_COLUMNS} FROM mail_accounts m JOIN accounts a ON a.id = m.account"  # noqa: S608 - names of ours
_OF = "account = (SELECT id FROM accounts WHERE name = ?)"
_ENDED = """
    UPDATE mail_accounts SET outcome = :outcome, finished = :now, error = :error, error_code = :code,
      succeeded = CASE :outcome WHEN 'done' THEN :now ELSE succeeded END,
      failures = CASE :outcome WHEN 'done' THEN 0 WHEN 'failed' THEN failures + 1 ELSE failures END
    WHERE account = (SELECT id FROM accounts WHERE name = :name)
"""
_STANDING = """
    SELECT m.outcome, m.started, m.finished, m.succeeded, m.error, m.error_code, m.failures,
      count(r.mailbox), coalesce(sum(r.messages), 0), coalesce(sum(max(r.messages - r.stored, 0)), 0)
    FROM mail_accounts m
    JOIN accounts a ON a.id = m.account
    LEFT JOIN mailboxes b ON b.account = a.id
    LEFT JOIN remote_mailboxes r ON r.mailbox = b.id
    WHERE a.name = ? GROUP BY m.account
"""
_QUESTIONS = """
    SELECT b.name, r.missing, r.had, r.asked
    FROM accounts a JOIN mailboxes b ON b.account = a.id JOIN remote_mailboxes r ON r.mailbox = b.id
    WHERE a.name = ? AND r.asked IS NOT NULL AND r.answer = 0 ORDER BY b.name
"""
_MAILBOXES_OF = "SELECT b.id FROM mailboxes b JOIN accounts a ON a.id = b.account WHERE a.name = ?"
_FORGOTTEN_AT_ONCE = 20_000  # rows


class SqliteAccounts:
    """`AccountRepository`. Every write is one short transaction, and needs no lock: nothing here is remembered by those
    that add messages."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def put(self, account: MailAccount) -> None:
        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO accounts (name) VALUES (?) ON CONFLICT DO NOTHING", (account.name,))
            connection.execute(_PUT, (account.name, *_row(account)))

        await self._archive.write(write)

    async def get(self, name: str) -> MailAccount | None:
        def read(connection: sqlite3.Connection) -> Any:
            return connection.execute(f"{_SELECT} WHERE a.name = ?", (name,)).fetchone()

        row = await self._archive.read_unshown(read)
        return None if row is None else _account(row)

    async def all(self) -> tuple[MailAccount, ...]:
        def read(connection: sqlite3.Connection) -> list[Any]:
            return connection.execute(f"{_SELECT} ORDER BY a.name").fetchall()

        return tuple(_account(row) for row in await self._archive.glance_unshown(read))

    async def set_state(self, name: str, state: AccountState, reason: str = "") -> bool:
        return await self._update("state = ?, state_reason = ?", state.value, reason, name)

    async def set_selection(self, account: MailAccount) -> bool:
        return await self._update(
            "include = ?, exclude = ?, when_gone = ?, largest = ?",
            lines(account.include),
            lines(account.exclude),
            account.when_gone.value,
            account.largest,
            account.name,
        )

    async def forget(self, name: str) -> bool:
        """What holds its messages is taken away in several transactions, so that nobody waits long; the account goes
        with the last."""
        while await self._archive.write(lambda connection: _release(connection, name)):
            pass

        def write(connection: sqlite3.Connection) -> bool:
            connection.execute(f"DELETE FROM remote_mailboxes WHERE mailbox IN ({_MAILBOXES_OF})", (name,))  # noqa: S608 - constants
            found = connection.execute(f"DELETE FROM mail_accounts WHERE {_OF}", (name,)).rowcount  # noqa: S608 - constants
            # One of which nothing was ever brought in is no account of the archive.
            connection.execute(
                "DELETE FROM accounts WHERE name = ?"
                " AND NOT EXISTS (SELECT 1 FROM mailboxes b WHERE b.account = accounts.id)",
                (name,),
            )
            return bool(found)

        return await self._archive.write(write)

    async def standing(self, name: str) -> SyncStanding:
        def read(connection: sqlite3.Connection) -> SyncStanding:
            row = connection.execute(_STANDING, (name,)).fetchone()
            if row is None:
                return SyncStanding()
            outcome, started, finished, succeeded, error, code, failures, mailboxes, messages, pending = row
            return SyncStanding(
                outcome=Outcome(outcome),
                started=optional_moment(started),
                finished=optional_moment(finished),
                succeeded=optional_moment(succeeded),
                error=error,
                error_code=code,
                failures=failures,
                mailboxes=mailboxes,
                messages=messages,
                pending=pending,
                questions=tuple(
                    DeletionQuestion(mailbox, missing, had, moment_of(asked))
                    for mailbox, missing, had, asked in connection.execute(_QUESTIONS, (name,))
                ),
            )

        return await self._archive.read_unshown(read)

    async def begun(self, name: str) -> None:
        await self._update("outcome = ?, started = ?", Outcome.RUNNING.value, int(time.time()), name)

    async def ended(self, name: str, outcome: Outcome, error: str = "", error_code: str = "") -> None:
        await self._archive.write(
            lambda connection: connection.execute(
                _ENDED,
                {"outcome": outcome.value, "now": int(time.time()), "error": error, "code": error_code, "name": name},
            )
        )

    async def _update(self, change: str, *values: object) -> bool:
        """Whether there is the account, whose name is the last value."""

        def write(connection: sqlite3.Connection) -> bool:
            return connection.execute(f"UPDATE mail_accounts SET {change} WHERE {_OF}", values).rowcount > 0  # noqa: S608 - constants

        return await self._archive.write(write)


def _release(connection: sqlite3.Connection, name: str) -> bool:
    """Whether there may be more."""
    taken = connection.execute(
        f"DELETE FROM remote_messages WHERE (mailbox, validity, uid) IN ("  # noqa: S608 - constants
        f"SELECT mailbox, validity, uid FROM remote_messages WHERE mailbox IN ({_MAILBOXES_OF}) LIMIT ?)",
        (name, _FORGOTTEN_AT_ONCE),
    ).rowcount
    return taken == _FORGOTTEN_AT_ONCE


def _row(account: MailAccount) -> tuple[object, ...]:
    server = account.server
    return (
        account.address,
        server.host,
        server.port,
        server.security.value,
        server.pinned,
        account.username,
        account.login.value,
        account.password_command,
        json.dumps(asdict(account.oauth)) if account.oauth else "",
        lines(account.include),
        lines(account.exclude),
        account.when_gone.value,
        account.largest,
        account.state.value,
        account.state_reason,
    )


def _account(row: tuple[Any, ...]) -> MailAccount:
    name, address, host, port, security, pinned, username, login, command, oauth, include, exclude, *rest = row
    when_gone, largest, state, reason = rest
    return MailAccount(
        name=name,
        address=address,
        server=Server(host, port, Security(security), pinned),
        username=username,
        login=Login(login),
        password_command=command,
        oauth=_oauth(json.loads(oauth)) if oauth else None,
        include=from_lines(include),
        exclude=from_lines(exclude),
        when_gone=WhenGone(when_gone),
        largest=largest,
        state=AccountState(state),
        state_reason=reason,
    )


def _oauth(stored: dict[str, Any]) -> OAuthClient:
    return OAuthClient(**{**stored, "scopes": tuple(stored["scopes"])})

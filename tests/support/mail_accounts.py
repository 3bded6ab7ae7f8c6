"""An archive and the synchronisation of an account on a real mail server."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from mailquery.domain.accounts import Login, MailAccount, Security, Server
from mailquery.domain.messages import Flag
from mailquery.repositories.account_locks import AccountLocks
from mailquery.repositories.compression import decompress
from mailquery.repositories.prepared import PreparedMessage
from mailquery.repositories.sqlite.accounts import SqliteAccounts
from mailquery.repositories.sqlite.archive import Archive, open_archive
from mailquery.repositories.sqlite.synchronising import SqliteSync
from mailquery.services.new_messages import Preparers
from mailquery.services.parser_pool import Job, ParserPool
from mailquery.services.preparing import prepare
from mailquery.services.synchronising import SyncAccount, SyncOptions, SyncProgress, SyncSummary
from mailquery.sources.credentials import Credential, CredentialKind
from mailquery.sources.imap.server import ImapServer
from mailquery.sources.remote import MailServer
from support.dovecot import PASSWORD, USER, Dovecot

NAME = "home"


class KnownPassword:
    """`sources.credentials.CredentialSource`."""

    def __init__(self, password: str) -> None:
        self._password = password

    async def current(self) -> Credential:
        return Credential(CredentialKind.PASSWORD, self._password)

    async def instead_of(self, rejected: Credential) -> Credential | None:
        return None


def account_on(dovecot: Dovecot, **changed: object) -> MailAccount:
    facts: dict[str, object] = {
        "name": NAME,
        "address": USER,
        "server": Server("127.0.0.1", dovecot.port, Security.NONE),
        "username": USER,
        "login": Login.PASSWORD,
    }
    return MailAccount(**{**facts, **changed})  # type: ignore[arg-type]  # as the caller says


def account_anywhere(**changed: object) -> MailAccount:
    """For a server in memory."""
    facts: dict[str, object] = {
        "name": NAME,
        "address": USER,
        "server": Server("mail.example.com", 993),
        "username": USER,
        "login": Login.PASSWORD,
    }
    return MailAccount(**{**facts, **changed})  # type: ignore[arg-type]  # as the caller says


def imap_server(account: MailAccount) -> MailServer:
    return ImapServer(account.server, account.username, KnownPassword(PASSWORD))


class ParsedHere:
    """Parses without processes of its own: where messages are no danger, and many synchronisations are short."""

    def __init__(self, workers: int) -> None: ...

    def submit(self, jobs: Sequence[Job], now: datetime) -> Future[list[PreparedMessage]]:
        future: Future[list[PreparedMessage]] = Future()
        future.set_result([prepare(job.message, job.fingerprint, now) for job in jobs])
        return future

    async def result(
        self, future: Future[list[PreparedMessage]], jobs: Sequence[Job], now: datetime
    ) -> list[PreparedMessage]:
        return future.result()

    def close(self) -> None: ...


@dataclass
class Synchronised:
    """`database` is an archive into which `account` is synchronised."""

    database: Archive
    folder: Path
    account: MailAccount
    server_of: Callable[[MailAccount], MailServer] = imap_server
    options: SyncOptions = field(default_factory=lambda: SyncOptions(connections=3, workers=1))
    pool_of: Callable[[int], Preparers] = ParserPool

    def __post_init__(self) -> None:
        self.accounts = SqliteAccounts(self.database)
        self.repository = SqliteSync(self.database)

    @property
    def service(self) -> SyncAccount:
        return SyncAccount(
            self.accounts,
            self.repository,
            self.server_of,
            AccountLocks(self.folder / "locks"),
            self.options,
            pool_of=self.pool_of,
        )

    async def sync(self, progress: Callable[[SyncProgress], None] | None = None) -> SyncSummary:
        return await self.service(self.account.name, progress)


@asynccontextmanager
async def synchronised(
    folder: Path,
    account: MailAccount,
    server_of: Callable[[MailAccount], MailServer] = imap_server,
    pool_of: Callable[[int], Preparers] = ParserPool,
) -> AsyncIterator[Synchronised]:
    async with await open_archive(folder / "archive.db") as database:
        found = Synchronised(database, folder, account, server_of, pool_of=pool_of)
        await found.accounts.put(account)
        yield found


def letter(number: int, text: str = "") -> bytes:
    """A message like no other, as servers have them."""
    return (
        f"From: Bea <bea@example.org>\r\nTo: {USER}\r\nSubject: Letter {number}\r\n"
        f"Message-ID: <{number}@example.org>\r\nDate: Mon, 9 Mar 2026 12:00:00 +0000\r\n\r\n"
        f"{text or f'word{number}'}\r\n"
    ).encode()


LETTERS = [letter(number) for number in range(40)]


async def stored(database: Archive) -> dict[str, dict[bytes, Flag]]:
    """What an archive has: by mailbox, the contents of its messages with their flags. What is gone is left out."""

    def read(connection: sqlite3.Connection) -> list[tuple[str, bytes, int]]:
        return connection.execute(
            "SELECT b.name, r.frame, p.flags FROM placements p JOIN mailboxes b ON b.id = p.mailbox"
            " JOIN messages m ON m.id = p.message JOIN raws r ON r.sequence = m.sequence WHERE p.flags & 64 = 0"
        ).fetchall()

    found: dict[str, dict[bytes, Flag]] = {}
    for mailbox, frame, flags in await database.read(read):
        found.setdefault(mailbox, {})[decompress(frame)] = Flag(flags)
    return found


async def gone(database: Archive) -> dict[bytes, Flag]:
    """The contents of the messages that are on the server no more, with their flags."""

    def read(connection: sqlite3.Connection) -> list[tuple[bytes, int]]:
        return connection.execute(
            "SELECT r.frame, m.flags FROM messages m JOIN raws r ON r.sequence = m.sequence WHERE m.flags & 64"
        ).fetchall()

    return {decompress(frame): Flag(flags) for frame, flags in await database.read(read)}


async def keys(database: Archive) -> dict[bytes, int]:
    """Of the messages' ids (`domain.handles`), by content."""

    def read(connection: sqlite3.Connection) -> list[tuple[bytes, int]]:
        return connection.execute(
            "SELECT r.frame, m.key FROM messages m JOIN raws r ON r.sequence = m.sequence"
        ).fetchall()

    return {decompress(frame): key for frame, key in await database.read(read)}

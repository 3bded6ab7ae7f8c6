"""Our IMAP source, as tests use it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mailquery.domain.accounts import Security, Server
from mailquery.sources.credentials import Credential, CredentialKind
from mailquery.sources.imap.connection import ImapConnection
from mailquery.sources.imap.limits import Limits
from mailquery.sources.imap.server import ImapServer
from support.dovecot import PASSWORD, USER

QUICK = Limits(connect=5.0, read=1.0, command=2.0)  # for servers that do not answer on purpose
PATIENT = Limits(connect=30.0, read=30.0, command=60.0)  # for real ones, on a busy machine


class Fixed:
    """A credential, and the one that there is when it was refused."""

    def __init__(self, secret: str, *, token: bool = False, then: str | None = None) -> None:
        self._kind = CredentialKind.TOKEN if token else CredentialKind.PASSWORD
        self._secret = secret
        self._then = then

    async def current(self) -> Credential:
        return Credential(self._kind, self._secret)

    async def instead_of(self, rejected: Credential) -> Credential | None:
        return None if self._then is None else Credential(self._kind, self._then)


def plain(port: int) -> Server:
    return Server("127.0.0.1", port, Security.NONE)


def imap(server: Server, *, user: str = USER, credentials: Fixed | None = None, limits: Limits = PATIENT) -> ImapServer:
    return ImapServer(server, user, credentials or Fixed(PASSWORD), limits)


@asynccontextmanager
async def connected(server: ImapServer) -> AsyncIterator[ImapConnection]:
    connection = await server.connect()
    try:
        yield connection
    finally:
        await connection.close()

"""Whether a login works, and if not, why."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mailquery.domain.accounts import MailAccount, Server
from mailquery.services.accounts.login_failures import explained, reason_of
from mailquery.sources.credentials import CredentialSource
from mailquery.sources.discovery.provider_table import KNOWN
from mailquery.sources.discovery.providers import Provider
from mailquery.sources.remote import MailServer, Reason
from mcpkit.errors import Fault

Connector = Callable[[MailAccount, CredentialSource], MailServer]
Fingerprint = Callable[[Server], Awaitable[str]]  # of the certificate that a server shows; empty where none


@dataclass(frozen=True, slots=True)
class LoginChecked:
    """`mailboxes` is how many the account has that can be opened."""

    mailboxes: int


class CheckLogin:
    def __init__(self, connect: Connector, fingerprint: Fingerprint) -> None:
        self._connect = connect
        self._fingerprint = fingerprint

    async def __call__(self, account: MailAccount, credential: CredentialSource) -> LoginChecked:
        """Logs in, lists the mailboxes, and logs out: nothing is changed, and no mail is read. Raises Fault as
        `sources.remote` says and the credential's source does, with what helps."""
        try:
            connection = await self._connect(account, credential).connect()
            try:
                listed = await connection.mailboxes()
            finally:
                await asyncio.shield(connection.close())
        except Fault as fault:
            refused = reason_of(fault) is Reason.CERTIFICATE
            shown = await self._fingerprint(account.server) if refused else ""
            raise explained(fault, account, provider_of(account), shown) from fault
        return LoginChecked(sum(mailbox.selectable for mailbox in listed))


def provider_of(account: MailAccount) -> Provider | None:
    """By the domain of the address where the server is that provider's, else by the server."""
    by_domain = KNOWN.of_domain(account.address.rpartition("@")[2].lower())
    if by_domain is not None and by_domain.server is not None and by_domain.server.host == account.server.host:
        return by_domain
    return KNOWN.of_host(account.server.host)

"""The credential of an account, from where the account says that it is."""

import shlex
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from mailquery.domain.accounts import Login, MailAccount, OAuthClient
from mailquery.sources.credentials import Credential, CredentialKind, CredentialSource
from mailquery.sources.remote import Reason
from mcpkit.errors import ErrorCode, Fault

IMAP_PASSWORD = "imap password"  # the purpose under which it is sealed  # noqa: S105 - a name
LONGEST_PASSWORD = 16_384  # characters

RunCommand = Callable[[str], Awaitable[str]]  # gives the password that a command prints


class Secrets(Protocol):
    """Where secrets are sealed (`mcpkit.security.secrets.store.SecretStore`)."""

    async def put(self, purpose: str, name: str, secret: str) -> None: ...

    async def get(self, purpose: str, name: str) -> str | None: ...

    async def delete(self, purpose: str, name: str) -> bool: ...


class AccountTokens(Protocol):
    """The OAuth tokens of accounts, renewed as they are needed."""

    def of(self, account: MailAccount) -> CredentialSource: ...

    async def forget(self, account: MailAccount) -> None:
        """Whether or not there are any."""
        ...


@dataclass(frozen=True, slots=True)
class NewLogin:
    """How somebody wants to log in from now on. `source` gives the credential, which is not stored yet; `keep` stores
    it under the name of the account."""

    login: Login
    source: CredentialSource
    keep: Callable[[str], Awaitable[None]]
    password_command: str = ""
    oauth: OAuthClient | None = None

    def of(self, account: MailAccount) -> MailAccount:
        """The account with this login."""
        return replace(account, login=self.login, password_command=self.password_command, oauth=self.oauth)


class AccountCredentials:
    def __init__(self, secrets: Secrets, run_command: RunCommand, tokens: AccountTokens) -> None:
        self._secrets = secrets
        self._run_command = run_command
        self._tokens = tokens

    def of(self, account: MailAccount) -> CredentialSource:
        if account.login is Login.COMMAND:
            return _CommandPassword(account.password_command, self._run_command)
        if account.login is Login.OAUTH:
            return self._tokens.of(account)
        return _StoredPassword(account.name, self._secrets)

    def by_password(self, password: str) -> NewLogin:
        """Raises Fault VALIDATION_ERROR for what cannot be one."""
        given = checked_password(password)

        async def keep(name: str) -> None:
            await self._secrets.put(IMAP_PASSWORD, name, given)

        return NewLogin(Login.PASSWORD, Given(Credential(CredentialKind.PASSWORD, given)), keep)

    def by_command(self, command: str) -> NewLogin:
        async def keep(_: str) -> None:
            """The command is kept with the account, and what it prints nowhere."""

        return NewLogin(Login.COMMAND, _CommandPassword(command, self._run_command), keep, password_command=command)

    async def forget(self, account: MailAccount) -> None:
        """Everything that is stored to log in with."""
        await self.forget_password(account)
        await self.forget_tokens(account)

    async def forget_password(self, account: MailAccount) -> None:
        await self._secrets.delete(IMAP_PASSWORD, account.name)

    async def forget_tokens(self, account: MailAccount) -> None:
        if account.login is Login.OAUTH:
            await self._tokens.forget(account)


class Given:
    """A credential that is not stored yet."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    async def current(self) -> Credential:
        return self._credential

    async def instead_of(self, rejected: Credential) -> Credential | None:
        return None


class _StoredPassword:
    def __init__(self, name: str, secrets: Secrets) -> None:
        self._name = name
        self._secrets = secrets

    async def current(self) -> Credential:
        password = await self._secrets.get(IMAP_PASSWORD, self._name)
        if password is None:
            raise Fault(
                ErrorCode.LOGIN_FAILED,
                f"No password is stored for {self._name}. Give one: mailquery accounts login {shlex.quote(self._name)}",
                details={"reason": Reason.LOGIN.value},
            )
        return Credential(CredentialKind.PASSWORD, password)

    async def instead_of(self, rejected: Credential) -> Credential | None:
        """One that was stored meanwhile, by another process."""
        now = await self.current()
        return None if now == rejected else now


class _CommandPassword:
    """It is run at each login: what it prints is kept nowhere."""

    def __init__(self, command: str, run: RunCommand) -> None:
        self._command = command
        self._run = run

    async def current(self) -> Credential:
        return Credential(CredentialKind.PASSWORD, await self._run(self._command))

    async def instead_of(self, rejected: Credential) -> Credential | None:
        now = await self.current()
        return None if now == rejected else now


def checked_password(password: str) -> str:
    """Raises Fault VALIDATION_ERROR for what cannot be one."""
    if not password:
        raise Fault(ErrorCode.VALIDATION_ERROR, "The password is empty.", details={"argument": "password"})
    if len(password) > LONGEST_PASSWORD or any(mark in password for mark in "\0\r\n"):
        raise Fault(
            ErrorCode.VALIDATION_ERROR,
            f"A password is one line of at most {LONGEST_PASSWORD:,} characters.",
            details={"argument": "password"},
        )
    return password

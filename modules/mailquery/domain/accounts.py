"""A mail account on a server: where its mail is, how one logs in, and what is fetched of it.

Nothing here is secret. The credential of an account is kept sealed, under the account's name
(`mcpkit.security.secrets.store`).
"""

from dataclasses import dataclass
from enum import StrEnum

LARGEST_MESSAGE = 20 * 1024 * 1024  # bytes of a message that is fetched whole


class Security(StrEnum):
    """How the connection is protected (RFC 8314)."""

    TLS = "tls"  # from the first byte on
    STARTTLS = "starttls"  # from a command on, before anything else is said
    NONE = "none"  # to this machine only


class Login(StrEnum):
    """Where the credential comes from."""

    PASSWORD = "password"  # stored, sealed  # noqa: S105 - a name
    COMMAND = "command"  # the first line that a command prints
    OAUTH = "oauth"  # a token, refreshed as it is needed


class WhenGone(StrEnum):
    """What becomes of a message that is on the server no more."""

    KEEP = "keep"  # it stays as it is, and is marked
    HIDE = "hide"  # it is marked, and found only by those who ask for it (`is:gone`)
    REMOVE = "remove"  # it is taken out of the archive


class AccountState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"  # by the user
    NEEDS_LOGIN = "needs_login"  # the server refuses the credential: nothing is tried until there is another


@dataclass(frozen=True, slots=True)
class Server:
    """An IMAP server. `pinned` is the SHA-256 of its certificate (64 hexadecimal digits) where that is trusted as such,
    whoever signed it; empty is what the system trusts."""

    host: str
    port: int
    security: Security = Security.TLS
    pinned: str = ""


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """Who we are to an authorization server, and where it is. A client's secret, where it has one, is kept with the
    tokens. `device_url` is empty where it has no device flow."""

    provider: str  # google, microsoft, or the issuer's URL
    client_id: str
    authorization_url: str
    token_url: str
    device_url: str = ""
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MailAccount:
    """`name` is that of the archive's account. `include` and `exclude` are patterns of mailbox names
    (`sources.patterns`): all but the excluded ones where `include` is empty. `largest` is in bytes: of a message above
    it, headers and text are fetched, and the rest on demand."""

    name: str
    address: str
    server: Server
    username: str
    login: Login
    password_command: str = ""
    oauth: OAuthClient | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    when_gone: WhenGone = WhenGone.HIDE
    largest: int = LARGEST_MESSAGE
    state: AccountState = AccountState.ACTIVE
    state_reason: str = ""  # a sentence, where the state is not ACTIVE

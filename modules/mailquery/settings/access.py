"""Who may call, what they need consent for, what is recorded of it, and how secrets are kept."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from mailquery.settings.group import Group, words
from mcpkit.security.authentication.urls import check_url

Strategy = Literal["api-keys", "jwt", "introspection"]
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
ConsentMode = Literal["ask", "granted", "deny"]


class Introspection(Group):
    """How the authorization server is asked about a token (RFC 7662). `url` empty is what its metadata says."""

    url: str = ""
    client_id: str = ""
    client_secret: SecretStr | None = None
    cache_seconds: float = Field(default=30.0, ge=0, le=300)

    @field_validator("url")
    @classmethod
    def _safe(cls, url: str) -> str:
        return _safe_url(url)


class Auth(Group):
    """Who may call over HTTP. `strategies` are those that are on; `users` names the accounts that each user may see.
    `resource` is the public URL of this server's /mcp, which OAuth tokens must be meant for; empty is the address that
    it listens at. The claims are those of OAuth tokens, and with an `accounts_claim` they narrow what a user sees."""

    strategies: Annotated[tuple[Strategy, ...], NoDecode] = ()
    users: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    resource: str = ""
    issuer: str = ""
    jwks_url: str = ""  # empty is what the issuer's metadata says
    algorithms: Annotated[tuple[Algorithm, ...], NoDecode] = ("RS256", "PS256", "ES256", "EdDSA")
    clock_skew_seconds: float = Field(default=60.0, ge=0, le=300)
    user_claim: str = Field(default="sub", min_length=1)
    scope_claim: str = Field(default="scope", min_length=1)
    client_claim: str = Field(default="client_id", min_length=1)
    accounts_claim: str = ""
    introspection: Introspection = Introspection()

    @field_validator("strategies", "algorithms", mode="before")
    @classmethod
    def _separated(cls, given: object) -> object:
        return words(given)

    @field_validator("issuer", "jwks_url", "resource")
    @classmethod
    def _safe(cls, url: str) -> str:
        return _safe_url(url)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.uses_oauth and not self.issuer:
            raise ValueError("jwt and introspection need `issuer`, the authorization server's")
        if "jwt" in self.strategies and not self.algorithms:
            raise ValueError("jwt needs at least one of `algorithms`")
        if "introspection" in self.strategies:
            asked = self.introspection
            if not asked.client_id or asked.client_secret is None:
                raise ValueError("introspection needs `introspection.client_id` and `introspection.client_secret`")
        return self

    @property
    def uses_oauth(self) -> bool:
        return "jwt" in self.strategies or "introspection" in self.strategies


class Consent(Group):
    """Who decides whether an assistant may use the mail, over each transport: `ask` the person at the client, `granted`
    by the operator (over HTTP with who did so, and why), or `deny`. What is in `always_ask` is asked for even where the
    rest is granted. A consent can last `days`, and a "no" is remembered for `refusal_minutes`. For `taint_minutes`
    after mail was shown to a client, what is sensitive needs new consent if `taint_http` or `taint_stdio` is set."""

    http: ConsentMode = "ask"
    stdio: ConsentMode = "granted"
    granted_by: str = Field(default="", max_length=200)
    reason: str = Field(default="", max_length=500)
    always_ask: tuple[str, ...] = ("mail:secrets",)
    days: int = Field(default=30, ge=1, le=365)
    refusal_minutes: int = Field(default=60, ge=0, le=7 * 24 * 60)
    taint_http: bool = True
    taint_stdio: bool = False
    taint_minutes: int = Field(default=30, ge=1, le=24 * 60)

    @model_validator(mode="after")
    def _accounted_for(self) -> Self:
        if self.http == "granted" and not (self.granted_by.strip() and self.reason.strip()):
            raise ValueError("http: granted needs granted_by (who chose it) and reason (why), which are recorded")
        return self


class Audit(Group):
    """What is recorded of every call. `durability` is what a record has survived before its answer leaves: the end of
    the process, or a power cut (which waits for the disk). `queries` keeps what was searched for, too. `file` and
    `syslog` (the path of a socket, or HOST:PORT over UDP) get every record besides the database."""

    on_failure: Literal["stop", "continue"] = "stop"
    durability: Literal["process", "power"] = "process"
    queries: bool = False
    key_file: Path | None = None  # None is audit.key in the archive's folder
    file: Path | None = None
    syslog: str = ""

    @field_validator("key_file", "file")
    @classmethod
    def _expanded(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().absolute()

    @field_validator("syslog")
    @classmethod
    def _known_address(cls, written: str) -> str:
        if written:
            from mcpkit.security.audit.copies import is_syslog_address

            if not is_syslog_address(written):
                raise ValueError("must be the path of a socket such as /dev/log, or HOST:PORT")
        return written


class Secrets(Group):
    """Where the master key is kept that seals stored credentials. MAILQUERY_MASTER_KEY goes before either."""

    master_key_in: Literal["file", "keyring"] = "file"
    master_key_file: Path | None = None  # None is master.key in the archive's folder

    @field_validator("master_key_file")
    @classmethod
    def _expanded(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().absolute()


def _safe_url(url: str) -> str:
    return check_url(url) if url else url

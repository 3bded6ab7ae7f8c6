"""Every setting of mailquery, with its default. `mailquery config show` lists them and where each value came from."""

import json
import os
import re
from datetime import date, datetime, time
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from mailquery.domain.media import Kind
from mailquery.domain.policy import HeaderRule, HeaderTest, Policy, compile_pattern
from mailquery.domain.relevance import Weights
from mcpkit.config import LayeredSettings, Loaded
from mcpkit.config import load_settings as load_layers
from mcpkit.logs import Form, Level
from mcpkit.security.authentication.urls import check_url

_CONFIG_FOLDER = "MAILQUERY_CONFIG_DIR"
# Variables of the project's own scripts, which are no settings.
_OF_SCRIPTS = frozenset({_CONFIG_FOLDER, "MAILQUERY_BENCH_DIR", "MAILQUERY_TEST_WORKERS"})
# Variables that begin with a tool's name set its arguments (`mcpkit.protocol.parameters`), and are read with the tools.
TOOLS = (
    "search_messages",
    "find_similar",
    "read_message",
    "read_thread",
    "list_mailboxes",
    "list_accounts",
    "list_attachments",
    "get_attachment",
    "mail_statistics",
    "response_times",
    "awaiting_reply",
    "find_people",
    "get_defaults",
    "set_default",
)
_OF_TOOLS = tuple(f"MAILQUERY_{tool.upper()}_" for tool in TOOLS)
_CHECKOUT = Path(__file__).resolve().parents[2]


_FIELD_NAME = r"^[!-9;-~]{1,100}$"  # RFC 5322, section 2.2
_LONGEST_RULE = 1_000  # characters
_DOMAIN = re.compile(r"@?[^\s@./]+(?:\.[^\s@./]+)*\.?")
_MEDIA_TYPE = re.compile(r"[a-zA-Z0-9][\w!#$&^.+-]*/(?:\*|[a-zA-Z0-9][\w!#$&^.+-]*)", re.ASCII)
Name = Annotated[str, Field(min_length=1, max_length=_LONGEST_RULE, pattern=r"\S")]


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HttpServer(_Group):
    """The HTTP transport."""

    host: str = "127.0.0.1"
    port: int = Field(default=8765, ge=0, le=65535)
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    max_body_bytes: int = Field(default=4 * 1024 * 1024, ge=1024)
    body_seconds: float = Field(default=30.0, gt=0)
    max_connections: int = Field(default=1024, ge=1)
    max_sessions: int = Field(default=1000, ge=1)
    session_idle_seconds: float = Field(default=1800.0, gt=0)
    trusted_proxies: tuple[str, ...] = ()


class CallerLimits(_Group):
    """Of one caller; null is no limit. `burst` is how many requests may come at once, `concurrent` how many may run."""

    requests_per_minute: int | None = Field(default=None, ge=1)
    burst: int = Field(default=60, ge=1)
    concurrent: int | None = Field(default=None, ge=1)
    characters_per_hour: int | None = Field(default=None, ge=1_000)


class RateLimiting(_Group):
    """`principal` limits each user over HTTP, and over STDIO too where `stdio` is set; `address` limits each address
    from which HTTP requests come, other than this machine. With `redis_url` several processes count together."""

    principal: CallerLimits = CallerLimits(
        requests_per_minute=600, burst=120, concurrent=32, characters_per_hour=10_000_000
    )
    address: CallerLimits = CallerLimits(requests_per_minute=1_200, burst=240, concurrent=128)
    stdio: bool = False
    redis_url: SecretStr | None = None


Strategy = Literal["api-keys", "jwt", "introspection"]
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class Introspection(_Group):
    """How the authorization server is asked about a token (RFC 7662). `url` empty is what its metadata says."""

    url: str = ""
    client_id: str = ""
    client_secret: SecretStr | None = None
    cache_seconds: float = Field(default=30.0, ge=0, le=300)

    @field_validator("url")
    @classmethod
    def _safe(cls, url: str) -> str:
        return _safe_url(url)


class Auth(_Group):
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
        return _words(given)

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


class Answers(_Group):
    """How much an answer may hold where the caller does not say."""

    max_chars: int = Field(default=20_000, ge=1_000, le=200_000)
    attachment_bytes: int = Field(default=1024 * 1024, ge=1)


class Archive(_Group):
    """The database. `readers` None is one for each core; `read_seconds` is the time limit of one query."""

    readers: int | None = Field(default=None, ge=1, le=64)
    read_seconds: float = Field(default=5.0, gt=0)


class Importing(_Group):
    """`workers` None is one parser process for each core."""

    workers: int | None = Field(default=None, ge=1, le=64)


def _words(given: object) -> object:
    """A variable holds several words with commas between, or as JSON."""
    if not isinstance(given, str):
        return given
    return json.loads(given) if given.lstrip().startswith("[") else given.replace(",", " ").split()


def _safe_url(url: str) -> str:
    return check_url(url) if url else url


Weight = Annotated[float, Field(ge=0, le=1000)]
_DEFAULT = Weights()


class Ranking(_Group):
    """What relevance is made of. The first five weigh the places in which words stand (BM25); the others weigh how many
    of the words a message has, their BM25, its nearness in meaning, and its age, against each other."""

    subject: Weight = _DEFAULT.subject
    participants: Weight = _DEFAULT.participants
    body: Weight = _DEFAULT.body
    quoted: Weight = _DEFAULT.quoted
    attachments: Weight = _DEFAULT.attachments
    words: Weight = _DEFAULT.words
    text: Weight = _DEFAULT.text
    meaning: Weight = _DEFAULT.meaning
    recency: Weight = _DEFAULT.recency


class Meaning(_Group):
    """Search by meaning. `model` says what embeds: `static` is word vectors that need no network,
    `sentence-transformer` a model of that library (`name` is its folder or name), `openai` any endpoint that speaks
    OpenAI's embeddings API (`base_url` up to /v1, `name` of the model). `dimensions` are asked for where the model can
    shorten its vectors; `batch` is how many texts it is given at once, and `timeout_seconds` how long it may take."""

    enabled: bool = True
    model: Literal["static", "sentence-transformer", "openai"] = "static"
    name: str = ""
    base_url: str = "https://api.openai.com/v1"
    api_key: SecretStr | None = None
    dimensions: int | None = Field(default=None, ge=8, le=8192)
    batch: int = Field(default=64, ge=1, le=2048)
    timeout_seconds: float = Field(default=30.0, gt=0)


class Awaiting(_Group):
    """`days` is how long a message of ours is without an answer before it counts as waiting."""

    days: int = Field(default=3, ge=0, le=3_650)


class HeaderMatch(_Group):
    """A rule on a header field: its `name`, and one of the others. `exact` and `contains` ignore case; `regex` is of
    RE2 (https://github.com/google/re2/wiki/Syntax) and is looked for anywhere in the value."""

    name: str = Field(pattern=_FIELD_NAME)
    exact: str | None = Field(default=None, min_length=1, max_length=_LONGEST_RULE)
    contains: str | None = Field(default=None, min_length=1, max_length=_LONGEST_RULE)
    regex: str | None = Field(default=None, min_length=1, max_length=_LONGEST_RULE)

    @model_validator(mode="after")
    def _one_test(self) -> "HeaderMatch":
        if len(self._given()) != 1:
            raise ValueError("a header rule needs exactly one of exact, contains and regex beside its name")
        if self.regex is not None:
            try:
                compile_pattern(self.regex)
            except ValueError as error:
                raise ValueError(f"the regex is none of RE2: {error}") from None
        return self

    def _given(self) -> list[tuple[HeaderTest, str]]:
        given = ((HeaderTest.EXACT, self.exact), (HeaderTest.CONTAINS, self.contains), (HeaderTest.REGEX, self.regex))
        return [(test, value) for test, value in given if value is not None]

    def rule(self) -> HeaderRule:
        ((test, value),) = self._given()
        return HeaderRule(self.name, test, value)


class OperatorPolicy(_Group):
    """What nobody may see or use, whoever asks and by whatever transport. Mail that any of the `denied_` rules covers,
    or that is older than `date_floor` (midnight in `time_zone`), does not exist for a reader. `allowed_tools` None is
    all of them. Content of `denied_attachment_types` (kinds such as archive, MIME types, or image/*) is not given out.
    """

    allowed_tools: tuple[str, ...] | None = None
    denied_accounts: tuple[Name, ...] = ()
    denied_mailboxes: tuple[Name, ...] = ()
    denied_labels: tuple[Name, ...] = ()
    denied_senders: tuple[Name, ...] = ()
    denied_domains: tuple[Name, ...] = ()
    denied_headers: tuple[HeaderMatch, ...] = ()
    date_floor: date | None = None
    denied_attachment_types: tuple[Name, ...] = ()

    @field_validator("denied_senders")
    @classmethod
    def _addresses(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for entry in given:
            local, at, domain = entry.rpartition("@")
            if not (local and at and domain) or any(map(str.isspace, entry)):
                raise ValueError("each must be an address such as ana@example.com; domains belong to denied_domains")
        return given

    @field_validator("denied_domains")
    @classmethod
    def _domains(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for entry in given:
            if not _DOMAIN.fullmatch(entry):
                raise ValueError("each must be a domain such as example.com, which covers its subdomains too")
        return given

    @field_validator("denied_attachment_types")
    @classmethod
    def _types(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        kinds = [kind.value for kind in Kind]
        for entry in given:
            if not _MEDIA_TYPE.fullmatch(entry) and entry not in kinds:
                close = get_close_matches(entry, kinds, n=1, cutoff=0.5)
                hint = f"did you mean {close[0]}?" if close else f"kinds are {', '.join(kinds)}"
                raise ValueError(f"each must be a kind, a MIME type such as application/zip, or image/*; {hint}")
        return tuple(entry.lower() for entry in given)

    def policy(self, zone: ZoneInfo) -> Policy:
        floor = self.date_floor
        return Policy(
            accounts=self.denied_accounts,
            mailboxes=(*self.denied_mailboxes, *self.denied_labels),
            senders=self.denied_senders,
            domains=self.denied_domains,
            headers=tuple(match.rule() for match in self.denied_headers),
            date_floor=None if floor is None else int(datetime.combine(floor, time(), zone).timestamp()),
            attachment_types=self.denied_attachment_types,
        )


class Mail(_Group):
    """`trusted_authserv_ids` are the names of the mail servers whose Authentication-Results are believed (RFC 8601,
    section 2.5): those of the provider, which takes out forged ones before it adds its own."""

    trusted_authserv_ids: tuple[str, ...] = ()


class Audit(_Group):
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


class Secrets(_Group):
    """Where the master key is kept that seals stored credentials. MAILQUERY_MASTER_KEY goes before either."""

    master_key_in: Literal["file", "keyring"] = "file"
    master_key_file: Path | None = None  # None is master.key in the archive's folder

    @field_validator("master_key_file")
    @classmethod
    def _expanded(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().absolute()


class Log(_Group):
    """`level` None is "info" over HTTP and "warning" over STDIO."""

    level: Level | None = None
    form: Form = "auto"


class Settings(LayeredSettings):
    prefix: ClassVar[str] = "MAILQUERY_"

    home: Path = Field(default_factory=lambda: _user_data_folder())
    user: str | None = None  # None is the login name
    me: Annotated[tuple[str, ...], NoDecode] = ()  # addresses and @domains; empty is what the sent mail tells
    time_zone: str = ""  # empty is the machine's
    http: HttpServer = HttpServer()
    auth: Auth = Auth()
    answers: Answers = Answers()
    archive: Archive = Archive()
    importing: Importing = Importing()
    meaning: Meaning = Meaning()
    ranking: Ranking = Ranking()
    awaiting: Awaiting = Awaiting()
    policy: OperatorPolicy = OperatorPolicy()
    mail: Mail = Mail()
    limits: RateLimiting = RateLimiting()
    audit: Audit = Audit()
    secrets: Secrets = Secrets()
    master_key: SecretStr | None = None  # 32 bytes as base64 or hex
    previous_master_key: SecretStr | None = None  # while a rotation of the other goes on
    log: Log = Log()

    @field_validator("home")
    @classmethod
    def _expanded(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @field_validator("me", mode="before")
    @classmethod
    def _separated(cls, given: object) -> object:
        return _words(given)

    @field_validator("me")
    @classmethod
    def _addresses(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for entry in given:
            if entry.count("@") != 1 or entry.endswith("@") or any(map(str.isspace, entry)):
                raise ValueError("each must be an address such as ana@example.com, or a domain such as @example.com")
        return given

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name:
            try:
                ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError):
                raise ValueError(f"{name!r} is no time zone; write it like Europe/Berlin or Asia/Seoul") from None
        return name

    @property
    def archive_path(self) -> Path:
        return self.home / "archive.db"

    @property
    def control_path(self) -> Path:
        return self.home / "control.db"

    @property
    def audit_key_path(self) -> Path:
        return self.audit.key_file or self.home / "audit.key"

    @property
    def zone(self) -> ZoneInfo:
        """The user's time zone, in which a day begins and ends."""
        return ZoneInfo(self.time_zone) if self.time_zone else _machine_zone()


def load_settings_with_layers() -> Loaded[Settings]:
    """Settings, and for each value the layer that it came from. Raises Fault CONFIGURATION."""
    named = os.environ.get(_CONFIG_FOLDER)
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in _OF_SCRIPTS and not name.upper().startswith(_OF_TOOLS)
    }
    return load_layers(Settings, Path(named) if named else _CHECKOUT / "config", environ=environ)


def load_settings() -> Settings:
    """Raises Fault CONFIGURATION."""
    return load_settings_with_layers().settings


def _user_data_folder() -> Path:
    from platformdirs import user_data_path  # costs time at the start and is not needed where the home is set

    return user_data_path("mailquery", appauthor=False)


def _machine_zone() -> ZoneInfo:
    import tzlocal

    return tzlocal.get_localzone()

"""Every setting of mailquery, with its default. `mailquery config show` lists them and where each value came from."""

import os
from pathlib import Path
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from mailquery.settings.access import Audit, Auth, Consent, Secrets
from mailquery.settings.accounts import Discovery
from mailquery.settings.extracting import Extraction
from mailquery.settings.group import words
from mailquery.settings.oauth import OAuth
from mailquery.settings.policy import OperatorPolicy
from mailquery.settings.reading import Answers, Archive, Awaiting, Cache, Importing, Mail, Meaning, Ranking
from mailquery.settings.serving import HttpServer, Log, Metrics, RateLimiting, Tracing
from mailquery.settings.synchronising import Sync
from mailquery.tools import TOOLS
from mcpkit.config import LayeredSettings, Loaded, dotenv_variables
from mcpkit.config import load_settings as load_layers

_CONFIG_FOLDER = "MAILQUERY_CONFIG_DIR"
ACCOUNT_PASSWORD = "MAILQUERY_ACCOUNT_PASSWORD"  # that `mailquery accounts` is given  # noqa: S105 - a name
# Variables of the project's own scripts and of single commands, which are no settings.
_OF_SCRIPTS = frozenset(
    {_CONFIG_FOLDER, ACCOUNT_PASSWORD, "MAILQUERY_BENCH_DIR", "MAILQUERY_TEST_FUZZED", "MAILQUERY_TEST_WORKERS"}
)
# Variables that begin with a tool's name set its arguments (`mcpkit.protocol.parameters`), and are read with the tools.
_OF_TOOLS = tuple(f"MAILQUERY_{tool.upper()}_" for tool in TOOLS)
_PACKAGE = Path(__file__).resolve().parents[1]


class Settings(LayeredSettings):
    prefix: ClassVar[str] = "MAILQUERY_"

    home: Path = Field(default_factory=lambda: _user_data_folder())
    user: str | None = None  # None is the login name
    me: Annotated[tuple[str, ...], NoDecode] = ()  # addresses and @domains; empty is what the sent mail tells
    time_zone: str = ""  # empty is the machine's
    http: HttpServer = HttpServer()
    auth: Auth = Auth()
    oauth: OAuth = OAuth()
    answers: Answers = Answers()
    archive: Archive = Archive()
    cache: Cache = Cache()
    importing: Importing = Importing()
    sync: Sync = Sync()
    discovery: Discovery = Discovery()
    meaning: Meaning = Meaning()
    extraction: Extraction = Extraction()
    ranking: Ranking = Ranking()
    awaiting: Awaiting = Awaiting()
    consent: Consent = Consent()
    policy: OperatorPolicy = OperatorPolicy()
    mail: Mail = Mail()
    limits: RateLimiting = RateLimiting()
    audit: Audit = Audit()
    metrics: Metrics = Metrics()
    tracing: Tracing = Tracing()
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
        return words(given)

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
    named = environment().get(_CONFIG_FOLDER)
    return load_layers(Settings, Path(named) if named else _shipped(), apart=_is_no_setting)


def load_settings() -> Settings:
    """Raises Fault CONFIGURATION."""
    return load_settings_with_layers().settings


def environment() -> dict[str, str]:
    """The variables of `.env` in the current folder, and those of the process, which go before them unless they are
    empty."""
    return dotenv_variables(Path(".env")) | {name: value for name, value in os.environ.items() if value}


def _is_no_setting(variable: str) -> bool:
    return variable in _OF_SCRIPTS or variable.startswith(_OF_TOOLS)


def _shipped() -> Path:
    """The folder `config` of the checkout, or of the installed package, which holds a copy of it."""
    checkout = _PACKAGE.parents[1] / "config"
    return checkout if (checkout / "base.yaml").is_file() else _PACKAGE / "config"


def _user_data_folder() -> Path:
    from platformdirs import user_data_path  # costs time at the start and is not needed where the home is set

    return user_data_path("mailquery", appauthor=False)


def _machine_zone() -> ZoneInfo:
    import tzlocal

    return tzlocal.get_localzone()

"""How the server listens, what callers may ask of it, and what it logs."""

from pydantic import Field, SecretStr

from mailquery.settings.group import Group
from mcpkit.logs import Form, Level


class HttpServer(Group):
    """The HTTP transport. The limits are those of each of the `workers`, which are processes. A server that is told to
    end goes on for `drain_seconds`, while it says that it is not ready, and then has `shutdown_seconds` for what runs.
    One of several workers that shows no sign of life for `hanging_seconds`, or does not answer within
    `starting_seconds` of its start, is ended, and another is started."""

    host: str = "127.0.0.1"
    port: int = Field(default=8765, ge=0, le=65535)
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    max_body_bytes: int = Field(default=4 * 1024 * 1024, ge=1024)
    body_seconds: float = Field(default=30.0, gt=0)
    head_seconds: float = Field(default=15.0, gt=0)
    unread_seconds: float = Field(default=60.0, gt=0)
    max_connections: int = Field(default=1024, ge=1)
    max_sessions: int = Field(default=1000, ge=1)
    session_idle_seconds: float = Field(default=1800.0, gt=0)
    trusted_proxies: tuple[str, ...] = ()
    workers: int = Field(default=1, ge=1, le=256)
    hanging_seconds: float = Field(default=30.0, ge=1, le=3600)
    starting_seconds: float = Field(default=600.0, ge=1, le=86_400)
    drain_seconds: float = Field(default=0.0, ge=0, le=3600)
    shutdown_seconds: float = Field(default=8.0, ge=0, le=3600)


class CallerLimits(Group):
    """Of one caller; null is no limit. `burst` is how many requests may come at once, `concurrent` how many may run."""

    requests_per_minute: int | None = Field(default=None, ge=1)
    burst: int = Field(default=60, ge=1)
    concurrent: int | None = Field(default=None, ge=1)
    characters_per_hour: int | None = Field(default=None, ge=1_000)


class RateLimiting(Group):
    """`principal` limits each user over HTTP, and over STDIO too where `stdio` is set; `address` limits each address
    from which HTTP requests come, other than this machine. With `redis_url` several servers count together."""

    principal: CallerLimits = CallerLimits(
        requests_per_minute=600, burst=120, concurrent=32, characters_per_hour=10_000_000
    )
    address: CallerLimits = CallerLimits(requests_per_minute=1_200, burst=240, concurrent=128)
    stdio: bool = False
    redis_url: SecretStr | None = None


class Metrics(Group):
    """Figures for Prometheus, at `/metrics` of a port of their own; `port` None is none. Whoever reaches it sees which
    tools are called how often, how many accounts are in step, and the names of the mail servers: nothing of mail."""

    host: str = "127.0.0.1"
    port: int | None = Field(default=None, ge=0, le=65535)


class Tracing(Group):
    """Traces for OpenTelemetry, by OTLP over HTTP. `endpoint` is the collector's address, such as
    http://127.0.0.1:4318; without it, and without OTEL_EXPORTER_OTLP_ENDPOINT, there are none. `sample_ratio` is the
    share of calls that are traced, where the caller has not decided it; None is all, or what OTEL_TRACES_SAMPLER says.
    All else is set by the variables of OpenTelemetry."""

    endpoint: str | None = Field(default=None, pattern=r"^https?://[^\s/]+")
    sample_ratio: float | None = Field(default=None, ge=0, le=1)


class Log(Group):
    """`level` None is "info" over HTTP and "warning" over STDIO."""

    level: Level | None = None
    form: Form = "auto"

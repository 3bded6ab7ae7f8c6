"""How mail is brought in from servers."""

from pydantic import Field

from mailquery.settings.group import Group


class SyncTimeouts(Group):
    """Seconds. `read` is how long a server may send nothing, `command` how long one answer may take altogether."""

    connect: float = Field(default=15.0, gt=0)
    read: float = Field(default=60.0, gt=0)
    command: float = Field(default=300.0, gt=0)
    idle: float = Field(default=1_500.0, gt=0, le=1_740)  # RFC 2177: anew before 29 minutes are over


class SyncBreaker(Group):
    """When a host is left alone: after `failures` connections in a row that failed, for `seconds`, and for twice as
    long after each further one, up to `longest_seconds`. Meanwhile `probes` at a time may try."""

    failures: int = Field(default=5, ge=1)
    seconds: float = Field(default=60.0, gt=0)
    longest_seconds: float = Field(default=300.0, gt=0)
    probes: int = Field(default=1, ge=1, le=16)


class Sync(Group):
    """`background` is whether a server that runs synchronises by itself: every `interval_seconds`, and at once where
    the mail server announces new mail and `idle` is set; `accounts_at_once` side by side. `connections` are those to
    one mail server at a time, and `batch_bytes` of mail are asked for at once on each. `fresh_seconds` is how long a
    search that wants what is new waits for it. A message of at most `fetched_bytes` is fetched whole when an attachment
    is asked for that was left on the server. A synchronisation that lasts longer than `longest_seconds` ends
    with what it has stored, and the next one goes on: a server that answers just fast enough would keep it for ever."""

    background: bool = True
    interval_seconds: float = Field(default=300.0, ge=10)
    idle: bool = True
    accounts_at_once: int = Field(default=3, ge=1, le=64)
    connections: int = Field(default=4, ge=1, le=16)
    batch_bytes: int = Field(default=4 * 1024 * 1024, ge=64 * 1024)
    fresh_seconds: float = Field(default=5.0, gt=0, le=60)
    fetched_bytes: int = Field(default=100_000_000, ge=1_000_000)
    longest_seconds: float = Field(default=86_400.0, gt=0)
    timeouts: SyncTimeouts = SyncTimeouts()
    breaker: SyncBreaker = SyncBreaker()

"""What is recorded of each call: who asked for what, what was decided, and how much went out. Never content."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

logger = logging.getLogger(__name__)

UNKNOWN = "(unknown)"  # in place of names that nobody declared: they are the caller's text


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """`arguments` maps the names of arguments to the sizes of their values (characters of compact JSON), and `values`
    has those few that the operator wants kept. `decision` is allowed, asked (the call ended with a question to the
    person), denied, failed or cancelled, and `reason` what it rests on. `credential` is what the caller was known by
    (the id of an API key, a client of the authorization server), `client` what the client calls itself. `address` is
    where a request came from that was refused before it was a call. `duration` is in seconds, `characters` the size of
    the reply, and `time` when the call began (RFC 3339, UTC)."""

    kind: str
    name: str
    user: str
    client: str
    transport: str
    request_id: str
    decision: str
    time: str = field(default_factory=_now)
    credential: str = ""
    address: str = ""
    protocol_version: str = ""
    reason: str = ""
    arguments: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    disclosed: Sequence[str] = ()
    characters: int = 0
    duration: float = 0.0
    error: str | None = None
    error_id: str | None = None

    def as_dict(self) -> dict[str, object]:
        """Without what is not there."""
        values = ((name, getattr(self, name)) for name in self.__dataclass_fields__)
        return {name: value for name, value in values if value not in (None, "", {}, ())}


class AuditSink(Protocol):
    async def record(self, record: AuditRecord) -> None:
        """Returns once the record is kept. Raises whatever kept it from that."""
        ...


class LogAudit:
    """Writes each record to the log."""

    async def record(self, record: AuditRecord) -> None:
        logger.info("call", extra={"audit": record.as_dict()})


def canonical(value: Mapping[str, object]) -> str:
    """JSON of which there is one form only: sorted keys, no spaces, ASCII (so that any text can be stored)."""
    return _CANONICAL.encode(value)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)

"""What is recorded of each call: who asked for what, what was decided, and how much went out. Never content."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """`arguments` maps the names of arguments to the sizes of their values (characters of compact JSON). `decision` is
    allowed, asked (it ended with a question to the person), denied, failed or cancelled. `duration` is in seconds,
    `characters` the size of the reply."""

    kind: str
    name: str
    user: str
    client: str
    transport: str
    request_id: str
    protocol_version: str
    decision: str
    arguments: Mapping[str, int]
    disclosed: Sequence[str]
    characters: int
    duration: float
    error: str | None = None
    error_id: str | None = None


class AuditSink(Protocol):
    async def record(self, record: AuditRecord) -> None: ...


class LogAudit:
    """Writes each record to the log."""

    async def record(self, record: AuditRecord) -> None:
        fields = {name: value for name, value in asdict(record).items() if value is not None}
        logger.info("call", extra={"audit": fields})

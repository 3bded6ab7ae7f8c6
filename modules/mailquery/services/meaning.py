"""Whether mail can be searched by meaning."""

from dataclasses import dataclass, field

from mailquery.embedding.interfaces import Embedder
from mcpkit.errors import ErrorCode, Fault


@dataclass(slots=True)
class Background:
    """How embedding beside a server goes: `stopped` is a sentence that says why it rests or has ended, empty while it
    goes on. `embedded` counts the messages."""

    stopped: str = ""
    embedded: int = 0


@dataclass(frozen=True, slots=True)
class Meaning:
    """What embeds texts, or None and in `reason` a sentence that says why nothing does and what would help. A state and
    no error: everything else works without."""

    embedder: Embedder | None
    reason: str = ""
    background: Background = field(default_factory=Background)

    def needed(self) -> Embedder:
        """Raises Fault CONFIGURATION with the reason, for what cannot do without."""
        if self.embedder is None:
            raise Fault(ErrorCode.CONFIGURATION, self.reason)
        return self.embedder

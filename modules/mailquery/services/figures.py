"""Numbers of the whole archive, for metrics."""

from dataclasses import dataclass

from mailquery.repositories.condition import Condition
from mailquery.repositories.extracting import ExtractionProgress, ExtractionRepository
from mailquery.repositories.interfaces import DirectoryRepository, VectorRepository
from mailquery.repositories.records import Visibility
from mailquery.services.background.sync_status import SyncFigures, SyncStatus
from mailquery.services.meaning import Meaning

_EVERYTHING = Visibility()


@dataclass(frozen=True, slots=True)
class ArchiveFigures:
    """Of what the operator's policy lets out. `size` is in bytes, `being_written` whether any process holds the
    archive's writing lock, `unembedded` how many messages cannot be found by meaning yet: 0 where none can."""

    messages: int
    size: int
    being_written: bool
    problems: int
    extraction: ExtractionProgress
    unembedded: int
    sync: SyncFigures


class CountArchive:
    def __init__(
        self,
        condition: Condition,
        directory: DirectoryRepository,
        texts: ExtractionRepository,
        vectors: VectorRepository,
        meaning: Meaning,
        sync_status: SyncStatus,
    ) -> None:
        self._condition = condition
        self._directory = directory
        self._texts = texts
        self._vectors = vectors
        self._meaning = meaning
        self._sync_status = sync_status

    async def __call__(self) -> ArchiveFigures:
        """Raises Fault."""
        version = await self._directory.version(_EVERYTHING)
        _, problems = await self._directory.problems(limit=1)
        return ArchiveFigures(
            messages=version.messages,
            size=await self._condition.size(),
            being_written=await self._condition.being_written(),
            problems=problems,
            extraction=await self._texts.shown_progress(),
            unembedded=await self._unembedded(),
            sync=await self._sync_status.figures(),
        )

    async def _unembedded(self) -> int:
        embedder = self._meaning.embedder
        if embedder is None:
            return 0
        found = await self._vectors.shown_progress(_EVERYTHING)
        return found.total - (found.messages if found.model == embedder.name else 0)

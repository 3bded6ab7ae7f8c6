"""The state of the archive, and what could not be read."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from mailquery.extraction.interfaces import Extractor
from mailquery.repositories.extracting import ExtractionProgress, ExtractionRepository
from mailquery.repositories.interfaces import DirectoryRepository, VectorRepository
from mailquery.repositories.records import AccountSummary, RecordedProblem, Version, Visibility
from mailquery.services.limits import checked_limit
from mailquery.services.meaning import Meaning
from mcpkit.errors import ErrorCode, Fault

logger = logging.getLogger(__name__)

MOST_PROBLEMS = 1_000


@dataclass(frozen=True, slots=True)
class MeaningStatus:
    """How far search by meaning has come: `embedded` of `total` messages of the archive, by `model`, which is empty
    where there is none; `reason` is then a sentence that says why. `stopped` is a sentence that says what keeps this
    process from embedding more in the background, empty where nothing does. It and the counts are for a caller who may
    see all accounts: for others it is empty, and they are None."""

    model: str
    embedded: int | None
    total: int | None
    reason: str = ""
    stopped: str = ""


OUTDATED_INDEX = (
    "An earlier version indexed this mail, so that not all of its words are found, and none in attached files: "
    "run `mailquery reindex`."
)


@dataclass(frozen=True, slots=True)
class Status:
    """`problems` is how many are recorded; None for a caller who may not see all accounts. `outdated_index` is whether
    older mail is not found as new mail is, until `mailquery reindex`. `attachments` is how far they were read, for
    a caller who may see all accounts."""

    version: Version
    accounts: tuple[AccountSummary, ...]
    problems: int | None
    meaning: MeaningStatus
    outdated_index: bool
    attachments: ExtractionProgress | None = None


class ArchiveStatus:
    def __init__(
        self,
        directory: DirectoryRepository,
        vectors: VectorRepository,
        meaning: Meaning,
        texts: ExtractionRepository | None = None,
        extractor: Extractor | None = None,
    ) -> None:
        self._directory = directory
        self._vectors = vectors
        self._meaning = meaning
        self._texts = texts
        self._extractor = extractor

    async def protections(self) -> Mapping[str, bool] | None:
        """What keeps a hostile attachment in its place, and whether it is to be had on this machine: a process that
        reads attachments is started to find out. None where none can be started."""
        if self._extractor is None:
            return None
        try:
            return dict(await self._extractor.holding())
        except OSError as error:
            logger.warning("no process can be started to read attachments in: %s", error.strerror or error)
            return None

    async def __call__(self, visible: Visibility) -> Status:
        problems = attachments = None
        if visible.accounts is None:
            _, problems = await self._directory.problems(limit=1)
            attachments = await self._texts.shown_progress() if self._texts is not None else None
        return Status(
            version=await self._directory.version(visible),
            accounts=await self._directory.accounts(visible),
            problems=problems,
            meaning=await self._meaning_status(visible),
            outdated_index=not await self._directory.index_is_current(),
            attachments=attachments,
        )

    async def _meaning_status(self, visible: Visibility) -> MeaningStatus:
        embedder = self._meaning.embedder
        if embedder is None:
            return MeaningStatus("", None, None, self._meaning.reason)
        if visible.accounts is not None:
            return MeaningStatus(embedder.name, None, None)
        found = await self._vectors.shown_progress(visible)
        embedded = found.messages if found.model == embedder.name else 0
        return MeaningStatus(embedder.name, embedded, found.total, stopped=self._meaning.background.stopped)


@dataclass(frozen=True, slots=True)
class ProblemPage:
    problems: tuple[RecordedProblem, ...]
    total: int


class ListProblems:
    def __init__(self, directory: DirectoryRepository) -> None:
        self._directory = directory

    async def __call__(self, visible: Visibility, *, limit: int = 100, offset: int = 0) -> ProblemPage:
        """Recorded problems, newest first. They belong to places and not to accounts, so that only a caller who may see
        every account gets them: else `FORBIDDEN`."""
        checked_limit(limit, MOST_PROBLEMS)
        if visible.accounts is not None:
            raise Fault(ErrorCode.FORBIDDEN, "Problems are listed to those who may see all accounts.")
        problems, total = await self._directory.problems(limit, offset)
        return ProblemPage(problems, total)

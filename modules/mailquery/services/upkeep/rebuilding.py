"""Making the text index anew out of the stored messages."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from mailquery.domain.mailboxes import Placement
from mailquery.domain.messages import Problem, ProblemCode
from mailquery.repositories.interfaces import RebuildRepository
from mailquery.repositories.records import RebuildProgress, StoredRaw
from mailquery.services.parser_pool import Job, ParserPool
from mailquery.sources.interfaces import SourceMessage

_BATCH = 500  # messages written in one transaction


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many messages were indexed, and of how many of those the bytes are damaged: they are found by what was read
    in them before."""

    indexed: int
    damaged: int


class RebuildIndex:
    """Parses every stored message again and writes what is searched, and all else that is derived of its bytes: for an
    archive whose index an older version made, or in which that was damaged.

    What ends it, in whatever way, costs one batch at most: the next run goes on. Until the end the old index is
    searched."""

    def __init__(self, rebuilding: RebuildRepository, *, workers: int) -> None:
        self._rebuilding = rebuilding
        self._workers = workers

    async def __call__(self, progress: Callable[[RebuildProgress], None] | None = None) -> Rebuilt:
        """What was done just now. Raises Fault CONFLICT where another process writes; STORAGE_FULL,
        STORAGE_DAMAGED."""
        done = damaged = 0
        async with self._rebuilding.rebuilding():
            pool = ParserPool(self._workers)
            try:
                while batch := await self._rebuilding.pending(_BATCH):
                    now = datetime.now(UTC)
                    jobs = [_job(stored, stored.raw) for stored in batch if stored.raw is not None]
                    # One share for each worker.
                    shares = [jobs[start :: self._workers] for start in range(min(self._workers, len(jobs)))]
                    started = [(share, pool.submit(share, now)) for share in shares]
                    prepared = {}
                    for share, future in started:
                        for job, one in zip(share, await pool.result(future, share, now), strict=True):
                            prepared[job.fingerprint] = one
                    kept = [each.sequence for each in batch if each.raw is None]
                    await self._rebuilding.add(
                        [(each.sequence, prepared[each.fingerprint]) for each in batch if each.raw is not None], kept
                    )
                    done, damaged = done + len(batch), damaged + len(kept)
                    if progress is not None:
                        progress(await self._rebuilding.progress())
            finally:
                pool.close()
            await self._rebuilding.finish()
        return Rebuilt(done, damaged)


def _job(stored: StoredRaw, raw: bytes) -> Job:
    # For a message without a date of its own, the date that it was stored with is what its source said.
    placed = (Placement("", None, stored.locator),)
    problems = (Problem(ProblemCode.NOT_FETCHED, stored.not_fetched),) if stored.not_fetched else ()
    return Job(SourceMessage(raw, placed, stored.date, problems=problems), stored.fingerprint)

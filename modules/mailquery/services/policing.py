"""Applying the operator's policy to the archive."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from mailquery.repositories.interfaces import PolicyRepository
from mailquery.repositories.records import PolicyStanding
from mcpkit.errors import ErrorCode, Fault

logger = logging.getLogger(__name__)

BATCH_MESSAGES = 2_000  # judged in one transaction
_BETWEEN_LOOKS = 5.0  # seconds
_PASSING = frozenset({ErrorCode.SERVICE_UNAVAILABLE, ErrorCode.TIMEOUT, ErrorCode.CONFLICT, ErrorCode.STORAGE_FULL})


@dataclass(frozen=True, slots=True)
class PolicyProgress:
    judged: int
    total: int


class ApplyPolicy:
    """Puts the process's policy in force and judges what waits for it, each batch in one transaction: what ends it, in
    whatever way, costs one batch, and the next one to apply the same policy goes on there."""

    def __init__(self, policies: PolicyRepository, *, batch: int = BATCH_MESSAGES) -> None:
        self.policies = policies
        self._batch = batch

    async def __call__(self, progress: Callable[[PolicyProgress], None] | None = None) -> PolicyStanding:
        """Until nothing waits, or until another process has put another policy in force."""
        await self.begin()
        standing = await self.policies.standing()
        total, judged = standing.waiting, 0
        while count := await self.policies.judge_next(self._batch):
            judged += count
            if progress is not None:
                progress(PolicyProgress(min(judged, total), total))
        return await self.policies.standing()

    async def begin(self) -> bool:
        """Only puts it in force, which withholds all that it might cover. False where it was in force already."""
        adopted = await self.policies.adopt()
        if adopted:
            for unknown in (await self.policies.standing()).unknown:
                logger.warning("the policy denies the %s, which the archive does not have", unknown)
        return adopted

    async def judge(self) -> int:
        """Judges what waits; how many messages that were."""
        judged = 0
        while count := await self.policies.judge_next(self._batch):
            judged += count
        return judged


class KeepJudged:
    """Judges beside a server: a policy that was just put in force, and what a process with other settings imported."""

    def __init__(self, apply: ApplyPolicy, *, between_looks: float = _BETWEEN_LOOKS) -> None:
        self._apply = apply
        self._between_looks = between_looks
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something waits: do not wait for the next look."""
        self._wake.set()

    async def __call__(self) -> None:
        """Goes on until it is cancelled. Raises the Fault by which nothing can be judged, whatever is tried."""
        while True:
            self._wake.clear()
            try:
                if count := await self._apply.judge():
                    logger.info("the policy was applied to %d messages", count)
            except Fault as fault:
                if fault.code not in _PASSING:
                    raise
                logger.warning("the policy waits to be applied: %s", fault.told_here)
            try:
                async with asyncio.timeout(self._between_looks):
                    await self._wake.wait()
            except TimeoutError:
                pass

"""Whether an archive is what was put in: its files, every message, the index, and what is counted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mailquery.repositories.verifying import CallersVerification, Check, Damage, Examined, VerificationRepository

_BATCH = 200  # messages that are looked at in one transaction
_LISTED = 20  # damages of one check


@dataclass(slots=True)
class Verdict:
    """Of one check. `damages` has the first of those that were found, `damaged` is their number."""

    check: Check
    examined: int = 0
    damaged: int = 0
    damages: list[Damage] = field(default_factory=list)

    def add(self, found: Examined) -> None:
        self.examined += found.count
        self.damaged += len(found.damages)
        self.damages += found.damages[: _LISTED - len(self.damages)]


@dataclass(frozen=True, slots=True)
class Progress:
    """`through` is the sequence of the last message that was looked at: where a run that was stopped goes on."""

    messages: int
    total: int
    through: int
    damaged: int


@dataclass(frozen=True, slots=True)
class Verification:
    verdicts: Sequence[Verdict]

    @property
    def is_sound(self) -> bool:
        return not any(verdict.damaged for verdict in self.verdicts)


class VerifyArchive:
    """Looks at everything and changes nothing. Others go on reading and writing meanwhile."""

    def __init__(self, archive: VerificationRepository, callers: CallersVerification) -> None:
        self._archive = archive
        self._callers = callers

    async def __call__(
        self,
        *,
        sample: int | None = None,
        after: int = 0,
        all_words: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> Verification:
        """Looks at every message that was added after the one of the sequence `after`, or at `sample` of all by chance;
        at some of the words of each in the index, or at `all_words`. Raises Fault SERVICE_UNAVAILABLE."""
        verdicts = {check: Verdict(check) for check in Check}

        def add(*found: Examined) -> None:
            for each in found:
                verdicts[each.check].add(each)

        if after == 0:  # else the run that this one goes on with has looked at that
            add(await self._archive.database(), await self._callers.database())
            add(*await self._archive.totals())
            add(await self._callers.audit(), await self._callers.credentials())
        chosen = None if sample is None else list(await self._archive.sample(sample))
        total = len(chosen) if chosen is not None else await self._archive.total(after)
        done, through = 0, after
        while batch := await self._next(chosen, done, through):
            add(*await self._archive.messages(batch, all_words=all_words))
            done, through = done + len(batch), batch[-1]
            if progress is not None:
                damaged = sum(verdict.damaged for verdict in verdicts.values())
                progress(Progress(done, max(total, done), through, damaged))
        return Verification(tuple(verdicts.values()))

    async def _next(self, chosen: Sequence[int] | None, done: int, through: int) -> Sequence[int]:
        if chosen is not None:
            return chosen[done : done + _BATCH]
        return await self._archive.sequences_after(through, _BATCH)

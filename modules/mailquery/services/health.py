"""The checks of a mail server's health. A server whose mail does not come in still answers from the archive: it is
degraded, and says what is stale."""

from collections.abc import Callable, Sequence

from mailquery.domain.accounts import AccountState
from mailquery.domain.counts import plural
from mailquery.domain.spans import ago
from mailquery.repositories.condition import Condition
from mailquery.repositories.interfaces import DirectoryRepository
from mailquery.services.background.sync_status import SyncFigures, SyncStatus
from mailquery.services.status import OUTDATED_INDEX
from mcpkit.monitoring.health import Check, Outcome, Status

_SLOW_DISK = 0.5  # seconds for one page, which takes a disk some milliseconds


def mail_checks(
    condition: Condition,
    directory: DirectoryRepository,
    sync_status: SyncStatus,
    stale_after: float,
    stopped: Callable[[], Sequence[str]] = tuple,
    *,
    records_are_needed: bool = True,
) -> tuple[Check, ...]:
    """An account is stale `stale_after` seconds after it was in step with its server. `stopped` gives what of this
    process's work in the background has ended, or rests. `records_are_needed` is whether a call that the audit cannot
    record goes without an answer."""

    async def database() -> Outcome:
        await condition.check()
        seconds = await condition.disk_seconds()
        if seconds is not None and seconds > _SLOW_DISK:
            return Outcome(Status.DEGRADED, f"the disk took {seconds:.1f} s to write and read one page")
        return Outcome()

    async def records() -> Outcome:
        await condition.check_recording()
        return Outcome()

    async def migrations() -> Outcome:
        there, known = await condition.schema()
        detail = f"schema {there}"
        if there == known:
            return Outcome(detail=detail)
        return Outcome(Status.UNHEALTHY, f"{detail}; this program knows {known}")

    async def index() -> Outcome:
        if await directory.index_is_current():
            return Outcome()
        return Outcome(Status.DEGRADED, "of an earlier form: not all words of older mail are found", OUTDATED_INDEX)

    async def sources() -> Outcome:
        return of_sources(await sync_status.figures(), stale_after)

    async def workers() -> Outcome:
        ended = stopped()
        return Outcome(Status.DEGRADED, f"not working: {', '.join(ended)}") if ended else Outcome()

    return (
        Check("database", database),
        Check("records", records, failing=Status.UNHEALTHY if records_are_needed else Status.DEGRADED),
        Check("migrations", migrations),
        Check("index", index, failing=Status.DEGRADED),
        Check("sources", sources, failing=Status.DEGRADED),
        Check("workers", workers, failing=Status.DEGRADED),
    )


def of_sources(found: SyncFigures, stale_after: float) -> Outcome:
    """Whether the mail of the accounts on servers comes in."""
    total = sum(found.states.values())
    if not total:
        return Outcome(detail="no account on a mail server")
    login, is_stale = found.states.get(AccountState.NEEDS_LOGIN, 0), (found.oldest or 0.0) > stale_after
    problems = [
        f"{found.failing} failed the last time" if found.failing else "",
        f"{login} {'needs' if login == 1 else 'need'} a login" if login else "",
        f"{len(found.left_alone)} mail {_servers(len(found.left_alone))} left alone for now"
        if found.left_alone
        else "",
        f"the stalest was in step {ago(found.oldest or 0.0)}" if is_stale else "",
    ]
    wrong = [each for each in problems if each]
    accounts = f"{plural(total, 'account')}"
    if not wrong:
        active, paused = found.states.get(AccountState.ACTIVE, 0), found.states.get(AccountState.PAUSED, 0)
        how = "" if not active else ", none in step yet" if found.oldest is None else " in step"
        return Outcome(detail=f"{accounts}{how}" if not paused else f"{accounts}{how}, {paused} paused")
    hosts = ", ".join(f"{each.host} ({each.state})" for each in found.left_alone)
    detail = f"of {accounts}, {'; '.join(wrong)}"
    return Outcome(Status.DEGRADED, detail, f"{detail}: {hosts}" if hosts else "")


def _servers(count: int) -> str:
    return "server is" if count == 1 else "servers are"

"""mailquery sync"""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from mailquery.application import Application
from mailquery.cli.archive import with_archive
from mailquery.cli.output import shapes
from mailquery.cli.output.asking import ask_yes, can_ask
from mailquery.cli.output.ending import says_when_ended
from mailquery.cli.output.exits import exit_code_for
from mailquery.cli.output.printing import JsonFlag, note, print_json
from mailquery.cli.output.progress import Shown, progress
from mailquery.cli.upkeep.sync_status import answers
from mailquery.domain.accounts import AccountState, MailAccount
from mailquery.domain.counts import plural
from mailquery.repositories.synchronising import DeletionQuestion
from mailquery.services.accounts.account_states import find_account
from mailquery.services.background.sync_runs import ProgressListener, SyncResult
from mailquery.services.synchronising.reports import SyncProgress, SyncSummary
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.untrusted import clean_block, clean_line

HELP = """Bring new mail in from the accounts on mail servers: of one, or of all that are not paused. Nothing is changed
on a server. The newest mail comes first; a synchronisation that was interrupted goes on where it was.

Where more than half of a mailbox is missing on the server all at once, the archive does not follow before you have said
that it is meant: with `--accept-deletions` it follows, with `--keep-deleted` it keeps the mail.

Examples:

```
mailquery sync
mailquery sync work --watch
mailquery sync work --accept-deletions Newsletters
```
"""

_MAILBOX_CHARS = 40
_MEGABYTE = 1024 * 1024


def register(app: typer.Typer) -> None:
    app.command("sync", help=HELP)(sync)


@dataclass(frozen=True, slots=True)
class Synchronised:
    """What became of one account."""

    account: str
    summary: SyncSummary | None = None
    fault: Fault | None = None


def sync(
    account: Annotated[
        str | None, typer.Argument(help="The account; the default is all that are not paused.", show_default=False)
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, and bring new mail in as it comes.")] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept-deletions", metavar="MAILBOX", help="Follow what was deleted of this mailbox."),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep-deleted", metavar="MAILBOX", help="Keep what was deleted of this mailbox."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    if watch and as_json:
        raise Fault(ErrorCode.VALIDATION_ERROR, "--watch goes on for ever, and has no answer for --json.")
    answers = {**dict.fromkeys(accept or (), True), **dict.fromkeys(keep or (), False)}
    with says_when_ended("What was stored stays; the same command again goes on."):
        done = _synchronise(account, answers)
        while not as_json and can_ask() and (given := _ask(done)):
            for name, of_account in given.items():
                done = [each for each in done if each.account != name] + _synchronise(name, of_account)
        if as_json:
            print_json({"accounts": [_as_shape(each) for each in done]})
        else:
            for each in done:
                _print(each)
        if watch:
            _watch(account)
    failed = next((each.fault for each in done if each.fault is not None), None)
    if failed is not None:
        raise typer.Exit(exit_code_for(failed.code))


def _synchronise(account: str | None, answers: dict[str, bool]) -> list[Synchronised]:
    shown = progress()

    async def work(application: Application) -> list[Synchronised]:
        accounts = await _chosen(application, account)
        if answers and len(accounts) != 1:
            raise Fault(
                ErrorCode.VALIDATION_ERROR, "Name the account whose mailbox that is: mailquery sync ACCOUNT ..."
            )
        for mailbox, accepted in answers.items():
            await application.sync_account.answer(accounts[0].name, mailbox, accepted=accepted)
        return [await _one(application, each, shown) for each in accounts]

    with shown:
        return with_archive(work)


async def _chosen(application: Application, account: str | None) -> Sequence[MailAccount]:
    if account is not None:
        found = await find_account(application.accounts, account)
        if found.state is AccountState.PAUSED:
            raise Fault(
                ErrorCode.VALIDATION_ERROR,
                f"{found.name} is paused. Run: mailquery accounts resume {shlex.quote(found.name)}",
            )
        return [found]
    accounts = await application.accounts.all()
    if not accounts:
        raise Fault(
            ErrorCode.NOT_FOUND, "There is no account on a mail server yet. Run: mailquery accounts add ADDRESS"
        )
    for each in accounts:
        if each.state is AccountState.PAUSED:
            note(f"{each.name} is paused, and was left out.")
    return [each for each in accounts if each.state is not AccountState.PAUSED]


async def _one(application: Application, account: MailAccount, shown: Shown) -> Synchronised:
    def show(found: SyncProgress) -> None:
        rate = found.stored / found.seconds if found.seconds else 0.0
        counts = f"{account.name}: {found.stored:,} of {plural(found.wanted, 'message')}, {rate:,.0f}/s"
        shown.show(found.stored, found.wanted, counts, clean_line(found.mailbox, _MAILBOX_CHARS))

    try:
        return Synchronised(account.name, await application.sync_account(account.name, show))
    except Fault as fault:
        return Synchronised(account.name, fault=fault)


def _ask(done: Sequence[Synchronised]) -> dict[str, dict[str, bool]]:
    """The answers to what is asked, by account and mailbox."""
    given: dict[str, dict[str, bool]] = {}
    for each in done:
        for question in each.summary.questions if each.summary is not None else ():
            note(_in_words(each.account, question))
            accepted = ask_yes("Was that meant, and shall the archive follow? (No keeps the mail.)")
            given.setdefault(each.account, {})[question.mailbox] = accepted
    return given


def _watch(account: str | None) -> None:
    async def work(application: Application) -> None:
        async def synchronise(name: str, progress: ProgressListener) -> SyncResult:
            summary = await application.sync_account(name, progress)
            if _counts(summary):
                _print(Synchronised(name, summary))
            return summary

        accounts = await _chosen(application, account)
        note("Waiting for new mail. Ctrl-C ends it.")
        await application.keep_these(accounts, synchronise)

    with_archive(work)


def _print(done: Synchronised) -> None:
    if done.fault is not None:
        said = f"{done.fault.told_here} {done.fault.others}".rstrip()
        print(f"mailquery: {clean_line(done.account)}: {clean_block(said)}", file=sys.stderr)
        return
    summary = done.summary
    assert summary is not None
    counts = ", ".join(_counts(summary)) or "nothing new"
    size = f"{summary.bytes_received / _MEGABYTE:,.1f} MB" if summary.bytes_received else "nothing"
    print(f"{clean_line(done.account)}: {counts}; {size} received in {summary.seconds:,.1f} s.")
    if not summary.mailboxes:
        name = shlex.quote(clean_line(done.account))
        print(
            "  No mailbox is synchronised: what --include and --exclude say leaves all of them out. "
            f"To change that: mailquery accounts remove {name} --keep-mail, and add it again."
        )
    for failed in summary.failed:
        print(f"  {clean_line(failed.reason)}")
    if summary.problems:
        print("  Some could not be read in full. All of them: mailquery problems")
    for question in summary.questions:
        print(f"  {_in_words(done.account, question)}")
        print(f"  {answers(done.account, question)}")
    sys.stdout.flush()  # --watch goes on, and may write to a file or another program


def _in_words(account: str, question: DeletionQuestion) -> str:
    return (
        f"{clean_line(account)}: {question.missing:,} of {plural(question.messages, 'message')} of "
        f"{clean_line(question.mailbox)} are not on the server any more. Was that meant?"
    )


def _counts(summary: SyncSummary) -> list[str]:
    counted = (
        (summary.added, "new"),
        (summary.placed - summary.added, "known and placed"),
        (summary.flags, "with other flags"),
        (summary.moved, "moved"),
        (summary.gone, "gone"),
        (summary.partial, "too large to be fetched whole"),
    )
    return [f"{count:,} {what}" for count, what in counted if count]


def _as_shape(done: Synchronised) -> shapes.Shape:
    if done.summary is None:
        assert done.fault is not None
        return {"account": done.account, "error": done.fault.as_dict()}
    summary = done.summary
    return {
        "account": summary.account,
        "new": summary.added,
        "placed": summary.placed,
        "flags": summary.flags,
        "moved": summary.moved,
        "gone": summary.gone,
        "partial": summary.partial,
        "problems": summary.problems,
        "mailboxes": summary.mailboxes,
        "unchanged": summary.unchanged,
        "questions": [
            {"mailbox": each.mailbox, "missing": each.missing, "messages": each.messages} for each in summary.questions
        ],
        "failed": [{"mailbox": each.mailbox, "reason": each.reason} for each in summary.failed],
        "bytes_received": summary.bytes_received,
        "seconds": round(summary.seconds, 3),
    }

"""mailquery verify"""

import time
from pathlib import Path
from typing import Annotated

import typer

from mailquery.application import Application
from mailquery.cli.archive import with_archive
from mailquery.cli.output.ending import run_until_ended, says_when_ended
from mailquery.cli.output.exits import ExitCode
from mailquery.cli.output.printing import JsonFlag, file_size, local_time, print_json
from mailquery.cli.output.progress import progress
from mailquery.domain.counts import plural
from mailquery.repositories.backups import Manifest
from mailquery.repositories.verifying import Damage, Remedy
from mailquery.services.upkeep.verifying import Progress, Verdict, Verification
from mailquery.settings import load_settings
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.untrusted import clean_line

HELP = """Look through the archive for damage: the files' structure, the bytes of every message against its hashes, the
index against the texts, counts, vectors, the audit, stored credentials. Nothing is changed, and servers and imports go
on meanwhile. Exit code 4 where something is damaged; each finding says what helps.

With --full, all words of each message are looked up in the index, else some. With BACKUP, a folder that `mailquery
backup` made is looked at instead: whether it can be restored.

Examples:

```
mailquery verify
mailquery verify --sample 1000
mailquery verify --full --json
mailquery verify /media/disk/mailquery/mailquery-20260301T020000Z
```
"""
_REMEDIES = {
    Remedy.RESTORE: "Put back a backup (`mailquery restore BACKUP --replace`), or move the archive's folder away and "
    "import and synchronise again.",
    Remedy.REINDEX: "Make it anew of the stored messages: mailquery reindex",
    Remedy.IMPORT: "Import the file that it came from again: mailquery import --mend PATH. What a mail server gave, "
    "export from there, or put back a backup.",
    Remedy.AUDIT: "See `mailquery audit verify`. Somebody changed it, or records were lost: keep a copy, then begin a "
    "new chain with `mailquery audit restart`.",
    Remedy.SIGN_IN: "Put back the master key, or sign in again: mailquery accounts login NAME",
}


def register(app: typer.Typer) -> None:
    app.command("verify", help=HELP)(verify)


def verify(
    backup: Annotated[
        Path | None, typer.Argument(metavar="[BACKUP]", help="A backup, in place of the archive.")
    ] = None,
    sample: Annotated[int | None, typer.Option("--sample", min=1, help="Look at so many messages by chance.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Look up every word of each message in the index.")] = False,
    after: Annotated[int, typer.Option("--after", min=0, help="Go on where an interrupted run said.")] = 0,
    as_json: JsonFlag = False,
) -> None:
    if backup is not None:
        if sample is not None or full or after:
            raise Fault(ErrorCode.VALIDATION_ERROR, "A backup is looked at as a whole: give it without other options.")
        _verify_backup(backup, as_json)
        return
    if sample is not None and after:
        raise Fault(ErrorCode.VALIDATION_ERROR, "Give --sample or --after, not both.")
    shown = progress()
    started = time.monotonic()
    through = after

    def show(found: Progress) -> None:
        nonlocal through
        through = found.through
        damaged = f", {found.damaged:,} damaged" if found.damaged else ""
        shown.show(found.messages, found.total, f"{plural(found.messages, 'message')} verified{damaged}")

    async def work(application: Application) -> Verification:
        return await application.verify_archive(sample=sample, after=after, all_words=full, progress=show)

    def further() -> str:
        return "" if sample is not None else f"`mailquery verify --after {through}` goes on."

    with says_when_ended(further), shown:
        found = with_archive(work)
    seconds = time.monotonic() - started
    if as_json:
        print_json({**_shape(found), "seconds": round(seconds, 3)})
    else:
        _print(found, seconds)
    if not found.is_sound:
        raise typer.Exit(ExitCode.UNAVAILABLE)


def _print(found: Verification, seconds: float) -> None:
    for verdict in found.verdicts:
        state = f"{verdict.damaged:,} damaged" if verdict.damaged else "sound"
        print(f"{verdict.check.value:12} {verdict.examined:>11,} looked at, {state}")
        for damage in verdict.damages:
            print(f"  {_in_words(damage)}")
        if verdict.damaged > len(verdict.damages):
            print(f"  and {verdict.damaged - len(verdict.damages):,} more")
    remedies = dict.fromkeys(damage.remedy for verdict in found.verdicts for damage in verdict.damages)
    if found.is_sound:
        print(f"Everything is sound ({seconds:,.1f} s).")
    for remedy in remedies:
        print(_REMEDIES[remedy])


def _in_words(damage: Damage) -> str:
    whose = f"{damage.message} ({damage.locator}): " if damage.message else ""
    return clean_line(f"{whose}{damage.what} [{damage.remedy.value}]")


def _shape(found: Verification) -> dict[str, object]:
    return {"sound": found.is_sound, "checks": [_verdict_shape(verdict) for verdict in found.verdicts]}


def _verdict_shape(verdict: Verdict) -> dict[str, object]:
    return {
        "check": verdict.check.value,
        "examined": verdict.examined,
        "damaged": verdict.damaged,
        "damages": [
            {
                "what": damage.what,
                "message": damage.message or None,
                "locator": damage.locator or None,
                "remedy": damage.remedy.value,
                "help": _REMEDIES[damage.remedy],
            }
            for damage in verdict.damages
        ],
    }


def _verify_backup(backup: Path, as_json: bool) -> None:
    from mailquery.backups import check_backup
    from mailquery.cli.upkeep.backing_up import shape

    shown = progress()

    def show(done: int, total: int) -> None:
        shown.show(done, total, f"{file_size(total // 2)} to verify")

    async def work() -> Manifest:
        return await check_backup()(backup, progress=show)

    with shown:
        manifest = run_until_ended(work)
    if as_json:
        print_json({"sound": True, **shape(manifest)})
    else:
        found = manifest.contents
        messages, made = plural(found.messages, "message"), local_time(manifest.made, load_settings().zone)
        print(f"Sound: {messages} of {made}, {file_size(manifest.bytes)}.")

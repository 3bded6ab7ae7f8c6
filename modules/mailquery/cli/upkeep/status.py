"""mailquery status"""

from collections.abc import Mapping

import typer

from mailquery.application import Application
from mailquery.cli import extracting
from mailquery.cli.archive import EVERYTHING, with_archive
from mailquery.cli.output import shapes
from mailquery.cli.output.printing import JsonFlag, local_time, note, print_json, print_rows
from mailquery.cli.upkeep.sync_status import answers, in_words, overview_shape, question_in_words
from mailquery.domain.counts import plural
from mailquery.repositories.extracting import ExtractionProgress
from mailquery.services.background.sync_status import SyncOverview
from mailquery.services.status import OUTDATED_INDEX, MeaningStatus, Status
from mailquery.settings import load_settings
from mcpkit.security.untrusted import clean_line

HELP = """What the archive holds, how fresh it is, how the accounts on mail servers do, how far search by meaning has
come, how many of the attachments were read, and what protects this machine while they are.

Examples:

```
mailquery status
mailquery status --json
```
"""


def register(app: typer.Typer) -> None:
    app.command("status", help=HELP)(status)


def status(as_json: JsonFlag = False) -> None:
    settings = load_settings()
    found, synchronised, protections = with_archive(_look, settings)
    if as_json:
        print_json({**_shape(found), "sync": overview_shape(synchronised), "protections": protections})
        return
    version, zone = found.version, settings.zone
    newest = f", the newest of {local_time(version.newest, zone)}" if version.newest else ""
    refreshed = f", refreshed {local_time(version.refreshed, zone)}" if version.refreshed else ""
    print(f"{plural(version.messages, 'message')}{newest}{refreshed}")
    print_rows(
        ("account", "mailboxes", "messages", "unread"),
        [(each.name, f"{each.mailboxes:,}", f"{each.messages:,}", f"{each.unread:,}") for each in found.accounts],
        right=("mailboxes", "messages", "unread"),
        flexible="account",
    )
    for account in synchronised.accounts:
        print(clean_line(f"sync of {account.account}: {in_words(account, zone)}"))
    print(f"meaning: {_meaning(found.meaning)}")
    if found.attachments is not None:
        print(f"attachments: {_attachments(found.attachments)}")
    print(f"attachments are read in processes of their own: {_protections(protections)}")
    for account in synchronised.accounts:
        for question in account.questions:
            note(f"{account.account}: {question_in_words(question)} {answers(account.account, question)}")
    if found.outdated_index:
        note(OUTDATED_INDEX)
    if found.problems:
        note(f"{plural(found.problems, 'problem')} on record: mailquery problems")


async def _look(application: Application) -> tuple[Status, SyncOverview, Mapping[str, bool] | None]:
    services = application.services
    found, synchronised = await services.archive_status(EVERYTHING), await services.sync_status(EVERYTHING)
    return found, synchronised, await services.archive_status.protections()


def _protections(found: Mapping[str, bool] | None) -> str:
    if found is None:
        return "none can be started"
    missing = [name for name, holds in found.items() if not holds]
    if not missing:
        return "all protections hold"
    held = [name for name, holds in found.items() if holds]
    return f"{', '.join(held) or 'nothing'} held, not to be had here: {', '.join(missing)}"


def _meaning(found: MeaningStatus) -> str:
    if found.reason:
        return f"not available. {found.reason}"
    embedded, total = found.embedded or 0, found.total or 0
    state = f"{embedded:,} of {plural(total, 'message')} embedded by {found.model}"
    if embedded >= total:
        return state
    return f"{state}; a running server goes on with it. `mailquery embed` does it at once, or says what is in the way"


def _attachments(found: ExtractionProgress) -> str:
    state = extracting.in_words(found)
    if found.done >= found.total:
        return state
    return f"{state}; a running server goes on with it. `mailquery extract` does it at once"


def _shape(found: Status) -> shapes.Shape:
    return {
        "messages": found.version.messages,
        "newest": shapes.moment(found.version.newest),
        "refreshed": shapes.moment(found.version.refreshed),
        "problems": found.problems,
        "outdated_index": found.outdated_index,
        "accounts": [
            {"name": each.name, "mailboxes": each.mailboxes, "messages": each.messages, "unread": each.unread}
            for each in found.accounts
        ],
        "attachments": extracting.shape(found.attachments) if found.attachments is not None else None,
        "meaning": {
            "available": not found.meaning.reason,
            "reason": found.meaning.reason or None,
            "model": found.meaning.model or None,
            "embedded": found.meaning.embedded,
            "messages": found.meaning.total,
        },
    }

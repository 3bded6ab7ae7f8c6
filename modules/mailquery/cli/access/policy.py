"""mailquery policy"""

import typer

from mailquery.application import Application
from mailquery.cli.archive import with_archive
from mailquery.cli.output import shapes
from mailquery.cli.output.ending import says_when_ended
from mailquery.cli.output.printing import JsonFlag, note, print_json
from mailquery.cli.output.progress import progress
from mailquery.domain.counts import plural
from mailquery.repositories.records import PolicyStanding
from mailquery.services.policing import PolicyProgress
from mcpkit.errors import ErrorCode, Fault

HELP = """The operator's policy: what of the archive exists for nobody. It is written in the settings (policy:)."""
SHOW_HELP = """Say whether the policy of the settings is in force in the archive, and how much it withholds.

Examples:

```
mailquery policy show
mailquery policy show --json
```
"""
APPLY_HELP = """Put the policy of the settings in force. Until a message was judged by it, the message is withheld; a
command that was stopped goes on when it is run again.

Examples:

```
mailquery policy apply
mailquery policy apply --json
```
"""


def register(app: typer.Typer) -> None:
    policy = typer.Typer(name="policy", help=HELP, no_args_is_help=True)
    policy.command("show", help=SHOW_HELP)(show)
    policy.command("apply", help=APPLY_HELP)(apply)
    app.add_typer(policy)


def show(as_json: JsonFlag = False) -> None:
    _print(with_archive(lambda application: application.policies.standing()), as_json)


def apply(as_json: JsonFlag = False) -> None:
    shown = progress()

    def tell(found: PolicyProgress) -> None:
        shown.show(found.judged, found.total, f"{plural(found.judged, 'message')} judged")

    async def work(application: Application) -> PolicyStanding:
        standing = await application.apply_policy(tell)
        try:
            async with application.texts.extracting():
                await application.texts.apply_policy()
        except Fault as fault:
            if fault.code is not ErrorCode.CONFLICT:
                raise
            # Nothing is found by them until then.
            note("Words in attachments are found again once the program that reads them now has the same policy.")
        return standing

    with says_when_ended("What was not judged yet stays withheld; the same command goes on."), shown:
        standing = with_archive(work)
    _print(standing, as_json)


def _print(standing: PolicyStanding, as_json: bool) -> None:
    if as_json:
        print_json(_shape(standing))
        return
    if standing.in_force:
        print(f"In force: {standing.withheld:,} of {plural(standing.messages, 'message')} withheld.")
    else:
        print("Not in force: another policy is, and nothing is shown. `mailquery policy apply` changes it.")
    if standing.waiting:
        note(f"{standing.waiting:,} of them wait to be judged: `mailquery policy apply`, or a server, goes on with it.")
    for unknown in standing.unknown:
        note(f"The policy denies the {unknown}, which the archive does not have.")


def _shape(standing: PolicyStanding) -> shapes.Shape:
    return {
        "in_force": standing.in_force,
        "messages": standing.messages,
        "withheld": standing.withheld,
        "waiting": standing.waiting,
        "unknown": list(standing.unknown),
    }

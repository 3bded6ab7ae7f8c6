"""mailquery show and mailquery thread"""

import sys
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from mailquery.cli.archive import EVERYTHING, with_archive
from mailquery.cli.output import shapes
from mailquery.cli.output.printing import JsonFlag, console, file_size, local_time, note, print_json
from mailquery.domain.addresses import Address
from mailquery.domain.counts import plural
from mailquery.domain.handles import attachment_handle, message_handle, thread_handle
from mailquery.domain.messages import Attachment
from mailquery.repositories.records import StoredMessage
from mailquery.services.reading import MessageView, Part
from mailquery.services.threads import Order, ThreadMessage, ThreadView
from mailquery.settings import load_settings
from mcpkit.security.untrusted import clean_block, clean_line

SHOW_HELP = """Show one message.

Examples:

```
mailquery show m4hq0v7d2k8xn
mailquery show m4hq0v7d2k8xn --quoted | less
mailquery show m4hq0v7d2k8xn --part headers
```
"""
THREAD_HELP = """Show a conversation, by its own id or that of any message in it. Text that is quoted again is left out.

Examples:

```
mailquery thread t2c9k1m8w0z5f
mailquery thread m4hq0v7d2k8xn --order newest --json
```
"""


def register(app: typer.Typer) -> None:
    app.command("show", help=SHOW_HELP)(show)
    app.command("thread", help=THREAD_HELP)(thread)


def show(
    id: Annotated[str, typer.Argument(help="The message's id, as a search shows it.")],
    part: Annotated[Part, typer.Option("--part", help="What of it to show.")] = Part.TEXT,
    quoted: Annotated[bool, typer.Option("--quoted", help="With the history that it quotes.")] = False,
    as_json: JsonFlag = False,
) -> None:
    settings = load_settings()
    view = with_archive(
        lambda application: application.services.read_message(
            EVERYTHING, id, part=part, include_quoted=quoted, secrets=True
        ),
        settings,
    )
    if as_json:
        print_json({**shapes.message(view.message), "part": part.value, "text": view.text})
        return
    if part is Part.TEXT:
        _print_heading(view.message, settings.zone)
    print(clean_block(view.text))
    _print_remarks(view)


def _print_heading(message: StoredMessage, zone: ZoneInfo) -> None:
    row = message.row
    fields = [
        ("Subject", row.subject),
        ("From", _joined(row.from_)),
        ("To", _joined(message.to)),
        ("Cc", _joined(message.cc)),
        ("Date", local_time(row.date, zone)),
        ("In", ", ".join(row.mailboxes)),
        ("Thread", thread_handle(row.thread_key)),
        *(("Attached", _attached(row.key, each)) for each in row.attachments if not each.inline),
    ]
    _print_fields(fields)


def _print_fields(fields: list[tuple[str, str]]) -> None:
    screen = console()
    for name, value in fields:
        if value:
            screen.print(Text.assemble((f"{name + ':':10}", "bold"), clean_line(value)))
    screen.print()


def _joined(addresses: tuple[Address, ...]) -> str:
    return ", ".join(str(address) for address in addresses)


def _attached(key: int, value: Attachment) -> str:
    name = value.filename or "(no name)"
    withheld = ", withheld by policy" if value.withheld else ""
    return f"{name}, {value.content_type}, {file_size(value.size)}, {attachment_handle(key, value.part)}{withheld}"


def _print_remarks(view: MessageView) -> None:
    if view.quoted_left_out and sys.stdout.isatty():
        note(f"{plural(view.quoted_left_out, 'character')} of quoted history left out: --quoted shows them.")
    for problem in view.message.problems:
        note(f"{problem.code.value}: {problem.detail}")


def thread(
    id: Annotated[str, typer.Argument(help="A thread's or a message's id.")],
    order: Annotated[Order, typer.Option("--order", help="Which message comes first.")] = Order.OLDEST,
    as_json: JsonFlag = False,
) -> None:
    settings = load_settings()
    view = with_archive(
        lambda application: application.services.read_thread(EVERYTHING, id, order=order, secrets=True), settings
    )
    if as_json:
        print_json(_thread_as_shape(view))
        return
    for message in view.messages:
        _print_turn(message, settings.zone)
    note(f"{plural(len(view.messages), 'message')}, {plural(len(view.participants), 'person', 'people')}.")


def _thread_as_shape(view: ThreadView) -> shapes.Shape:
    return {
        "id": thread_handle(view.key),
        "participants": [
            {
                "name": each.address.name,
                "address": each.address.address,
                "sent": each.sent,
                "received": each.received,
            }
            for each in view.participants
        ],
        "messages": [{**shapes.row(each.row), "text": each.text} for each in view.messages],
    }


def _print_turn(message: ThreadMessage, zone: ZoneInfo) -> None:
    row = message.row
    heading = f"{local_time(row.date, zone)}  {_joined(row.from_) or '(no sender)'}"
    screen = console()
    screen.print(Text.assemble((message_handle(row.key), "cyan"), "  ", (clean_line(heading), "green")))
    if row.subject:
        screen.print(Text(clean_line(row.subject), style="bold"))
    print(clean_block(message.text))
    print()

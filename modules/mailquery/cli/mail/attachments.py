"""mailquery attachments"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Annotated

import typer

from mailquery.cli.archive import EVERYTHING, with_archive
from mailquery.cli.output.printing import JsonFlag, file_size, note, print_json
from mailquery.domain.filenames import numbered, safe_name
from mailquery.services.attachments.attachment_texts import AttachmentText
from mailquery.services.rendering import name_of
from mailquery.services.signals import SignalKind
from mcpkit.new_files import write_new
from mcpkit.security.untrusted import clean_block, clean_line

HELP = "Attached files: their text, and the files themselves."
READ_HELP = """Print the text of an attachment.

Examples:

```
mailquery attachments read m4hq0v7d2k8xn-2
mailquery attachments read m4hq0v7d2k8xn-2 --pages 3-5
mailquery attachments read m4hq0v7d2k8xn-2 --pages Budget --json
```
"""
SAVE_HELP = """Save an attachment as a new file in a folder that is there. Nothing is overwritten, and no link followed.

Examples:

```
mailquery attachments save m4hq0v7d2k8xn-2 --to ~/Downloads
mailquery attachments save m4hq0v7d2k8xn-2 --to . --json
```
"""

Id = Annotated[str, typer.Argument(help="The attachment's id, as `mailquery show` gives it.")]


def register(app: typer.Typer) -> None:
    attachments = typer.Typer(name="attachments", help=HELP, no_args_is_help=True)
    attachments.command("read", help=READ_HELP)(read)
    attachments.command("save", help=SAVE_HELP)(save)
    app.add_typer(attachments)


def read(
    id: Id,
    pages: Annotated[str, typer.Option("--pages", help="Only these: 3, 3-5, a sheet's or an inner file's name.")] = "",
    as_json: JsonFlag = False,
) -> None:
    found = with_archive(
        lambda application: application.services.read_attachment(EVERYTHING, id, pages=pages, secrets=True)
    )
    if as_json:
        print_json(_as_shape(id, found))
        return
    if found.text:
        print(clean_block(found.text))
    for remark in _remarks(found):
        note(remark)


def _as_shape(id: str, found: AttachmentText) -> dict[str, object]:
    return {
        "id": id,
        "name": found.attachment.filename,
        "declared": found.attachment.content_type,
        "type": found.extraction.type,
        "size": found.attachment.size,
        "state": found.extraction.state.value,
        "note": found.note,
        "signals": [each.value for each in found.signals],
        "facts": dict(found.extraction.facts),
        "sections": [name_of(each) for each in found.sections],
        "text": found.text,
    }


def _remarks(found: AttachmentText) -> Iterator[str]:
    if found.note:
        yield found.note
    if SignalKind.DISGUISED in found.signals:
        yield f"Beware: it is called {clean_line(found.attachment.filename)}, and it is {found.extraction.type}."


def save(
    id: Id,
    to: Annotated[Path, typer.Option("--to", help="The folder.")],
    as_json: JsonFlag = False,
) -> None:
    content = with_archive(
        lambda application: application.services.get_attachment(EVERYTHING, id, limited=False, secrets=True)
    )
    attachment = content.attachment
    name = safe_name(attachment.filename, attachment.content_type, attachment.found_type)
    path = write_new(to.expanduser(), _names(name), content.data)
    if as_json:
        print_json({"id": id, "path": str(path), "size": len(content.data), "type": attachment.found_type})
        return
    print(path)
    note(f"{file_size(len(content.data))}, {attachment.found_type}")
    if attachment.is_disguised:
        note(f"Beware: it was called {clean_line(attachment.filename)}, and it is {attachment.found_type}.")


def _names(name: str) -> Iterator[str]:
    yield name
    yield from (numbered(name, number) for number in count(2))

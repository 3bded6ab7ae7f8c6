"""Archives' folders as the product makes them: mail, control database, keys."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from mailquery.application import Application
from mailquery.bootstrap import open_application
from mailquery.domain.identity import fingerprint
from mailquery.domain.mailboxes import Placement
from mailquery.repositories.prepared import NewPlacement
from mailquery.services.preparing import prepare
from mailquery.settings import Settings
from mailquery.sources.interfaces import SourceMessage
from mcpkit.security.audit import AuditRecord
from support.archives import Mail

NOW = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
SECRET = ("imap password", "work", "correct horse")  # purpose, name and secret
MAILS = (
    Mail(subject="Invoices", text="We paid the crocodile.", message_id="1@acme.example"),
    Mail(subject="Re: Invoices", sender="Bo <bo@home.example>", text="Thanks.", in_reply_to="1@acme.example"),
    Mail(subject="예산안", text="회의록을 보냅니다.", mailboxes=("Inbox", "Archive")),
    Mail(subject="Plan", text="See the file.", files=(("plan.txt", "text/plain", b"the walrus plan"),)),
)


def record(number: int) -> AuditRecord:
    return AuditRecord(
        kind="tool",
        name="read_message",
        user="ana",
        client="a test",
        transport="stdio",
        request_id=str(number),
        decision="allowed",
    )


async def add(application: Application, mails: Sequence[Mail]) -> None:
    """Stores messages as an import does."""
    prepared, placements = [], []
    for mail in mails:
        raw = mail.as_bytes()
        where = tuple(Placement(name, mail.flags, "test") for name in mail.mailboxes)
        mark = fingerprint(raw)
        prepared.append(prepare(SourceMessage(raw=raw, placements=where, source_date=None), mark, NOW))
        placements.append(NewPlacement(mark, mail.account, where))
    async with application.imports.writing():
        await application.imports.add(prepared, placements, ())
        for mail in mails:
            await application.imports.finished(mail.account, mail.mailboxes)


async def fill(home: Path, mails: Sequence[Mail] = MAILS) -> None:
    """An archive with mail whose attachments were read, three calls on record and a sealed password."""
    async with open_application(Settings(home=home)) as application:
        await add(application, mails)
        await application.extract_attachments()
        await application.secrets.put(*SECRET)
        for number in range(3):
            await application.audit.record(record(number))

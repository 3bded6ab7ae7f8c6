"""What a trace shows of the archive and of mail servers: what was done, and nothing of the mail."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mailquery.background import Hosts
from mailquery.bootstrap import open_application
from mailquery.domain.accounts import Login, MailAccount, Server
from mailquery.domain.uids import UidSet
from mailquery.repositories.records import Visibility
from mailquery.services.background.sync_runs import SyncRuns
from mailquery.services.filters import Filters
from mailquery.settings import Settings
from mailquery.settings.synchronising import SyncBreaker
from mcpkit.database.sqlite import operation
from mcpkit.errors import Fault
from mcpkit.monitoring.tracing import Tracing, exporting
from support.archives import Mail
from support.remote_mail import RemoteMail
from support.syncing import Script


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Iterator[Tracing]:
    with exporting("tester", "1", exporter) as found:
        yield found


def said(tracing: Tracing, exporter: InMemorySpanExporter) -> list[tuple[str, dict[str, object]]]:
    tracing._tracer.span_processor.force_flush()  # type: ignore[attr-defined]  # the SDK's, which sends in batches
    return [(span.name, dict(span.attributes or {})) for span in exporter.get_finished_spans()]


async def test_readings_of_the_archive_are_named_by_what_reads(
    tmp_path: Path, tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    async with open_application(Settings(home=tmp_path)) as application:
        application.archive.spans = tracing.within
        await application.services.search_messages(Visibility(), Filters(query="from:kim wombats"))
        assert said(tracing, exporter) == [], "what is read outside of all calls is no trace of its own"
        with tracing.span("call"):
            await application.services.search_messages(Visibility(), Filters(query="from:kim wombats"))
    found = said(tracing, exporter)
    about = {"db.system.name": "sqlite", "db.namespace": "archive", "db.operation.name": "SqliteSearch.search"}
    assert ("sqlite read SqliteSearch.search", about) in found
    assert "wombats" not in str(found)
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert spans["sqlite read SqliteSearch.search"].parent == spans["call"].context


def test_an_operation_is_named_by_the_function_behind_it() -> None:
    def read(connection: object) -> None: ...

    name = "test_an_operation_is_named_by_the_function_behind_it"
    assert operation(read) == operation(partial(partial(read), connection=None)) == name


async def test_what_a_mail_server_is_asked_for(tracing: Tracing, exporter: InMemorySpanExporter) -> None:
    server = RemoteMail()
    uid = server.put(Mail(subject="Wombats").as_bytes())
    hosts = Hosts(SyncBreaker())
    hosts.spans = tracing.client
    account = MailAccount("home", "ana@acme.example", Server("mail.acme.example", 993), "ana", Login.PASSWORD)
    connection = await hosts.guarded(account, server).connect()
    await connection.mailboxes()
    await connection.open("INBOX")
    assert await connection.uids() == UidSet.of([uid])
    assert list(await connection.fetch(UidSet.of([uid]))) == [uid]
    with pytest.raises(Fault):
        await connection.open("Missing")
    await connection.close()
    found = said(tracing, exporter)
    assert [name.removeprefix("mail server ") for name, _ in found] == [
        *("connect", "mailboxes", "open", "uids", "fetch", "open"),
    ]
    assert all(about["server.address"] == "mail.acme.example" for _, about in found)
    assert found[-1][1]["error.type"] == "NOT_FOUND"
    assert "Wombats" not in str(found)


async def test_a_synchronisation_is_a_trace(tracing: Tracing, exporter: InMemorySpanExporter) -> None:
    runs = SyncRuns(Script(home=[3]))
    runs.span = lambda: tracing.span("synchronise")
    await runs.join("home")
    assert said(tracing, exporter) == [("synchronise", {})]

"""The words of the index by their stems: of new mail, and of archives from before there were any."""

from pathlib import Path

import pytest

from integration.archives import Archive
from integration.mailmaker import mail, placed
from mailquery.domain.queries import Words
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.vocabulary import forms_of
from mcpkit.database.migrations import load_migrations
from mcpkit.database.sqlite import Database


async def words_of(database: Database) -> dict[str, str]:
    return await database.read(lambda connection: dict(connection.execute("SELECT word, stem FROM words").fetchall()))


async def test_an_archive_from_before_gets_the_words_of_its_index(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    first = load_migrations("mailquery.repositories.sqlite")[:1]
    async with await Database.open(path, migrations=first) as database:
        text = "v2 2400 예산 산안 안 ok invoices"
        await database.write(
            lambda connection: connection.execute(
                "INSERT INTO search (rowid, subject, body) VALUES (1, 'invoices paid', ?)", (text,)
            )
        )
    async with await open_archive(path) as database:
        assert await words_of(database) == {"invoices": "invoic", "paid": "paid"}


def fail(*_: object) -> None:
    raise ValueError("on purpose")


async def test_words_of_an_addition_that_was_undone_are_added_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await open_archive(tmp_path / "archive.db") as database:
        archive = Archive(database)
        message = mail("Hello", "an invoice")
        with monkeypatch.context() as patch:
            patch.setattr("mailquery.repositories.sqlite.placements.Placer.write", fail)
            with pytest.raises(ValueError, match="on purpose"):
                await archive.add((message, [placed(message)]))
        assert "invoice" not in await words_of(database)
        await archive.add((message, [placed(message)]))
        assert "invoice" in await words_of(database)
        assert (await archive.find(Words("invoices"))).total.value == 1


async def test_the_forms_of_a_word_are_those_of_its_stem_in_the_archive(tmp_path: Path) -> None:
    async with await open_archive(tmp_path / "archive.db") as database:
        message = mail("Connections", "connected, connecting, invoices, 예산안")
        await Archive(database).add((message, [placed(message)]))
        found = await database.read(lambda connection: forms_of(connection, "connection"))
        assert found == ["connected", "connecting", "connections"]

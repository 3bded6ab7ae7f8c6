"""An archive in which one thing after the other is really damaged: what is found, and that the remedy helps."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from mailquery.application import Application
from mailquery.bootstrap import open_application
from mailquery.domain.handles import message_handle
from mailquery.repositories.compression import compress
from mailquery.repositories.records import Visibility
from mailquery.repositories.verifying import Check, Damage, Remedy
from mailquery.services.filters import Filters
from mailquery.services.upkeep.verifying import Progress, Verification
from mailquery.settings import Settings
from support.archives import Mail
from support.homes import MAILS, SECRET, add, fill

Break = Callable[[sqlite3.Connection], object]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("template") / "home"

    async def make() -> None:
        await fill(home)
        async with open_application(Settings(home=home)) as application:
            await application.embed_mail()

    asyncio.run(make())
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "home"))


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


async def verified(home: Path, *, all_words: bool = False, sample: int | None = None) -> Verification:
    async with open_application(Settings(home=home)) as application:
        return await application.verify_archive(all_words=all_words, sample=sample)


async def damages(home: Path, *, all_words: bool = False) -> list[Damage]:
    found = await verified(home, all_words=all_words)
    listed = [damage for verdict in found.verdicts for damage in verdict.damages]
    assert found.is_sound is not bool(listed)
    return listed


def kinds(found: Sequence[Damage]) -> set[tuple[Check, Remedy]]:
    return {(damage.check, damage.remedy) for damage in found}


def sql(statement: str, *values: object) -> Break:
    return lambda connection: connection.execute(statement, values)


def other_bytes(connection: sqlite3.Connection) -> None:
    """A frame that can be read, of another message."""
    connection.execute("UPDATE raws SET frame = ? WHERE sequence = 2", (compress(b"Subject: forged\n\nforged\n"),))


def consistent_other_bytes(connection: sqlite3.Connection) -> None:
    """As by somebody who knows of the hash."""
    import hashlib

    raw = b"Subject: forged\n\nforged\n"
    connection.execute(
        "UPDATE raws SET frame = ?, sha256 = ? WHERE sequence = 2", (compress(raw), hashlib.sha256(raw).digest())
    )


def flipped(connection: sqlite3.Connection) -> None:
    frame = bytearray(connection.execute("SELECT frame FROM raws WHERE sequence = 2").fetchone()[0])
    frame[len(frame) // 2] ^= 4
    connection.execute("UPDATE raws SET frame = ? WHERE sequence = 2", (bytes(frame),))


def truncated_body(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE bodies SET body = substr(body, 1, 20) WHERE sequence = 1")


def index_of_another(connection: sqlite3.Connection) -> None:
    """One message's words are taken out of the index, and others put in."""
    (row,) = connection.execute("SELECT id FROM messages WHERE sequence = 1").fetchone()
    connection.execute("INSERT INTO search (search) VALUES ('delete-all')")
    for (other,) in connection.execute("SELECT id FROM messages").fetchall():
        connection.execute("INSERT INTO search (rowid, subject, body) VALUES (?, 'hello', 'world')", (other,))
    assert row


def other_people(connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE participants SET address = id || '@elsewhere.example', folded_address = id || '@elsewhere.example'"
    )


DERIVED: Sequence[tuple[Break, Check]] = (
    (truncated_body, Check.BODIES),
    (sql("DELETE FROM bodies WHERE sequence = 2"), Check.BODIES),
    (sql("INSERT INTO search (search) VALUES ('delete-all')"), Check.INDEX),
    (sql("DELETE FROM search_docsize WHERE id = (SELECT min(id) FROM messages)"), Check.INDEX),
    (sql("UPDATE search_data SET block = zeroblob(length(block)) WHERE id > 10"), Check.INDEX),
    (sql("DELETE FROM search_data WHERE id > 10"), Check.INDEX),
    (sql("DELETE FROM search_data"), Check.INDEX),
    (sql("INSERT INTO search (rowid, subject) VALUES (17, 'nobody')"), Check.INDEX),
    (sql("UPDATE indexed SET digest = digest + 1"), Check.INDEX),
    (sql("DELETE FROM words"), Check.INDEX),
    (index_of_another, Check.INDEX),
    (other_people, Check.INDEX),
    (sql("UPDATE facts SET value = 17 WHERE name = 'messages'"), Check.COUNTS),
    (sql("UPDATE accounts SET messages = messages + 1"), Check.COUNTS),
    (sql("UPDATE mailboxes SET messages = messages + 1"), Check.COUNTS),
    (sql("UPDATE threads SET messages = messages + 1"), Check.COUNTS),
    (sql("UPDATE messages SET flags = flags | 4 WHERE sequence = 1"), Check.COUNTS),
    (sql("UPDATE contents SET sections = x'00'"), Check.ATTACHMENTS),
    (sql("DELETE FROM vectors WHERE sequence = 1"), Check.VECTORS),
    (sql("UPDATE vectors SET vectors = substr(vectors, 2) WHERE sequence = 1"), Check.VECTORS),
    (sql("UPDATE vector_blocks SET codes = x'00'"), Check.VECTORS),
    (sql("DELETE FROM vector_blocks"), Check.VECTORS),
)


@pytest.mark.parametrize(("broken", "check"), DERIVED)
async def test_damage_of_what_is_derived_is_found(home: Path, broken: Break, check: Check) -> None:
    with opened(home / "archive.db") as connection:
        broken(connection)
    found = await damages(home)
    assert (check, Remedy.REINDEX) in kinds(found)
    assert {damage.remedy for damage in found} == {Remedy.REINDEX}


@pytest.mark.parametrize("part", range(3))
async def test_all_of_it_is_made_anew(home: Path, part: int) -> None:
    with opened(home / "archive.db") as connection:
        for broken, _ in DERIVED[part::3]:
            with suppress(sqlite3.DatabaseError):  # an index that cannot be written to any more
                broken(connection)
    async with open_application(Settings(home=home)) as application:
        assert (await application.rebuild_index()).indexed == len(MAILS)
        await application.extract_attachments()
        await application.embed_mail()
    assert await damages(home, all_words=True) == []
    for word, mail in (("crocodile", MAILS[0]), ("회의록", MAILS[2]), ("walrus", MAILS[3])):
        assert await found_by(home, word) == [mail.id]


async def found_by(home: Path, word: str) -> list[str]:
    async with open_application(Settings(home=home)) as application:
        found = await application.services.search_messages(Visibility(), Filters(word))
        return [message_handle(hit.row.key) for hit in found.hits[: found.total.value]]


@pytest.mark.parametrize(
    "broken",
    [
        flipped,
        other_bytes,
        consistent_other_bytes,
        sql("DELETE FROM raws WHERE sequence = 2"),
        sql("UPDATE raws SET frame = x'' WHERE sequence = 2"),
        sql("UPDATE raws SET sha256 = zeroblob(32) WHERE sequence = 2"),
        sql("UPDATE messages SET size = size + 1 WHERE sequence = 2"),
    ],
)
async def test_bytes_that_are_not_those_of_a_message_are_found_and_imported_again(
    home: Path, tmp_path: Path, broken: Break
) -> None:
    with opened(home / "archive.db") as connection:
        broken(connection)
        (key,) = connection.execute("SELECT key FROM messages WHERE sequence = 2").fetchone()
    (damage,) = await damages(home)
    assert (damage.check, damage.remedy) == (Check.MESSAGES, Remedy.IMPORT)
    assert (damage.message, damage.locator) == (message_handle(key), "test")
    for number, mail in enumerate(MAILS):
        (tmp_path / "eml").mkdir(exist_ok=True)
        (tmp_path / "eml" / f"{number}.eml").write_bytes(mail.as_bytes())
    async with open_application(Settings(home=home)) as application:
        imports = application.mending_imports
        done = await application.import_mail_into(imports)([tmp_path / "eml"])
        assert (done.imported, done.already_there, imports.mended) == (0, len(MAILS), 1)
        for mail in MAILS:
            assert await application.services.export_message(Visibility(), mail.id) == mail.as_bytes()
    assert await damages(home) == []


async def test_an_index_is_made_anew_around_damaged_bytes(home: Path) -> None:
    with opened(home / "archive.db") as connection:
        connection.execute("UPDATE raws SET frame = x'00' WHERE sequence = 1")
        connection.execute("DELETE FROM raws WHERE sequence = 3")
        connection.execute("INSERT INTO search (search) VALUES ('delete-all')")
    async with open_application(Settings(home=home)) as application:
        done = await application.rebuild_index()
        assert (done.indexed, done.damaged) == (len(MAILS), 2)
    for word, mail in (("crocodile", MAILS[0]), ("회의록", MAILS[2]), ("walrus", MAILS[3])):
        assert await found_by(home, word) == [mail.id]
    assert kinds(await damages(home, all_words=True)) == {(Check.MESSAGES, Remedy.IMPORT)}


async def test_a_row_that_an_index_of_a_table_lacks_is_found(home: Path) -> None:
    path = home / "archive.db"
    with opened(path) as connection:
        (page, name) = connection.execute(
            "SELECT rootpage, sql FROM sqlite_master WHERE name = 'messages_by_size'"
        ).fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
    with path.open("r+b") as file:  # one cell less in the index's page
        file.seek((page - 1) * 8192 + 3)
        cells = int.from_bytes(file.read(2), "big")
        assert cells == len(MAILS), name
        file.seek((page - 1) * 8192 + 3)
        file.write((cells - 1).to_bytes(2, "big"))
    with opened(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    assert (Check.DATABASE, Remedy.REINDEX) in kinds(await damages(home))
    async with open_application(Settings(home=home)) as application:
        await application.rebuild_index()
    assert await damages(home) == []


async def test_a_page_of_the_file_that_is_overwritten_is_found(home: Path) -> None:
    path = home / "archive.db"
    with opened(path) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'message_participants'"
        ).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 8192)
        file.write(b"\xff" * 4096)
    assert (Check.DATABASE, Remedy.RESTORE) in kinds(await damages(home))


async def test_what_a_row_refers_to_must_be_there(home: Path) -> None:
    with opened(home / "archive.db") as connection:
        connection.execute("DELETE FROM mailboxes")
    found = await damages(home)
    assert (Check.DATABASE, Remedy.RESTORE) in kinds(found)
    assert any(damage.what.startswith("a row of placements in archive.db refers to") for damage in found)


async def test_a_message_that_is_in_no_mailbox_needs_an_import_and_no_reindex(home: Path) -> None:
    with opened(home / "archive.db") as connection:
        connection.execute("UPDATE messages SET flags = flags | 1 WHERE sequence = 1")
        connection.execute("DELETE FROM placements WHERE message = (SELECT id FROM messages WHERE sequence = 1)")
    (damage,) = [damage for damage in await damages(home) if damage.message]
    assert (damage.check, damage.remedy, damage.what) == (Check.COUNTS, Remedy.IMPORT, "it is in no mailbox")


async def test_messages_whose_people_were_changed_are_named(home: Path) -> None:
    with opened(home / "archive.db") as connection:
        other_people(connection)
    found = await damages(home)
    assert {damage.what for damage in found} == {"its people are not those that it was stored with"}
    assert len({damage.message for damage in found}) == len(found)


async def test_bytes_without_their_message_are_found(home: Path) -> None:
    with opened(home / "archive.db") as connection:
        connection.execute("INSERT INTO raws VALUES (99, x'00', x'00')")
    assert kinds(await damages(home)) == {(Check.COUNTS, Remedy.RESTORE)}


async def test_a_changed_audit_and_credentials_that_do_not_open_are_found(home: Path) -> None:
    with opened(home / "control.db") as connection:
        connection.execute("DROP TRIGGER audit_is_never_changed")
        connection.execute("UPDATE audit SET record = replace(record, 'ana', 'eve') WHERE sequence = 2")
        connection.execute("UPDATE secrets SET sealed = zeroblob(length(sealed))")
    found = await damages(home)
    assert kinds(found) == {(Check.AUDIT, Remedy.AUDIT), (Check.CREDENTIALS, Remedy.SIGN_IN)}
    assert all(SECRET[2] not in damage.what for damage in found)


async def test_a_control_database_that_is_damaged_is_found(home: Path) -> None:
    path = home / "control.db"
    with opened(path) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'consents'").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 8192)
        file.write(b"\xff" * 64)
    assert (Check.DATABASE, Remedy.RESTORE) in kinds(await damages(home))


async def test_a_sound_archive_is_sound_after_all_that_is_done_to_it(home: Path) -> None:
    """Messages come, go, are in part taken out of the index, and attachments are read."""
    async with open_application(Settings(home=home)) as application:
        await add(application, [Mail(subject=f"Number {number}", account="other") for number in range(30)])
        await add(application, [_with_files()])
        assert await _sound(application)
        await application.extract_attachments()
        await application.embed_mail()
        assert await _sound(application)
        await application.remove_account_mail("other")
        assert await _sound(application)
        await application.rebuild_index()
        assert await _sound(application)


async def _sound(application: Application) -> bool:
    found = await application.verify_archive(all_words=True)
    assert [damage for verdict in found.verdicts for damage in verdict.damages] == []
    return found.is_sound


def _with_files() -> Mail:
    files = (
        ("plan.pdf", "application/pdf", b"no pdf"),
        ("photo.png", "image/png", b"no png"),
        ("all.zip", "application/zip", b"no zip"),
        ("day.ics", "text/calendar", b"BEGIN:VCALENDAR\nEND:VCALENDAR\n"),
    )
    return Mail(subject="Files", files=files)


async def test_a_sample_and_the_rest_of_an_interrupted_run(home: Path) -> None:
    seen: list[Progress] = []
    async with open_application(Settings(home=home)) as application:
        found = await application.verify_archive(sample=2, progress=seen.append)
        assert {verdict.check: verdict.examined for verdict in found.verdicts}[Check.MESSAGES] == 2
        found = await application.verify_archive(after=3, progress=seen.append)
        assert {verdict.check: verdict.examined for verdict in found.verdicts}[Check.MESSAGES] == len(MAILS) - 3
    assert (seen[-1].messages, seen[-1].total, seen[-1].through) == (1, 1, len(MAILS))

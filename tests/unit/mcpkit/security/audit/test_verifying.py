"""Somebody edits the file with sqlite3, in every way: what verification finds, and where."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mcpkit.security.audit.chain import Chain, Link
from unit.mcpkit.security.audit.audits import KEY, checked, edit, fill, head, stored


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Ten records."""
    made = tmp_path / "control.db"
    asyncio.run(fill(made, 10))
    return made


def bad(path: Path) -> int:
    problem = checked(path).problem
    assert problem is not None
    return problem.sequence


def test_an_audit_that_nobody_touched_is_sound(path: Path) -> None:
    verdict = checked(path)
    assert (verdict.is_sound, verdict.records, verdict.problem) == (True, 10, None)
    assert verdict.end == Link(10, stored(path)[-1][2])


def test_an_audit_without_records_is_sound(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "control.db")) as connection:
        connection.executescript(
            (Path(__file__).parents[5] / "infra/mcpkit/security/migrations/0001_control.sql").read_text()
        )
    assert checked(tmp_path / "control.db").is_sound


@pytest.mark.parametrize("sequence", [1, 2, 5, 9, 10])
def test_a_changed_record_is_named(path: Path, sequence: int) -> None:
    edit(path, f"UPDATE audit SET record = replace(record, 'allowed', 'denied') WHERE sequence = {sequence}")
    assert bad(path) == sequence


@pytest.mark.parametrize("sequence", [1, 5, 10])
@pytest.mark.parametrize(
    "change",
    [
        "record = record || ' '",
        "record = upper(record)",
        "record = CAST(record AS BLOB)",
        "hash = zeroblob(32)",
        "hash = hex(hash)",
        "hash = x''",
        "record = ''",
    ],
)
def test_any_change_of_a_record_or_its_hash_is_named(path: Path, sequence: int, change: str) -> None:
    edit(path, f"UPDATE audit SET {change} WHERE sequence = {sequence}")
    assert bad(path) == sequence


@pytest.mark.parametrize("sequence", range(1, 11))
def test_a_removed_record_is_named_the_last_one_too(path: Path, sequence: int) -> None:
    edit(path, f"DELETE FROM audit WHERE sequence = {sequence}")
    assert bad(path) == sequence


@pytest.mark.parametrize("left", [9, 5, 1, 0])
def test_records_removed_from_the_end_are_named(path: Path, left: int) -> None:
    edit(path, f"DELETE FROM audit WHERE sequence > {left}")
    assert bad(path) == left + 1


def test_records_removed_and_the_rest_renumbered_is_found(path: Path) -> None:
    edit(
        path,
        "DELETE FROM audit WHERE sequence = 4; UPDATE audit SET sequence = sequence - 1 WHERE sequence > 4",
    )
    assert bad(path) == 4


@pytest.mark.parametrize(("one", "other"), [(1, 2), (4, 5), (3, 8), (9, 10)])
def test_two_records_that_changed_places_are_found(path: Path, one: int, other: int) -> None:
    edit(
        path,
        f"UPDATE audit SET sequence = -1 WHERE sequence = {one};"
        f"UPDATE audit SET sequence = {one} WHERE sequence = {other};"
        f"UPDATE audit SET sequence = {other} WHERE sequence = -1",
    )
    assert bad(path) == one


@pytest.mark.parametrize("sequence", [-5, 0, 11, 12, 1 << 60])
def test_a_record_that_was_put_in_is_found(path: Path, sequence: int) -> None:
    edit(path, f"INSERT INTO audit SELECT {sequence}, record, hash FROM audit WHERE sequence = 3")
    assert bad(path) == (11 if sequence == 1 << 60 or sequence == 12 else sequence)


def test_a_record_put_in_between_with_the_rest_moved_up_is_found(path: Path) -> None:
    edit(
        path,
        "UPDATE audit SET sequence = -sequence - 1 WHERE sequence >= 4",
        "UPDATE audit SET sequence = -sequence WHERE sequence < 0",
        "INSERT INTO audit SELECT 4, record, hash FROM audit WHERE sequence = 3",
    )
    assert bad(path) == 4


def test_a_chain_computed_anew_without_the_key_is_found(path: Path) -> None:
    forger, rows = Chain(b"f" * 32), stored(path)
    with closing(sqlite3.connect(path)) as connection:
        (begin,) = connection.execute("SELECT hash FROM audit_checkpoints").fetchone()
    link = Link(0, begin)
    statements = []
    for _, record, _ in rows:
        record = record.replace("tool3", "tool9")
        link = forger.next(link, record)
        statements.append(
            f"UPDATE audit SET record = '{record}', hash = x'{link.hash.hex()}' WHERE sequence = {link.sequence}"
        )
    edit(path, *statements)
    assert bad(path) == 1


@pytest.mark.parametrize(
    "change",
    ["UPDATE audit_checkpoints SET hash = zeroblob(32)", "UPDATE audit_checkpoints SET made = made + 1"],
)
def test_a_changed_beginning_is_found(path: Path, change: str) -> None:
    edit(path, change)
    assert bad(path) == 0


def test_a_forged_checkpoint_that_covers_removed_records_is_found(path: Path) -> None:
    edit(
        path,
        "INSERT INTO audit_checkpoints SELECT sequence, hash, 1, zeroblob(32) FROM audit WHERE sequence = 6",
        "DELETE FROM audit WHERE sequence <= 6",
    )
    assert bad(path) == 6


def test_a_removed_beginning_is_found(path: Path) -> None:
    edit(path, "DELETE FROM audit_checkpoints")
    assert bad(path) == 1


def test_an_emptied_audit_is_found(path: Path) -> None:
    edit(path, "DELETE FROM audit; DELETE FROM audit_checkpoints")
    assert bad(path) == 1


def test_a_database_thrown_away_is_found(path: Path) -> None:
    for file in (path, path.with_name("control.db-wal"), path.with_name("control.db-shm")):
        file.unlink(missing_ok=True)
    new = path.with_name("new.db")
    edit(
        new,
        (Path(__file__).parents[5] / "infra/mcpkit/security/migrations/0001_control.sql").read_text(),
    )
    new.rename(path)
    assert bad(path) == 1


@pytest.mark.parametrize("text", [b"", b"x", None, b"0" * 150 + b"\n"])
def test_a_head_that_is_missing_or_changed_is_found(path: Path, text: bytes | None) -> None:
    file = head(path).path
    if text is None:
        file.unlink()
    else:
        file.write_bytes(text)
    assert bad(path) == 11


def test_a_head_that_was_turned_back_does_not_hide_a_changed_record(path: Path) -> None:
    head(path).replace(Link(3, stored(path)[2][2]))
    assert checked(path).is_sound  # a process that died before it moved the head leaves it like this
    edit(path, "UPDATE audit SET record = '{}' WHERE sequence = 7")
    assert bad(path) == 7


async def test_what_was_noted_elsewhere_shows_what_the_owner_of_the_key_did(path: Path, tmp_path: Path) -> None:
    noted = checked(path).end
    assert noted is not None
    for file in tmp_path.iterdir():
        file.unlink()
    await fill(path, 12)  # everything anew, with the true key
    assert checked(path).is_sound
    problem = checked(path, noted).problem
    assert problem is not None
    assert problem.sequence == 10
    assert checked(path, Link(20, noted.hash)).problem is not None


def test_another_key_verifies_nothing(path: Path) -> None:
    verdict = checked(path, key=b"o" * 32)
    assert verdict.problem is not None
    assert "key" in verdict.problem.what


async def test_going_on_after_a_removal_does_not_cover_it(path: Path) -> None:
    edit(path, "DELETE FROM audit WHERE sequence > 7")
    await fill(path, 5, first=11)
    verdict = checked(path)
    assert (verdict.is_sound, verdict.problem, verdict.gaps) == (False, None, [8])
    assert '"head":"10:' in stored(path)[7][1]


async def test_going_on_after_all_was_removed_does_not_cover_it(path: Path) -> None:
    edit(path, "DELETE FROM audit; DELETE FROM audit_checkpoints")
    await fill(path, 2)
    assert checked(path).gaps == [1]


async def test_going_on_after_the_last_record_was_replaced_does_not_cover_it(path: Path) -> None:
    edit(path, "UPDATE audit SET hash = zeroblob(32) WHERE sequence = 10")
    await fill(path, 2)
    assert bad(path) == 10


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET record = '{}' WHERE sequence = 3",
        "DELETE FROM audit WHERE sequence = 3",
        "DELETE FROM audit",
        "REPLACE INTO audit VALUES (3, '{}', x'')",
        "INSERT OR REPLACE INTO audit VALUES (10, '{}', x'')",
        "INSERT INTO audit VALUES (12, '{}', x'')",
        "INSERT INTO audit VALUES (-1, '{}', x'')",
        "UPDATE audit_checkpoints SET made = 0",
        "DELETE FROM audit_checkpoints",
        "REPLACE INTO audit_checkpoints VALUES (0, x'', 0, x'')",
    ],
)
def test_a_program_cannot_do_it_by_mistake(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError, match="audit"):
        connection.execute(statement)
    assert checked(path).is_sound


def test_hash_of_a_record_depends_on_key_place_and_history() -> None:
    one = Chain(KEY).next(Link(0, b"a" * 32), "{}")
    assert one.hash != Chain(b"o" * 32).next(Link(0, b"a" * 32), "{}").hash
    assert one.hash != Chain(KEY).next(Link(1, b"a" * 32), "{}").hash
    assert one.hash != Chain(KEY).next(Link(0, b"b" * 32), "{}").hash

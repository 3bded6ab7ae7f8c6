"""New files in a chosen folder."""

import errno
import itertools
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.new_files import write_new


def names() -> list[str]:
    return ["a.txt", *(f"a ({number}).txt" for number in range(2, 40))]


def test_a_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    made = write_new(tmp_path, ["a.txt"], b"content")
    assert made == tmp_path / "a.txt"
    assert made.read_bytes() == b"content"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_what_is_there_stays_whatever_it_is(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / "a.txt").symlink_to(victim)
    (tmp_path / "a (2).txt").symlink_to(tmp_path / "nowhere")
    (tmp_path / "a (3).txt").mkdir()
    assert write_new(tmp_path, names(), b"theirs").name == "a (4).txt"
    assert victim.read_bytes() == b"mine"
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_is_a_link_or_none_is_refused(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    file = tmp_path / "file"
    file.touch()
    for folder, said in ((tmp_path / "link", "is a link"), (tmp_path / "none", "no folder"), (file, "Nothing was")):
        with pytest.raises(Fault, match=said) as refused:
            write_new(folder, ["a.txt"], b"x")
        assert refused.value.code is ErrorCode.VALIDATION_ERROR
    assert list(real.iterdir()) == []


def test_writers_at_once_each_get_a_file_of_their_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: write_new(tmp_path, names(), b"%d" % number), range(20)))
    assert len(set(made)) == 20
    assert sorted(int(path.read_bytes()) for path in made) == list(range(20))


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Fault, match="No space left"):
        write_new(tmp_path, ["a.txt"], b"content")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../a", "", "..", "a/b", "a\0b"])
def test_a_name_of_several_parts_is_no_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="one part"):
        write_new(tmp_path, [name], b"x")


def test_it_gives_up_where_all_names_are_taken(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(Fault, match="too many"):
        write_new(tmp_path, itertools.repeat("a"), b"x")

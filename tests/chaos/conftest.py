"""One archive for all of them, of which each has a copy."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from end_to_end.conftest import CommandLine, letter, write_mbox

COUNT = 300  # messages


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """An archive of `COUNT` letters, each about badgers and with a word of its own."""
    folder = tmp_path_factory.mktemp("chaos")
    mailquery = CommandLine(folder)
    letters = [
        letter(number, body=f"Letter about badgers, and of word{number}.", size=2_000) for number in range(COUNT)
    ]
    done = mailquery("import", write_mbox(folder / "inbox.mbox", letters), MAILQUERY_MEANING__ENABLED="false")
    assert done.code == 0, done.err
    return mailquery


@pytest.fixture(scope="session")
def copy_of(imported: CommandLine) -> Callable[[Path], CommandLine]:
    """A copy of the archive in a folder."""

    def copy(folder: Path) -> CommandLine:
        mailquery = CommandLine(folder)
        shutil.copytree(imported.home, mailquery.home)
        return mailquery

    return copy


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own, in memory."""
    disk = folder / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs to be root, and allowed to")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)

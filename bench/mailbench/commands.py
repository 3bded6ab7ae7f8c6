"""mailquery as a user starts it: the commands, and the home folders that benchmarks give it."""

import os
import shutil
import sys
from pathlib import Path

from mailbench.cache import Archive, bench_folder


def home_of(archive: Archive) -> Path:
    return bench_folder() / f"mailquery-{archive.maildir.parent.name}"


def environment(home: Path) -> dict[str, str]:
    """Variables for a mailquery process whose archive is in `home`; settings of the user's do not reach it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAILQUERY_")}
    return kept | {"MAILQUERY_HOME": str(home), "MAILQUERY_LOG__LEVEL": "error"}


def fresh_home(archive: Archive) -> dict[str, str]:
    """The environment for an import from nothing."""
    home = home_of(archive)
    shutil.rmtree(home, ignore_errors=True)
    return environment(home)


def import_command(archive: Archive) -> list[str | Path]:
    return [sys.executable, "-m", "mailquery", "import", archive.maildir, "--json"]


def extract_command() -> list[str | Path]:
    return [sys.executable, "-m", "mailquery", "extract", "--json"]


def serve_command() -> list[str]:
    return [sys.executable, "-m", "mailquery", "serve", "--transport", "stdio"]


def stamp(archive: Archive) -> None:
    """Marks the archive's import as complete."""
    (home_of(archive) / "bench-complete").touch()


def has_archive(archive: Archive) -> bool:
    return (home_of(archive) / "bench-complete").exists()


def archive_bytes(archive: Archive) -> int:
    return sum(path.stat().st_size for path in home_of(archive).rglob("*") if path.is_file())

"""notmuch and mu, where they are installed: indexed and asked with settings and databases of the benchmark's own."""

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from mailbench.cache import Archive, bench_folder
from mailbench.measuring import Run, run_measured
from mailbench.questions import Action

SYSTEM_PYTHON = Path("/usr/bin/python3")
_HELPER = Path(__file__).with_name("notmuch_helper.py")
LIMIT = 25


@dataclass(frozen=True, slots=True)
class Answer:
    """`seconds` for the answer alone; `hits` is all that match, where that was asked, else the rows given."""

    seconds: float
    hits: int


def installed(program: str) -> bool:
    return shutil.which(program) is not None


def has_notmuch_binding() -> bool:
    if not SYSTEM_PYTHON.exists():
        return False
    return subprocess.run([SYSTEM_PYTHON, "-c", "import notmuch2"], capture_output=True, check=False).returncode == 0


class Notmuch:
    """A notmuch database of an archive."""

    def __init__(self, archive: Archive) -> None:
        self._maildir = archive.maildir
        self.folder = bench_folder() / f"notmuch-{archive.maildir.parent.name}"
        self._config = self.folder / "config"
        self._helper: subprocess.Popen[str] | None = None

    @property
    def ready(self) -> bool:
        return (self.folder / "indexed").exists()

    def index(self) -> Run:
        """`notmuch new` from nothing."""
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "database").mkdir(parents=True)
        self._config.write_text(
            f"[database]\npath={self.folder / 'database'}\nmail_root={self._maildir}\n"
            "[user]\nname=Robin Park\nprimary_email=me@home.example\n"
            "[new]\ntags=\n[search]\nexclude_tags=\n[maildir]\nsynchronize_flags=true\n",
            encoding="utf-8",
        )
        run = run_measured(["notmuch", "new", "--quiet"], self._environment())
        (self.folder / "indexed").touch()
        return run

    def size(self) -> int:
        return _bytes_below(self.folder / "database")

    def __enter__(self) -> Self:
        self._helper = subprocess.Popen(
            [SYSTEM_PYTHON, _HELPER, self.folder / "database"],
            env=self._environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._helper is not None and self._helper.stdin is not None:
            self._helper.stdin.close()
            self._helper.wait(10)

    def ask(
        self, query: str, action: Action = Action.NEWEST, *, count: bool = False, timed_count: bool = False
    ) -> Answer:
        """With `count` its hits are all that match; with `timed_count` finding that out is part of its time."""
        if self._helper is None or self._helper.stdin is None or self._helper.stdout is None:
            raise RuntimeError("asked outside its `with`")
        asked = {"action": action.value, "query": query, "limit": LIMIT, "count": count or timed_count}
        self._helper.stdin.write(json.dumps(asked) + "\n")
        self._helper.stdin.flush()
        answer = json.loads(self._helper.stdout.readline())
        return Answer(answer["seconds_with_total" if timed_count else "seconds"], answer["hits"])

    def _environment(self) -> dict[str, str]:
        return _own_home(self.folder) | {"NOTMUCH_CONFIG": str(self._config)}


class Mu:
    """A mu database of an archive. mu has no binding: its times are those of a process, from start to end."""

    def __init__(self, archive: Archive) -> None:
        self._maildir = archive.maildir
        self.folder = bench_folder() / f"mu-{archive.maildir.parent.name}"
        self._database = self.folder / "database"

    @property
    def ready(self) -> bool:
        return (self.folder / "indexed").exists()

    def index(self) -> Run:
        """`mu index` from nothing."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        run_measured(
            ["mu", "init", f"--muhome={self._database}", f"--maildir={self._maildir}", "--my-address=me@home.example"],
            _own_home(self.folder),
        )
        run = run_measured(["mu", "index", f"--muhome={self._database}", "--quiet"], _own_home(self.folder))
        (self.folder / "indexed").touch()
        return run

    def size(self) -> int:
        return _bytes_below(self._database)

    def ask(self, query: str, *, limit: int | None = LIMIT) -> Answer:
        """`limit` None gives all that match, and so counts them."""
        command = ["mu", "find", f"--muhome={self._database}", "--nocolor", "--sortfield=date", "--reverse"]
        command += ["--fields=i d f s"] if limit else ["--fields=i"]
        command += [f"--maxnum={limit}"] if limit else []
        started = time.perf_counter()
        done = subprocess.run([*command, query], env=_own_home(self.folder), capture_output=True, check=False)
        seconds = time.perf_counter() - started
        if done.returncode not in {0, 2, 4}:  # 2 and 4: nothing was found
            raise RuntimeError(
                f"mu find {query!r} ended with {done.returncode}: {done.stderr.decode(errors='replace')}"
            )
        return Answer(seconds, done.stdout.count(b"\n"))


def _own_home(folder: Path) -> dict[str, str]:
    """An environment in which no setting, hook or database of the user's can be found or touched."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "NOTMUCH", "MU"))}
    kept.pop("MAILDIR", None)
    kept.pop("XAPIAN_CJK_NGRAM", None)
    return kept | {"HOME": str(folder), "LC_ALL": "C.UTF-8"}


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

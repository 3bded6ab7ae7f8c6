"""Where benchmarks keep archives and databases between runs: outside the project, and never in anybody's mail."""

import json
import mailbox
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from mailbench.archive import FORMAT_VERSION, Plan, Written, write_maildir

_REAL_MAIL = Path(__file__).parents[3] / "shared" / "corpus"


@dataclass(frozen=True, slots=True)
class Archive:
    """A Maildir to measure with. `truth` counts messages by term; it is empty where nobody knows it."""

    name: str
    maildir: Path
    messages: int
    bytes: int
    truth: dict[str, int]


def bench_folder() -> Path:
    """`MAILQUERY_BENCH_DIR`, else a folder in the temporary folder. Made if absent, for its owner only."""
    chosen = os.environ.get("MAILQUERY_BENCH_DIR")
    folder = Path(chosen) if chosen else Path(tempfile.gettempdir()) / f"mailquery-bench-{os.getuid()}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.stat().st_uid != os.getuid():
        raise SystemExit(f"{folder} belongs to somebody else; set MAILQUERY_BENCH_DIR to a folder of your own.")
    return folder.resolve()


def synthetic(plan: Plan) -> Archive:
    """The plan's archive, made once."""
    folder = bench_folder() / f"synthetic-v{FORMAT_VERSION}-{plan.seed}-{plan.messages}"
    return _made_once(f"{plan.messages:,} synthetic", folder, lambda maildir: write_maildir(plan, maildir))


def real() -> Archive | None:
    """The real mail beside the project as a Maildir, which all programs under test read; None where it is absent."""
    if not _REAL_MAIL.is_dir():
        return None
    return _made_once("3,900 real", bench_folder() / "real-v1", _copy_real)


def _made_once(name: str, folder: Path, make: Callable[[Path], Written]) -> Archive:
    facts = folder / "facts.json"
    if not facts.exists():  # written last: a run that was killed leaves none
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        written = make(folder / "maildir")
        facts.write_text(json.dumps(asdict(written), ensure_ascii=False), encoding="utf-8")
    known = Written(**json.loads(facts.read_text(encoding="utf-8")))
    return Archive(name, folder / "maildir", known.messages, known.bytes, known.truth)


def _copy_real(maildir: Path) -> Written:
    for part in ("cur", "new", "tmp"):
        (maildir / part).mkdir(parents=True)
    messages = size = 0
    raws = [path.read_bytes() for path in sorted((_REAL_MAIL / "easy-ham").glob("*.eml"))]
    box = mailbox.mbox(_REAL_MAIL / "easy-ham-2.mbox", create=False)
    raws += [box.get_bytes(key) for key in box.iterkeys()]
    for number, raw in enumerate(raws):
        (maildir / "cur" / f"{number:07d}.mailbench:2,{'S' if number % 7 else ''}").write_bytes(raw)
        messages += 1
        size += len(raw)
    return Written(messages, size, {})

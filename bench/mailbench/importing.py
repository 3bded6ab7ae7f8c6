"""bench/import: how fast a Maildir becomes searchable, with how much memory and how large an archive."""

import argparse
import json
from dataclasses import asdict, dataclass

from mailbench import commands
from mailbench.archive import Plan
from mailbench.cache import Archive, real, synthetic
from mailbench.measuring import Run, run_measured
from mailbench.peers import Mu, Notmuch, installed
from mailbench.report import machine, say, table, write_json

_QUIET = 0.1
"""Figures taken while other work had a larger share of the machine are not kept for later runs."""


@dataclass(frozen=True, slots=True)
class Imported:
    """One program's import of one archive. Sizes are bytes; `others` is the share of CPU that other work took."""

    archive: str
    program: str
    messages: int
    seconds: float
    cpu_seconds: float
    parent_peak: int
    largest_child_peak: int
    together_peak: int
    index_bytes: int
    others: float

    @classmethod
    def of(cls, archive: Archive, program: str, run: Run, index_bytes: int) -> "Imported":
        memory = run.memory
        return cls(
            archive=archive.name,
            program=program,
            messages=archive.messages,
            seconds=run.seconds,
            cpu_seconds=run.cpu_seconds,
            parent_peak=memory.parent,
            largest_child_peak=memory.largest_child,
            together_peak=memory.together,
            index_bytes=index_bytes,
            others=run.others,
        )

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


class WrongCount(Exception):
    """An import did not take in the messages that the archive has."""


def measure_ours(archive: Archive) -> Imported:
    """`mailquery import`, as a user runs it: process start and the end of its workers are part of the time."""
    run = run_measured(commands.import_command(archive), commands.fresh_home(archive))
    summary = json.loads(run.output)
    if summary["imported"] + summary["already_there"] != archive.messages:
        raise WrongCount(f"{archive.name}: {summary} of {archive.messages} messages")
    commands.stamp(archive)
    return Imported.of(archive, "mailquery", run, commands.archive_bytes(archive))


def measure(archive: Archive, *, peers: bool, again: bool) -> list[Imported]:
    """All programs, one after the other, on the same Maildir, which is in the file cache. Peers whose measured index
    is there already are measured anew only if `again`."""
    _warm(archive)
    say(f"mailquery import: {archive.name} messages ...")
    done = [measure_ours(archive)]
    if peers and installed("notmuch"):
        notmuch = Notmuch(archive)
        done.append(_peer(archive, "notmuch new", notmuch, again))
    if peers and installed("mu"):
        mu = Mu(archive)
        done.append(_peer(archive, "mu index", mu, again))
    return done


def _peer(archive: Archive, name: str, program: Notmuch | Mu, again: bool) -> Imported:
    kept = program.folder / "measured.json"
    if program.ready and kept.exists() and not again:
        before = Imported(**json.loads(kept.read_text()))
        if before.others < _QUIET:
            return before
    say(f"{name}: {archive.name} messages ...")
    done = Imported.of(archive, name, program.index(), program.size())
    kept.write_text(json.dumps(asdict(done)))
    return done


def _warm(archive: Archive) -> None:
    for path in archive.maildir.rglob("*"):
        if path.is_file():
            path.read_bytes()


def show(results: list[Imported]) -> None:
    first = results[0]
    rows = [
        (
            one.program,
            one.seconds,
            one.rate,
            one.messages / one.cpu_seconds,
            first.rate / one.rate,
            one.parent_peak / 2**20,
            one.largest_child_peak / 2**20,
            one.together_peak / 2**20,
            one.index_bytes // one.messages,
            f"{one.others:.0%}",
        )
        for one in results
    ]
    columns = ("program", "s", "msg/s", "msg/CPU s", "ours is x", "parent MB", "child MB", "together MB", "bytes/msg")
    say(table(f"Import, {first.archive} messages", (*columns, "others' CPU"), rows))


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/import", description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000, help="size of the synthetic archive")
    parser.add_argument("--archive", choices=("synthetic", "real", "both"), default="both")
    parser.add_argument("--no-peers", action="store_true", help="mailquery alone")
    parser.add_argument("--again", action="store_true", help="measure peers anew that were measured on this archive")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE, or to standard output with -")
    chosen = parser.parse_args()
    archives = []
    if chosen.archive != "real":
        archives.append(synthetic(Plan(chosen.messages)))
    if chosen.archive != "synthetic" and (found := real()) is not None:
        archives.append(found)
    results: list[Imported] = []
    for archive in archives:
        done = measure(archive, peers=not chosen.no_peers, again=chosen.again)
        show(done)
        results += done
    if chosen.json:
        imports = [asdict(one) | {"messages_per_second": one.rate} for one in results]
        write_json({"machine": machine(), "imports": imports}, chosen.json)


if __name__ == "__main__":
    main()

"""bench/sync: how fast a mailbox on a real IMAP server becomes an archive, and what it costs to keep it current."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from mailbench import commands
from mailbench.archive import Plan
from mailbench.cache import Archive, synthetic
from mailbench.measuring import Run, run_measured
from mailbench.report import machine, say, table, write_json
from mailbench.synchronising.dovecot import MailFolder, is_installed, serving
from mailbench.synchronising.programs import PEERS, Program, available
from mailbench.synchronising.proxy import link
from mailbench.synchronising.raw import fetch_everything

_MAILBOXES = 100
_NEW = 10
_CHANGED = 1_000


@dataclass(frozen=True, slots=True)
class Synchronised:
    """One synchronisation. `received` is bytes from the server, None where they were not counted; memory in bytes."""

    what: str
    program: str
    messages: int
    seconds: float
    cpu_seconds: float
    received: int | None
    parent_peak: int
    together_peak: int
    others: float

    @classmethod
    def of(cls, what: str, program: str, messages: int, run: Run, received: int | None = None) -> "Synchronised":
        memory = run.memory
        return cls(
            what, program, messages, run.seconds, run.cpu_seconds, received, memory.parent, memory.together, run.others
        )


class WrongCount(Exception):
    """A program does not have what the server has."""


def measure_raw(port: int, what: str) -> Synchronised:
    messages, received, seconds = fetch_everything(port)
    return Synchronised(what, "raw FETCH to nowhere", messages, seconds, 0.0, received, 0, 0, 0.0)


def measure_first(program: Program, port: int, messages: int, what: str) -> Synchronised:
    say(f"{what}: {program.name} ...")
    program.prepare(port)
    run = program.synchronise()
    if program.messages() < messages:
        raise WrongCount(f"{program.name} has {program.messages()} of {messages} messages")
    return Synchronised.of(what, program.name, messages, run)


def measure_again(programs: list[Program], port: int, mail: MailFolder) -> list[Synchronised]:
    """What it costs to bring in nothing, a few new messages, and changed flags. The server has seen each of the changes
    before the first program asks for it, so that none of them pays for the server's own work."""
    done = []
    with link(port) as counted:
        for program in programs:
            program.move(counted.port)
            program.synchronise()  # knows the account at its new port
        changes: list[tuple[str, Callable[[], object], int]] = [
            ("nothing new", lambda: None, 0),
            (f"{_NEW} new", lambda: mail.deliver(_NEW), _NEW),
            (f"{_CHANGED} flag changes", lambda: mail.mark(_CHANGED), _CHANGED),
        ]
        for what, change, count in changes:
            change()
            fetch_everything(port)
            for program in programs:
                before = counted.received()
                run = program.synchronise()
                done.append(Synchronised.of(what, program.name, count, run, counted.received() - before))
    return done


def show(title: str, results: list[Synchronised]) -> None:
    if not results:
        return
    columns = ("what", "program", "s", "msg/s", "CPU s", "received kB", "parent MB", "together MB", "others' CPU")
    rows = [
        (
            one.what,
            one.program,
            one.seconds,
            round(one.messages / one.seconds) if one.messages else None,
            one.cpu_seconds or None,
            None if one.received is None else one.received / 1000,
            one.parent_peak / 2**20 or None,
            one.together_peak / 2**20 or None,
            f"{one.others:.0%}",
        )
        for one in results
    ]
    say(table(title, columns, rows))


def measure(archive: Archive, slow: Archive, *, peers: Sequence[str], round_trip: float) -> list[Synchronised]:
    done = [Synchronised.of("import", *_imported(archive))]
    programs = available(peers)
    with serving(archive) as (port, mail):
        fetch_everything(port)  # the server makes its own index
        done.append(measure_raw(port, "first"))
        done += [measure_first(program, port, archive.messages, "first") for program in programs]
        show(f"First synchronisation, {archive.name} messages", done)
        again = measure_again(programs, port, mail)
        mail.add_mailboxes(_MAILBOXES)
        fetch_everything(port)
        for program in programs:
            program.move(port)  # the counted link is gone
            program.synchronise()
            what = f"nothing new, {_MAILBOXES} more mailboxes"
            again.append(Synchronised.of(what, program.name, 0, program.synchronise()))
        show("Incremental", again)
    with serving(slow) as (port, _):
        fetch_everything(port)
        delayed = []
        with link(port, round_trip / 2) as far:
            what = f"first, {round_trip * 1000:.0f} ms round trip"
            delayed.append(measure_raw(far.port, what))
            delayed += [measure_first(program, far.port, slow.messages, what) for program in programs]
        show(f"First synchronisation over a slow link, {slow.name} messages", delayed)
    return done + again + delayed


def _imported(archive: Archive) -> tuple[str, int, Run]:
    say("import: mailquery import ...")
    run = run_measured(commands.import_command(archive), commands.fresh_home(archive))
    return "mailquery import", archive.messages, run


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/sync", description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000, help="size of the account")
    parser.add_argument("--slow-messages", type=int, default=5_000, help="size of the account behind a slow link")
    parser.add_argument(
        "--round-trip", type=float, default=0.05, help="seconds that the slow link adds to a round trip"
    )
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS, help="beside mailquery; none with no name")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE, or to standard output with -")
    chosen = parser.parse_args()
    if not is_installed():
        raise SystemExit("bench/sync needs Dovecot: apt install dovecot-imapd (and isync offlineimap3 to compare).")
    results = measure(
        synthetic(Plan(chosen.messages)),
        synthetic(Plan(chosen.slow_messages)),
        peers=chosen.peers,
        round_trip=chosen.round_trip,
    )
    if chosen.json:
        write_json({"machine": machine(), "synchronised": [asdict(one) for one in results]}, chosen.json)


if __name__ == "__main__":
    main()

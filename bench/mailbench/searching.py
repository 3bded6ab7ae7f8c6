"""bench/search: how long questions of every kind take, and whether words in every script are found."""

import argparse
import asyncio
import time
from collections import defaultdict
from contextlib import ExitStack
from typing import TypeVar

from mailbench.archive import Plan
from mailbench.cache import Archive, real, synthetic
from mailbench.commands import has_archive, home_of
from mailbench.growth import measure_growth
from mailbench.importing import measure_ours
from mailbench.ours import Level, Ours
from mailbench.peers import Answer, Mu, Notmuch, has_notmuch_binding, installed
from mailbench.questions import Action, Question, questions, sample
from mailbench.report import machine, say, table, write_json
from mailbench.timing import Ask, Timed, measure_kind

_LARGEST_MAILDIR = 50_000  # messages; above it mail is short and goes straight into the archive

Program = TypeVar("Program", Notmuch, Mu)
WITH_TOTAL = "notmuch + total"


async def measure(archive: Archive, *, peers: bool, rounds: int, terms: int) -> dict[str, object]:
    """The figures of one archive: latencies by kind and program, and hits against the truth."""
    kinds = questions(sample(archive.maildir), terms)
    timed: list[Timed] = []
    with ExitStack() as stack:
        notmuch = mu = None
        if peers and installed("notmuch") and has_notmuch_binding():
            notmuch = stack.enter_context(_indexed(Notmuch(archive)))
        if peers and installed("mu"):
            mu = _indexed(Mu(archive))
        async with Ours.open(home_of(archive)) as ours:
            programs = _programs(ours, notmuch, mu)
            for kind in kinds:
                say(f"  {kind.name}")
                timed += await measure_kind(kind, programs, rounds)
            recall = await _recall(archive, ours, notmuch, mu)
    _show(archive, timed)
    _show_recall(archive, recall)
    return {"archive": archive.name, "latencies": [_as_json(one) for one in timed], "recall": recall}


def _indexed(program: Program) -> Program:
    if not program.ready:
        say(f"indexing with {type(program).__name__.lower()} ...")
        program.index()
    return program


def _programs(ours: Ours, notmuch: Notmuch | None, mu: Mu | None) -> dict[str, Ask]:
    programs: dict[str, Ask] = {}
    if notmuch is not None:
        asked = notmuch

        async def ask_notmuch(question: Question, action: Action) -> Answer | None:
            return (
                None if question.notmuch is None else asked.ask(question.notmuch, action, count=action is Action.NEWEST)
            )

        async def ask_with_total(question: Question, action: Action) -> Answer | None:
            if question.notmuch is None or action is not Action.NEWEST:
                return None
            return asked.ask(question.notmuch, action, timed_count=True)

        programs["notmuch"] = ask_notmuch
        programs[WITH_TOTAL] = ask_with_total
    for level in Level:

        async def ask_ours(question: Question, action: Action, level: Level = level) -> Answer | None:
            started = time.perf_counter()
            hits = await ours.ask(level, question.ours, action)
            return Answer(time.perf_counter() - started, hits)

        programs[level.value] = ask_ours
    if mu is not None:
        process = mu

        async def ask_mu(question: Question, action: Action) -> Answer | None:
            return None if question.mu is None else process.ask(question.mu)

        programs["mu"] = ask_mu
    return programs


async def _recall(archive: Archive, ours: Ours, notmuch: Notmuch | None, mu: Mu | None) -> list[dict[str, object]]:
    return [
        {
            "term": term,
            "truth": count,
            "mailquery": await ours.total(term),
            "notmuch": notmuch.ask(term, count=True).hits if notmuch else None,
            "mu": mu.ask(term, limit=None).hits if mu else None,
        }
        for term, count in archive.truth.items()
        if count
    ]


def _as_json(one: Timed) -> dict[str, object]:
    latency = one.latency
    return {
        "kind": one.kind,
        "program": one.program,
        "p50_ms": latency.p50,
        "p95_ms": latency.p95,
        "p99_ms": latency.p99,
        "samples": latency.samples,
        "mean_hits": one.hits,
    }


def _show(archive: Archive, timed: list[Timed]) -> None:
    by_kind: dict[str, dict[str, Timed]] = defaultdict(dict)
    for one in timed:
        by_kind[one.kind][one.program] = one
    peers = [name for name in ("notmuch", WITH_TOTAL, "mu") if any(name in programs for programs in by_kind.values())]
    columns = ["ms: p50 / p95 / p99", *(level.value for level in Level), *peers, "hits"]
    if "notmuch" in peers:
        columns += ["notmuch's hits", "notmuch / repository", "the same with notmuch's total"]
    rows = []
    for kind, programs in by_kind.items():
        first = programs[Level.REPOSITORY.value]
        row: list[object] = [
            kind,
            *(_three(programs.get(name)) for name in [*(level.value for level in Level), *peers]),
        ]
        row.append(first.hits)
        if "notmuch" in peers:
            peer = programs.get("notmuch")
            row.append(peer.hits if peer else None)
            row += [_ratio(peer, first), _ratio(programs.get(WITH_TOTAL), first)]
        rows.append(row)
    say(table(f"Latency, {archive.name} messages (mu: a process per question)", columns, rows))


def _ratio(peer: Timed | None, ours: Timed) -> str | None:
    return f"x {peer.latency.p50 / ours.latency.p50:.2f}" if peer else None


def _three(one: Timed | None) -> str | None:
    return f"{one.latency.p50:.2f} / {one.latency.p95:.2f} / {one.latency.p99:.2f}" if one else None


def _show_recall(archive: Archive, recall: list[dict[str, object]]) -> None:
    if recall:
        columns = ("term", "truth", "mailquery", "notmuch", "mu")
        rows = [[one[column] for column in columns] for one in recall]
        say(table(f"Messages found by a term that stands in them, {archive.name} messages", columns, rows))


async def _measure_all(chosen: argparse.Namespace) -> list[dict[str, object]]:
    archives = []
    if chosen.archive != "real":
        archives.append(synthetic(Plan(chosen.messages)))
    if chosen.archive != "synthetic" and (found := real()) is not None:
        archives.append(found)
    results = []
    for archive in archives:
        if not (chosen.reuse and has_archive(archive)):
            say(f"importing {archive.name} messages ...")
            measure_ours(archive)
        results.append(await measure(archive, peers=not chosen.no_peers, rounds=chosen.rounds, terms=chosen.terms))
    return results


def _sizes(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/search", description=__doc__)
    parser.add_argument(
        "--messages", type=int, default=50_000, help="size of the synthetic archive; above 50,000 it is streamed"
    )
    parser.add_argument("--archive", choices=("synthetic", "real", "both"), default="both")
    parser.add_argument("--terms", type=int, default=30, help="questions of each kind")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is asked after warming up")
    parser.add_argument("--no-peers", action="store_true", help="mailquery alone")
    parser.add_argument("--reuse", action="store_true", help="search the archive of the last run instead of a new one")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE, or to standard output with -")
    parser.add_argument(
        "--sizes", type=_sizes, metavar="N,N,...", help="streamed archives of these sizes, and how figures grow"
    )
    chosen = parser.parse_args()
    sizes = chosen.sizes or ([chosen.messages] if chosen.messages > _LARGEST_MAILDIR else [])
    if sizes:
        say("Streamed archives have no Maildir: notmuch and mu are left out.")
        growth = measure_growth(sizes, reuse=chosen.reuse, rounds=chosen.rounds, terms=chosen.terms)
        if chosen.json:
            write_json({"machine": machine(), "growth": growth}, chosen.json)
        return
    results = asyncio.run(_measure_all(chosen))
    if chosen.json:
        write_json({"machine": machine(), "archives": results}, chosen.json)


if __name__ == "__main__":
    main()

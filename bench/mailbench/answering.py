"""A process that only searches a streamed archive, so that its memory is a server's; its figures are JSON."""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from mailbench.ours import Level, Ours
from mailbench.peers import Answer
from mailbench.questions import Action, Question, questions
from mailbench.report import say
from mailbench.streamed import known_sample
from mailbench.timing import Timed, measure_kind
from mcpkit.errors import ErrorCode, Fault

_FIELDS = {"peak_rss": "VmHWM:", "anonymous": "RssAnon:", "mapped": "RssFile:"}


def memory() -> dict[str, int]:
    """This process's memory in bytes: the peak, and what is its own and what is of files at this moment."""
    status = Path("/proc/self/status").read_text("ascii").splitlines()
    values = {line.split()[0]: int(line.split()[1]) for line in status if line.endswith(" kB")}
    return {name: values[field] * 1_024 for name, field in _FIELDS.items()}


async def answer(home: Path, rounds: int, terms: int, only: str = "") -> dict[str, object]:
    """Every kind of question (or those with `only` in their names) asked of the archive in `home`, and the memory."""
    timed: list[Timed] = []
    stopped: Counter[str] = Counter()  # by the product's own time limit, which is then what is measured
    kinds = [kind for kind in questions(known_sample(home), terms) if only in kind.name]
    async with Ours.open(home) as ours:

        async def ask(question: Question, action: Action) -> Answer | None:
            started = time.perf_counter()
            try:
                hits = await ours.ask(Level.REPOSITORY, question.ours, action)
            except Fault as fault:
                if fault.code is not ErrorCode.TIMEOUT:
                    raise
                stopped[kind.name] += 1
                hits = 0
            return Answer(time.perf_counter() - started, hits)

        for kind in kinds:
            say(f"  {kind.name}")
            timed += await measure_kind(kind, {Level.REPOSITORY.value: ask}, rounds)
        for kind in kinds:  # once, as a server is asked: for what it takes of memory
            for question in kind.questions if not stopped[kind.name] else ():
                await ours.ask(Level.TOOL, question.ours, kind.action)
        return {"memory": memory(), "stopped": dict(stopped), "latencies": [asdict(one) for one in timed]}


def main() -> None:
    parser = argparse.ArgumentParser(prog="mailbench.answering", description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--terms", type=int, default=30)
    parser.add_argument("--only", default="")
    chosen = parser.parse_args()
    json.dump(asyncio.run(answer(chosen.home, chosen.rounds, chosen.terms, chosen.only)), sys.stdout)


if __name__ == "__main__":
    main()

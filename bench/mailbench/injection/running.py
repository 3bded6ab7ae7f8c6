"""bench/injection: what of an attack reaches the reader, what is said about it, and what is said of ordinary mail."""

import argparse
import asyncio
import base64
import json
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from mailbench.injection.attacks import attacks
from mailbench.injection.judge import Answer, faults
from mailbench.injection.letters import Letter
from mailbench.injection.ordinary import ordinary
from mailbench.injection.reading import Reader, archive_of
from mailbench.report import say, table
from mailquery.domain.handles import key_of_fingerprint, message_handle
from mailquery.domain.identity import fingerprint


@dataclass(slots=True)
class Found:
    """Of attacks: what went through, by attack. Of all: the warnings. Of ordinary mail: which masks are right."""

    attacks: Counter[str] = field(default_factory=Counter)
    ordinary: Counter[str] = field(default_factory=Counter)
    reached: dict[str, list[str]] = field(default_factory=dict)
    warned: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)
    silent: list[str] = field(default_factory=list)
    false: dict[str, list[str]] = field(default_factory=dict)
    masked: int = 0
    not_masked: list[str] = field(default_factory=list)
    wrongly_masked: list[str] = field(default_factory=list)
    kept: int = 0
    calls: int = 0
    read_ms: float = 0.0


def handle(letter: Letter) -> str:
    return message_handle(key_of_fingerprint(fingerprint(letter.raw)))


async def measure(home: Path, hostile: Sequence[Letter], friendly: Sequence[Letter]) -> Found:
    found = Found()
    async with archive_of(home, [*hostile, *friendly]) as reader:
        for letter in hostile:
            await _attack(reader, letter, found)
        # Whose words they are does not matter in answers about all mail: all of them must be fenced.
        seen = tuple(word for letter in hostile for word in letter.seen)
        everybody = Letter("all", "all", b"", seen, tuple(word for letter in hostile for word in letter.unseen))
        for answer in await reader.over_all():
            found.calls += 1
            if through := list(dict.fromkeys(faults(answer, everybody))):
                found.reached[f"over all: {answer.what}"] = through
        times: list[float] = []
        for letter in friendly:
            await _ordinary(reader, letter, found, times)
        found.read_ms = median(times) * 1000 if times else 0.0
    return found


async def _attack(reader: Reader, letter: Letter, found: Found) -> None:
    found.attacks[letter.family] += 1
    through: dict[str, None] = {}
    answers = await reader.everything(handle(letter), letter.seen)
    found.calls += len(answers)
    if not any(word in text for answer in answers for text in answer.texts for word in letter.seen):
        through["nothing of it is shown at all"] = None
    for answer in answers:
        through.update(dict.fromkeys(f"{answer.what} {answer.source}: {fault}" for fault in faults(answer, letter)))
    if through:
        found.reached[f"{letter.family}: {letter.name}"] = list(through)
    signals = await _signals(reader, letter)
    if any(each.get("warning") for each in signals):
        found.warned[letter.family] += 1
    elif any(each["kind"] not in ("first_time_sender", "authentication") for each in signals):
        found.noted[letter.family] += 1
    else:
        found.silent.append(f"{letter.family}: {letter.name}")


async def _signals(reader: Reader, letter: Letter) -> list[dict[str, Any]]:
    _, structured = await reader.call("read_message", id=handle(letter))
    signals: list[dict[str, Any]] = structured.get("signals", [])
    _, files = await reader.call("list_attachments", query=f"thread:{handle(letter)}")
    for row in files.get("rows", ()):
        _, content = await reader.call("get_attachment", id=row["id"])
        signals += [{"kind": kind, "warning": True} for kind in content.get("signals", ())]
    return signals


async def _ordinary(reader: Reader, letter: Letter, found: Found, times: list[float]) -> None:
    found.ordinary[letter.family] += 1
    began = time.perf_counter()
    answer, structured = await reader.call("read_message", id=handle(letter))
    times.append(time.perf_counter() - began)
    warnings = [each["kind"] for each in structured.get("signals", ()) if each.get("warning")]
    if warnings:
        found.false[f"{letter.family}: {letter.name} ({handle(letter)})"] = warnings
    text = answer.texts[0]
    found.kept += len(letter.kept)
    found.wrongly_masked += [f"{letter.family}: {letter.name}: {value}" for value in letter.kept if value not in text]
    if not letter.secret:
        return
    answers = [*await reader.everything(handle(letter), ()), *[await reader.rows_of(value) for value in letter.secret]]
    found.calls += len(answers)
    shown = [each for each in answers if any(_holds(each, value) for value in letter.secret)]
    found.masked += not shown
    if shown:
        where = ", ".join(f"{each.what} {each.source}" for each in shown)
        found.not_masked.append(f"{letter.family}: {letter.name}: {where}")
    open_answer, _ = await reader.call("read_message", id=handle(letter), include_secrets=True)
    if not any(value in open_answer.texts[0] for value in letter.secret):
        found.not_masked.append(f"{letter.family}: {letter.name}: it is not shown where it was asked for")


def _holds(answer: Answer, value: str) -> bool:
    """Whether an answer shows a secret, be it in base64 as the message was sent."""
    for text in (*answer.texts, answer.structured):
        if value in text.replace("**", ""):
            return True
        for block in re.findall(r"(?:[A-Za-z0-9+/]{40,}=*(?:\\n|\n)?)+", text):
            encoded = re.sub(r"\\n|\n|=", "", block)
            if value.encode() in base64.b64decode(encoded[: len(encoded) // 4 * 4]):
                return True
    return False


def show(found: Found) -> None:
    attack_count, ordinary_count = sum(found.attacks.values()), sum(found.ordinary.values())
    rows: list[list[object]] = []
    for name, count in found.attacks.items():
        reached = sum(key.startswith(f"{name}: ") for key in found.reached)
        rows.append([name, count, reached, found.warned[name], found.noted[name]])
    rows.append(["all", attack_count, len(found.reached), sum(found.warned.values()), sum(found.noted.values())])
    print(table("Attacks", ["family", "attacks", "reach the reader", "with a warning", "with a note only"], rows))
    for name, through in found.reached.items():
        print(f"  {name}: {'; '.join(through[:4])}")
    print("\nnot signalled: " + ("; ".join(found.silent) or "none"))
    by_family: dict[str, int] = defaultdict(int)
    for name in found.false:
        by_family[name.partition(": ")[0]] += 1
    rows = [[name, count, by_family[name]] for name, count in found.ordinary.items()]
    rows.append(["all", ordinary_count, len(found.false)])
    print(table("Ordinary mail", ["family", "messages", "with a false warning"], rows))
    for name, kinds in list(found.false.items())[:20]:
        print(f"  {name}: {', '.join(kinds)}")
    share = 100 * len(found.false) / ordinary_count if ordinary_count else 0.0
    print(f"\nfalse warnings: {share:.1f} % of {ordinary_count}")
    print(f"secrets masked in every answer: {found.masked} messages; not: {len(found.not_masked)}")
    for line in found.not_masked[:20]:
        print(f"  {line}")
    print(f"other values left alone: {found.kept - len(found.wrongly_masked)} of {found.kept}")
    for line in found.wrongly_masked[:20]:
        print(f"  {line}")
    print(f"{found.calls:,} answers looked at; read_message p50 {found.read_ms:.2f} ms through the client")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/injection", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there (- is standard output)")
    chosen = parser.parse_args()
    hostile, friendly = attacks(), ordinary()
    say(f"{len(hostile)} attacks, {len(friendly)} ordinary messages")
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder) / "home", hostile, friendly))
    show(found)
    if chosen.json:
        text = json.dumps(asdict(found), indent=1, ensure_ascii=False)
        sys.stdout.write(text) if str(chosen.json) == "-" else chosen.json.write_text(text, encoding="utf-8")
    if found.reached or found.not_masked or found.wrongly_masked:
        sys.exit(1)


if __name__ == "__main__":
    main()

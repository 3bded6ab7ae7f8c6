"""bench/quality: how often a search finds the one message that a question is about, on the real mail.

Each question's query is sent to `search_messages` as an assistant sends it. recall@1 and recall@10 are the shares of
questions whose message is the first row, or among the first ten; MRR is the mean of 1 / its place among those ten.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from mcp import Client

from mailbench.cache import Archive, real
from mailbench.commands import has_archive, home_of
from mailbench.importing import measure_ours
from mailbench.known_items import KnownItem, known_items, read_mail
from mailbench.plain_bm25 import PlainBM25
from mailbench.rank_fusion import RankFusion
from mailbench.report import machine, say, table, write_json
from mailquery.bootstrap import open_application
from mailquery.embedding.static import StaticEmbedder
from mailquery.serving import Serving
from mailquery.settings import Settings
from mailquery.settings.reading import Meaning, Ranking

_ROWS = 10
_MODES: dict[str, tuple[Meaning, Ranking]] = {
    "keyword": (Meaning(enabled=False), Ranking()),
    "meaning": (Meaning(), Ranking(words=0, text=0, recency=0)),
    "hybrid": (Meaning(), Ranking()),
}


@dataclass(frozen=True, slots=True)
class Tried:
    """One question, asked one way. `place` is 1 for the first row, None where the message is not among the ten;
    `chars` is the length of the answer's text; `seconds` its time through an in-memory client."""

    item: KnownItem
    mode: str
    place: int | None
    chars: int | None
    seconds: float


async def _try_mode(archive: Archive, mode: str, items: Sequence[KnownItem]) -> list[Tried]:
    meaning, ranking = _MODES[mode]
    settings = Settings(home=home_of(archive), meaning=meaning, ranking=ranking)
    async with open_application(settings) as application:
        if settings.meaning.enabled:
            await application.embed_mail()
        async with Client(Serving(application).server()) as client:
            await client.call_tool("search_messages", {"query": "warm up"})
            return [await _ask(client, mode, item) for item in items]


async def _ask(client: Client, mode: str, item: KnownItem) -> Tried:
    started = time.perf_counter()
    result = await client.call_tool("search_messages", {"query": item.query, "limit": _ROWS})
    seconds = time.perf_counter() - started
    if result.is_error or result.structured_content is None:
        raise SystemExit(f"{item.query!r} was not answered: {result.content}")
    found = [row.get("message_id") for row in result.structured_content["rows"]]
    chars = sum(len(getattr(block, "text", "")) for block in result.content)
    return Tried(item, mode, _place(found, item), chars, seconds)


def _place(found: Sequence[str | None], item: KnownItem) -> int | None:
    # A long Message-ID is folded in its header, and programs unfold it with one space, or several.
    unfolded = ["".join((identifier or "").split()) for identifier in found]
    wanted = "".join(item.message_id.split())
    return unfolded.index(wanted) + 1 if wanted in unfolded else None


async def _try_peers(archive: Archive, items: Sequence[KnownItem]) -> list[Tried]:
    mails = list(read_mail(archive.maildir))
    plain = PlainBM25(mails)
    fusion = RankFusion(plain, StaticEmbedder())
    await fusion.read(mails)
    tried = []
    for item in items:
        started = time.perf_counter()
        found = plain.find(item.query, _ROWS)
        between = time.perf_counter()
        fused = await fusion.find(item.query, _ROWS)
        tried.append(Tried(item, "plain BM25", _place(found, item), None, between - started))
        tried.append(Tried(item, "rank fusion", _place(fused, item), None, time.perf_counter() - between))
    return tried


def _figures(tried: Sequence[Tried]) -> dict[str, object]:
    places = [one.place for one in tried]
    chars = [one.chars for one in tried if one.chars is not None]
    return {
        "questions": len(tried),
        "recall@1": sum(place == 1 for place in places) / len(places),
        "recall@10": sum(place is not None for place in places) / len(places),
        "mrr": mean(1 / place if place else 0 for place in places),
        "chars": mean(chars) if chars else None,
        "p50_ms": median(one.seconds for one in tried) * 1000,
    }


def _report(tried: Sequence[Tried]) -> list[dict[str, object]]:
    figures = []
    for half in ("held out", "tuned"):
        rows = []
        for mode in dict.fromkeys(one.mode for one in tried):
            for kind in ("all", *dict.fromkeys(one.item.kind for one in tried)):
                chosen = [
                    one
                    for one in tried
                    if one.mode == mode and kind in {"all", one.item.kind} and one.item.tuned == (half == "tuned")
                ]
                found = _figures(chosen)
                figures.append({"half": half, "mode": mode, "kind": kind, **found})
                rows.append([f"{mode}, {kind}", *found.values()])
        columns = ("", "questions", "recall@1", "recall@10", "MRR", "characters", "p50 ms")
        say(table(f"Questions of the half that is {half}", columns, rows))
    return figures


async def _measure(chosen: argparse.Namespace) -> list[dict[str, object]]:
    archive = real()
    if archive is None:
        raise SystemExit("The real mail that the questions are about is not here: see bench/README.md.")
    if not (chosen.reuse and has_archive(archive)):
        say(f"importing {archive.name} messages ...")
        measure_ours(archive)
    items = known_items()
    tried = await _try_peers(archive, items)
    for mode in _MODES:
        tried += await _try_mode(archive, mode, items)
    if chosen.missed:
        for one in tried:
            if one.mode == "hybrid" and one.place is None:
                say(f"missed ({one.item.kind}): {one.item.query}   <- {one.item.question}")
    return _report(tried)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/quality", description=__doc__)
    parser.add_argument("--reuse", action="store_true", help="search the archive of the last run instead of a new one")
    parser.add_argument("--missed", action="store_true", help="name the questions whose message was not found")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE, or to standard output with -")
    chosen = parser.parse_args()
    figures = asyncio.run(_measure(chosen))
    if chosen.json:
        write_json({"machine": machine(), "figures": figures}, chosen.json)


if __name__ == "__main__":
    main()

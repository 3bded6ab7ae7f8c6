"""A run: everybody at work for a time, and then the reckoning."""

import asyncio
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mailquery.bootstrap import open_application
from mailquery.repositories.records import Sort, Visibility
from mailquery.services.filters import Filters
from mailquery.settings import Settings
from soaking import actors
from soaking.actors import World
from soaking.letters import Letter, Letters
from soaking.processes import Processes, Server, quantile
from support.dovecot import PASSWORD, USER, running_dovecot

_QUERIERS = 2
_LISTED = 20


@dataclass(frozen=True)
class Soaked:
    """What came of a run. It held where there are no violations."""

    violations: list[str]
    figures: dict[str, Any]


def soak(folder: Path, *, seconds: float, seed: int, pace: float = 1.0, **environment: str) -> Soaked:
    """Lets import, synchronisation, queries, backups and kills go on for `seconds`, then looks at every message."""
    with running_dovecot() as dovecot:
        # Synchronised at once where the mail server announces something, and else often.
        processes = Processes(folder, {"MAILQUERY_SYNC__INTERVAL_SECONDS": "10"} | environment)
        server = Server(processes, folder / "server.log")
        key = _key(processes)
        _add_account(processes, dovecot.port)
        world = World(Letters(seed), processes, server, dovecot, folder, key, seed, pace)
        began = time.monotonic()
        server.start()
        try:
            with _everybody(world, began):
                world.over.wait(seconds)
        finally:
            if server.is_running():
                code = server.stop()
                if code not in (0, -15):
                    world.violations.append(f"the server ended with {code}")
        at_work = time.monotonic() - began
        _bring_in_the_rest(world)
        _verify(world)
        asyncio.run(_reckon(world, processes.mailquery.home))
        _restore_the_last(world)
    return Soaked(world.violations[:_LISTED], _figures(world, at_work))


@contextmanager
def _everybody(world: World, began: float) -> Iterator[None]:
    tasks: list[Callable[[], None]] = [
        partial(actors.imports, world),
        partial(actors.mail_comes_and_goes, world),
        partial(actors.synchronises, world),
        partial(actors.backups, world),
        partial(actors.kills, world),
        partial(actors.watches_memory, world, began),
        *(partial(actors.queries, world, number) for number in range(_QUERIERS)),
    ]
    threads = [threading.Thread(target=_reporting, args=(world, task)) for task in tasks]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        world.over.set()
        for thread in threads:
            thread.join()


def _reporting(world: World, task: Callable[[], None]) -> None:
    try:
        task()
    except Exception as error:  # noqa: BLE001 - an actor that failed has not done its part: the run is no proof
        world.violations.append(f"an actor failed: {type(error).__name__}: {error}")


def _key(processes: Processes) -> str:
    created = processes.mailquery("keys", "create", "--user", "ana", "--json")
    assert created.code == 0, created.err
    key: str = created.json["key"]
    return key


def _add_account(processes: Processes, port: int) -> None:
    added = processes.mailquery(
        *("accounts", "add", USER, "--name", "mail", "--username", USER, "--when-gone", "keep"),
        *("--host", "127.0.0.1", "--port", str(port), "--security", "none"),
        MAILQUERY_ACCOUNT_PASSWORD=PASSWORD,
    )
    assert added.code == 0, added.err


def _bring_in_the_rest(world: World) -> None:
    """What was delivered last, and what an import was killed at."""
    code, out = world.processes.run("sync", "mail")
    if code != 0:
        world.violations.append(f"the last synchronisation ended with {code}: {out[-500:]}")


def _verify(world: World) -> None:
    code, out = world.processes.run("verify", "--full")
    if code != 0:
        world.violations.append(f"the archive is not sound: {out[-1500:]}")


async def _reckon(world: World, home: Path) -> None:
    """Every message is found by its word, once, and is what was put in."""
    async with open_application(Settings(home=home)) as application:
        count = (await application.services.archive_status(Visibility())).version.messages
        if count != len(world.letters.all):
            world.violations.append(f"{count} messages are counted, and {len(world.letters.all)} were put in")
        for letter in world.letters.all:
            found = await application.services.search_messages(
                Visibility(), Filters(f'"{letter.word}"'), sort=Sort.NEWEST, limit=2
            )
            if found.total.value != 1 or len(found.hits) != 1:
                world.violations.append(
                    f"{letter.word} is found {found.total.value} times: {letter.put}, found before: {letter.settled}, "
                    f"on the server: {_on_server(world, letter)}"
                )
                continue
            raw = await application.services.export_message(Visibility(), message_id(found.hits[0]))
            if not _is_as_put_in(letter, raw):
                world.violations.append(f"{letter.word} is not what was put in")


def message_id(hit: Any) -> str:
    from mailquery.domain.handles import message_handle

    return message_handle(hit.row.key)


def _on_server(world: World, letter: Letter) -> str:
    query = ("mailbox", "*", "header", "message-id", f"<{letter.number}@soak.example>")
    return world.dovecot.doveadm("fetch", "-u", USER, "mailbox uid flags", *query).strip() or "nowhere"


def _is_as_put_in(letter: Letter, raw: bytes) -> bool:
    return hashlib.sha256(raw).digest() in letter.hashes


def _restore_the_last(world: World) -> None:
    made = sorted((world.folder / "backups").glob("mailquery-*")) if (world.folder / "backups").exists() else []
    if not made:
        return
    there = world.processes.mailquery("restore", made[-1], "--json", MAILQUERY_HOME=str(world.folder / "restored"))
    if there.code != 0:
        world.violations.append(f"the last backup is not restored: {there.err}")
        return
    sound = world.processes.mailquery("verify", "--json", MAILQUERY_HOME=str(world.folder / "restored"))
    checks = {each["check"]: each["damaged"] for each in json.loads(sound.out)["checks"]}
    if any(checks.values()):
        world.violations.append(f"what was restored is not sound: {checks}")


def _figures(world: World, at_work: float) -> dict[str, Any]:
    sizes = [size for _, _, size in world.memory]
    return {
        "seconds": round(at_work, 1),
        "cores": os.cpu_count(),
        "messages": len(world.letters.all),
        "delivered": world.delivered,
        "expunged_on_server": world.expunged,
        "runs": dict(world.processes.runs),
        "killed": dict(world.processes.kills),
        "searches": len(world.searches),
        "search_ms": {
            "p50": round(1000 * quantile(world.searches, 0.5), 1),
            "p95": round(1000 * quantile(world.searches, 0.95), 1),
            "p99": round(1000 * quantile(world.searches, 0.99), 1),
            "max": round(1000 * max(world.searches, default=0), 1),
        },
        "reads": len(world.reads),
        "unanswered": world.refused,
        "backups": [
            {"seconds": seconds, "mb": round(size / 1e6, 1), "messages": messages}
            for seconds, size, messages in world.backups
        ],
        "server_starts": world.server.starts,
        "server_mb": {"most": round(max(sizes, default=0) / 1e6, 1), "over_time": _over_time(world)},
    }


def _over_time(world: World) -> list[dict[str, float]]:
    """About one in ten seconds."""
    shown = world.memory[:: max(1, len(world.memory) // 60)]
    return [{"second": round(second), "start": start, "mb": round(size / 1e6, 1)} for second, start, size in shown]

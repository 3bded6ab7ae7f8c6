"""Those who use the archive at the same time. Each runs on a thread of its own until the run is over."""

import json
import mailbox
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from soaking.letters import Letter, Letters
from soaking.processes import Processes, Server, some_time
from support.dovecot import Dovecot

_CONFLICT = 4  # exit code: another process writes


@dataclass
class World:
    """What all of them share. `violations` are what must not have happened, `pace` is how quickly everybody goes about
    it: the seconds between two actions are multiplied by it."""

    letters: Letters
    processes: Processes
    server: Server
    dovecot: Dovecot
    folder: Path
    key: str
    seed: int
    pace: float = 1.0
    over: threading.Event = field(default_factory=threading.Event)
    violations: list[str] = field(default_factory=list)
    searches: list[float] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)
    backups: list[tuple[float, int, int]] = field(default_factory=list)  # seconds, bytes, messages
    memory: list[tuple[float, int, int]] = field(default_factory=list)  # seconds of the run, start, bytes
    refused: int = 0
    delivered: int = 0
    expunged: int = 0

    def chance(self, name: str) -> random.Random:
        return random.Random(f"{self.seed} {name}")

    def rest(self, chance: random.Random, mean: float) -> bool:
        """Waits about so many seconds; whether the run goes on."""
        return not self.over.wait(some_time(chance, mean * self.pace))


def imports(world: World) -> None:
    """mbox files and Maildirs, one after the other. An import that was killed is run again to its end."""
    chance = world.chance("imports")
    number = 0
    while world.rest(chance, 2.0):
        number += 1
        letters = world.letters.write(chance.randrange(20, 200))
        path = _mbox(world, number, letters) if chance.random() < 0.5 else _maildir(world, number, letters)
        for letter in letters:
            letter.put = f"imported from {path.name}"
        if chance.random() < 0.4:
            world.processes.run("import", path, "--no-embed", kill_after=some_time(chance, 1.5) + 0.3)
        import_to_its_end(world, path)


def import_to_its_end(world: World, path: Path) -> None:
    """Another process may be writing: then it is tried again."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        code, out = world.processes.run("import", path, "--no-embed", "--account", "files")
        if code == 0:
            return
        if code != _CONFLICT:
            world.violations.append(f"an import ended with {code}: {out[-500:]}")
            return
        time.sleep(0.2)
    world.violations.append(f"an import was not let in for 300 s: {out[-500:]}")


def mail_comes_and_goes(world: World) -> None:
    """On the mail server. What goes from there was found in the archive before, and stays in it."""
    chance, mail = world.chance("mail"), world.dovecot.mail()
    mail.create("Archive")
    while world.rest(chance, 1.0):
        letters = world.letters.write(chance.randrange(1, 25))
        box = chance.choice(["INBOX", "INBOX", "Archive"])
        for letter in letters:
            letter.put = f"delivered to {box}"
        mail.deliver([letter.as_delivered() for letter in letters], box)
        world.delivered += len(letters)
        if chance.random() < 0.3:
            mail.flag("1:3", "\\Seen", "\\Flagged")
        if chance.random() < 0.3:
            mail.move(f"uid {chance.randrange(1, world.delivered + 1)}", "Archive")
        found = world.letters.settled(chance)
        if found is not None and found.put == "delivered to INBOX" and chance.random() < 0.6:
            found.put += ", and expunged"
            mail.expunge(f"header message-id <{found.number}@soak.example>")
            world.expunged += 1


def synchronises(world: World) -> None:
    """From the command line, beside the server; killed now and then."""
    chance = world.chance("synchronises")
    while world.rest(chance, 8.0):
        kill_after = some_time(chance, 1.0) + 0.5 if chance.random() < 0.5 else None
        code, out = world.processes.run("sync", "mail", kill_after=kill_after)
        if kill_after is None and code not in (0, _CONFLICT):
            world.violations.append(f"a synchronisation ended with {code}: {out[-500:]}")


def queries(world: World, number: int) -> None:
    """Searches for letters: for new ones until they are found, and for found ones, which must be found for ever."""
    chance = world.chance(f"queries {number}")
    with httpx2.Client(timeout=60, headers={"Authorization": f"Bearer {world.key}"}) as client:
        while world.rest(chance, 0.03):
            letter = world.letters.settled(chance) if chance.random() < 0.5 else None
            if letter is None and world.letters.all:
                letter = chance.choice(world.letters.all)
            if letter is not None:
                _look_for(world, client, letter)


def _look_for(world: World, client: httpx2.Client, letter: Letter) -> None:
    was_settled, was_up = letter.settled, world.server.up.is_set()
    began = time.monotonic()
    try:
        found = _call(client, world.server.url, "search_messages", query=f'"{letter.word}"', sort="newest")
        world.searches.append(time.monotonic() - began)
        total = found["total"]
        if total > 1 or (was_settled and total != 1):
            world.violations.append(f"{letter.word} was found {total} times (found before: {was_settled})")
        if total:
            letter.settled = True
            began = time.monotonic()
            read = _call(client, world.server.url, "read_message", id=found["rows"][0]["id"])
            world.reads.append(time.monotonic() - began)
            if letter.word not in json.dumps(read):
                world.violations.append(f"the message that was found for {letter.word} is another one")
    except httpx2.HTTPError as error:
        # Refused by a server that was killed: it says nothing about one that runs.
        if was_up and world.server.up.is_set() and world.server.is_running():
            time.sleep(0.5)
            if world.server.up.is_set() and world.server.is_running() and not world.over.is_set():
                world.refused += 1
                if world.refused > 5 * (1 + world.server.starts):
                    world.violations.append(f"the server did not answer: {type(error).__name__}")
    except ValueError as error:
        world.violations.append(str(error))


def _call(client: httpx2.Client, url: str, tool: str, **arguments: object) -> dict[str, Any]:
    """The structured answer. Raises ValueError where it is an error."""
    params = {"name": tool, "arguments": arguments}
    answer = client.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    body = answer.json()
    result = body.get("result", {})
    if "error" in body or result.get("isError"):
        raise ValueError(f"{tool} failed: {json.dumps(body)[:500]}")
    structured: dict[str, Any] = result["structuredContent"]
    return structured


def backups(world: World) -> None:
    """Each is verified."""
    chance, target = world.chance("backups"), world.folder / "backups"
    while world.rest(chance, 25.0):
        code, out = world.processes.run("backup", target, "--keep", "2", "--json")
        if code != 0:
            world.violations.append(f"a backup ended with {code}: {out[-500:]}")
            continue
        made = json.loads(out[out.index("{") :])
        world.backups.append((made["seconds"], made["bytes"], made["messages"]))
        code, out = world.processes.run("verify", made["path"])
        if code != 0:
            world.violations.append(f"a backup is not sound: {out[-500:]}")


def kills(world: World) -> None:
    """The server, and starts it again at once."""
    chance = world.chance("kills")
    while world.rest(chance, 20.0):
        world.server.kill()
        world.server.start()


def watches_memory(world: World, began: float) -> None:
    while not world.over.wait(min(5.0, 5.0 * world.pace)):
        size = world.server.memory()
        if size is not None:
            world.memory.append((time.monotonic() - began, world.server.starts, size))


def _mbox(world: World, number: int, letters: list[Letter]) -> Path:
    path = world.folder / f"{number}.mbox"
    # By hand: what the standard library writes has another form of line before a message.
    with path.open("wb") as file:
        for letter in letters:
            file.write(b"From ana@example.com Mon Mar  2 01:00:00 2026\n" + letter.as_file() + b"\n")
    return path


def _maildir(world: World, number: int, letters: list[Letter]) -> Path:
    path = world.folder / f"maildir-{number}"
    box = mailbox.Maildir(path)
    for letter in letters:
        box.add(letter.as_file())
    return path

"""A synthetic archive of any size: messages go from the seed into mailquery's archive, and their files never exist.

The processes that make messages also parse and prepare them, as an import's do; one connection writes. What was written
is noted after every transaction, so that a build that was stopped goes on where it was.
"""

import asyncio
import json
import os
import random
import shutil
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from mailbench.archive import BLOCK, FORMAT_VERSION, Plan, Written, each_block
from mailbench.cache import bench_folder
from mailbench.questions import SAMPLE, Sample
from mailbench.vocabulary import TERMS
from mailquery.domain.identity import fingerprint
from mailquery.domain.mailboxes import MailboxRole, Placement
from mailquery.repositories.prepared import NewPlacement, PreparedMessage
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.imports import SqliteImports
from mailquery.services.importing import DEFAULT_ACCOUNT
from mailquery.services.preparing import prepare
from mailquery.sources.interfaces import SourceMessage
from mailquery.sources.maildir import flags_of

_BLOCKS_WRITTEN = 8  # in one transaction: 2,000 messages, as an import does
_ROLES = {"INBOX": MailboxRole.INBOX, "Sent": MailboxRole.SENT, "Archive": MailboxRole.ARCHIVE}
_STATE = "build.json"
_OPTIMISE = "INSERT INTO search (search) VALUES ('optimize')"
_CHECKPOINT = "PRAGMA wal_checkpoint(TRUNCATE)"
_NOW = datetime(2025, 1, 1, tzinfo=UTC)  # every message has a date: this decides nothing


@dataclass(slots=True)
class Block:
    """What one block of the plan gives: messages ready to be written, and what is counted of them."""

    messages: list[PreparedMessage] = field(default_factory=list)
    placements: list[NewPlacement] = field(default_factory=list)
    written: Written = field(default_factory=lambda: Written(0, 0, {}))
    sample: Sample = field(default_factory=Sample)


@dataclass(frozen=True, slots=True)
class Streamed:
    """An archive that was built: `home` is what `MAILQUERY_HOME` would name."""

    plan: Plan
    home: Path
    written: Written
    sample: Sample

    @property
    def archive_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.home.iterdir() if path.name.startswith("archive.db"))


def make_block(plan: Plan, number: int) -> Block:
    """Makes and prepares one block; the same plan and number give the same, in any process."""
    block = Block()
    rng = random.Random(f"{plan.seed}/sample/{number}")
    every = max(1, plan.messages // SAMPLE)
    size = 0
    truth: Counter[str] = Counter()
    for at, message in enumerate(plan.block(number), number * BLOCK):
        placement = Placement(message.mailbox, flags_of(f":2,{message.flags}"), f"block {number}#{at}")
        source = SourceMessage(message.raw, (placement,), message.date)
        print_ = fingerprint(message.raw)
        block.messages.append(prepare(source, print_, _NOW))
        block.placements.append(NewPlacement(print_, DEFAULT_ACCOUNT, (placement,)))
        if at % every == 0:
            block.sample.take("" if message.mailbox == "INBOX" else message.mailbox, message.raw, rng)
        size += len(message.raw)
        truth.update(term for term in TERMS if term in message.text)
    block.written = Written(len(block.messages), size, dict(truth))
    return block


@dataclass(slots=True)
class _State:
    """How far a build is. It is on disk only after what it speaks of is."""

    blocks: int = 0
    complete: bool = False
    messages: int = 0
    bytes: int = 0
    truth: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(TERMS, 0)))
    sample: Sample = field(default_factory=Sample)

    @classmethod
    def read(cls, path: Path) -> "_State":
        if not path.exists():
            return cls()
        known: dict[str, Any] = json.loads(path.read_text("utf-8"))
        written = known["written"]
        return cls(
            known["blocks"],
            known["complete"],
            written["messages"],
            written["bytes"],
            Counter(written["truth"]),
            Sample.of_json(known["sample"]),
        )

    def add(self, block: Block) -> None:
        self.blocks += 1
        self.messages += block.written.messages
        self.bytes += block.written.bytes
        self.truth.update(block.written.truth)
        self.sample.add(block.sample)

    @property
    def written(self) -> Written:
        return Written(self.messages, self.bytes, dict(self.truth))

    def write(self, path: Path) -> None:
        known = {
            "blocks": self.blocks,
            "complete": self.complete,
            "written": asdict(self.written),
            "sample": self.sample.as_json(),
        }
        half = path.with_suffix(".half")
        half.write_text(json.dumps(known, ensure_ascii=False), encoding="utf-8")
        half.replace(path)


def known_sample(home: Path) -> Sample:
    """What was counted while the archive in `home` was built."""
    return _State.read(home / _STATE).sample


def home_of(plan: Plan) -> Path:
    words = "" if plan.measure == Plan(1).measure else "-short"
    return bench_folder() / f"streamed-v{FORMAT_VERSION}-{plan.seed}-{plan.messages}{words}"


async def build(
    plan: Plan,
    *,
    processes: int | None = None,
    anew: bool = False,
    progress: Callable[[int], None] | None = None,
    blocks: int | None = None,
) -> Streamed | None:
    """The plan's archive: as it is where it is complete, completed where a build was stopped. `anew` makes it from
    nothing. At most `blocks` blocks are added, and None is given where more are left. `progress` is told how many
    messages there are."""
    home = home_of(plan)
    if anew:
        shutil.rmtree(home, ignore_errors=True)
    home.mkdir(exist_ok=True, mode=0o700)
    state_path = home / _STATE
    state = _State.read(state_path)
    if not state.complete:
        async with await open_archive(home / "archive.db") as database:
            imports = SqliteImports(database)
            async with imports.writing():
                async with aclosing(_groups(plan, processes, state.blocks, blocks)) as groups:
                    async for group in groups:
                        messages = [message for block in group for message in block.messages]
                        placements = [placement for block in group for placement in block.placements]
                        await imports.add(messages, placements, ())
                        for block in group:
                            state.add(block)
                        state.write(state_path)
                        if progress is not None:
                            progress(state.messages)
                if state.blocks < len(plan.blocks()):
                    return None
                for mailbox, role in _ROLES.items():
                    await imports.set_role(DEFAULT_ACCOUNT, mailbox, role)
                await imports.finished(DEFAULT_ACCOUNT, [*_ROLES, "Lists"])
            # An import that was resumed merges only what it added itself; the same archive is to come out.
            await database.maintain(lambda connection: connection.execute(_OPTIMISE).fetchone())
            await database.maintain(lambda connection: connection.execute(_CHECKPOINT).fetchone())
        state.complete = True
        state.write(state_path)
    return Streamed(plan, home, state.written, state.sample)


async def _groups(plan: Plan, processes: int | None, first: int, most: int | None) -> AsyncGenerator[list[Block], None]:
    """Blocks as they are written together. They are made ahead while those before them are written."""
    blocks = each_block(make_block, plan, processes or os.cpu_count(), first)
    left = islice(blocks, most)
    try:
        while group := await asyncio.to_thread(lambda: list(islice(left, _BLOCKS_WRITTEN))):
            yield group
    finally:
        blocks.close()

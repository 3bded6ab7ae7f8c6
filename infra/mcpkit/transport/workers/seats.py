"""A worker process among its siblings: what it inherits from its supervisor, and how each hears of the other's end."""

import asyncio
import faulthandler
import json
import logging
import mmap
import os
import signal
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from mcpkit.transport.workers.signs_of_life import SignsOfLife, next_sign, silence

logger = logging.getLogger(__name__)

WHERE = signal.SIGUSR2
"""At which a worker writes to standard error where each of its threads is. Not SIGABRT, which leaves a core file."""

_READY = b"ready"
_COUNT = struct.Struct("=I")
_LOADS = "loads"
_BEGUN = "begun"


@dataclass(frozen=True, slots=True)
class Inheritance:
    """Of a worker that is started anew. `number` is from 0 to `count` - 1. `listener` and `supervisor` are descriptors
    of sockets: the one that all accept connections at, and one that leads to the supervisor. `folder` is the workers'
    own, and nobody else's. Who shows no sign of life for `hanging_seconds` hangs."""

    number: int
    count: int
    listener: int
    supervisor: int
    folder: str
    hanging_seconds: float

    def __str__(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def parsed(cls, text: str) -> Self:
        return cls(**json.loads(text))


class Seat:
    """For the worker process."""

    def __init__(self, inheritance: Inheritance) -> None:
        self.number = inheritance.number
        self.count = inheritance.count
        self.folder = Path(inheritance.folder)
        self.listener = _inherited(inheritance.listener)
        self._supervisor = _inherited(inheritance.supervisor)
        self._hanging_seconds = inheritance.hanging_seconds
        self.is_abandoned = False
        self.supervisor_hangs = False  # as far as `watch_supervisor` has seen

    @cached_property
    def loads(self) -> "Loads":
        return Loads(self.folder, self.number, self.count)

    @property
    def others_began(self) -> bool:
        """Whether any worker of this server has `begun`, be it that it has ended."""
        return (self.folder / _BEGUN).exists()

    def begun(self) -> None:
        """What this worker serves is there. Raises OSError."""
        (self.folder / _BEGUN).touch(0o600)

    def tell_where(self) -> None:
        """From now on, at `WHERE`. Files, lines and functions are named, and nothing of what they work on."""
        faulthandler.register(WHERE)

    def show_life(self) -> None:
        """From the running loop, to the supervisor, as long as the loop goes on."""
        SignsOfLife(self.folder, self.count).keep_giving(self.number)

    async def watch_supervisor(self) -> None:
        """For as long as it runs. A supervisor that hangs replaces no worker and hears no signal, and nobody but its
        workers is there to notice."""
        signs = SignsOfLife(self.folder, self.count)
        while True:
            await silence(signs, self.count, self._hanging_seconds)
            self.supervisor_hangs = True
            logger.error("the supervisor of the workers shows no sign of life for %g s", self._hanging_seconds)
            await next_sign(signs, self.count)
            self.supervisor_hangs = False
            logger.warning("the supervisor of the workers goes on")

    def announce(self) -> None:
        """Tells the supervisor that this worker answers."""
        with suppress(OSError):  # it has ended, which is heard of in another way
            self._supervisor.sendall(_READY)

    def when_abandoned(self, act: Callable[[], None]) -> None:
        """Has `act` called by the running loop when the supervisor has ended, however it ended."""
        loop = asyncio.get_running_loop()

        def heard() -> None:
            with suppress(BlockingIOError):
                self._supervisor.recv(1)  # it never says anything: this is its end
                loop.remove_reader(self._supervisor)
                self.is_abandoned = True
                act()

        self._supervisor.setblocking(False)
        loop.add_reader(self._supervisor, heard)


def _inherited(descriptor: int) -> socket.socket:
    os.set_inheritable(descriptor, False)  # for this process, and not for those that it starts
    return socket.socket(fileno=descriptor)


class Loads:
    """How many connections each worker has, where all of them see it."""

    def __init__(self, folder: Path, number: int, count: int) -> None:
        self._number = number
        self._count = count
        descriptor = os.open(folder / _LOADS, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(descriptor, bytes(_COUNT.size), (count - 1) * _COUNT.size)  # as long as all of them need
            self._shared = mmap.mmap(descriptor, count * _COUNT.size)
        finally:
            os.close(descriptor)
        self.show(0)

    def show(self, connections: int) -> None:
        _COUNT.pack_into(self._shared, self._number * _COUNT.size, connections)

    def is_above_others(self, connections: int) -> bool:
        """Whether another worker has fewer."""
        self.show(connections)
        return any(connections > other for (other,) in _COUNT.iter_unpack(self._shared[:]))

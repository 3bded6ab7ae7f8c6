"""Room among the files that a process may have open, of which each connection is one."""

import logging
import resource
from contextlib import suppress

from mcpkit.transport.http.connections import TURNED_AWAY

logger = logging.getLogger(__name__)

_OTHERS = 256  # databases, logs, pipes to child processes, connections to mail servers
_FEWEST = 16


def room_for(connections: int) -> int:
    """How many connections there is room for: `connections`, or fewer where the system does not let this process have
    as many files. Its own limit (RLIMIT_NOFILE) is raised as far as it may be: many systems begin with 1024.

    A server that has none left accepts nobody, nor opens a file of its own.
    """
    others = _OTHERS + TURNED_AWAY
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + others
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    if hard == resource.RLIM_INFINITY or hard > soft:
        with suppress(OSError, ValueError):  # macOS has a lower limit that it does not tell
            soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = min(connections, max(soft - others, soft // 4, _FEWEST))
    if room < connections:
        logger.warning(
            "this process may have %d files open, so there is room for %d connections, not for %d (ulimit -n)",
            soft,
            room,
            connections,
        )
    return room

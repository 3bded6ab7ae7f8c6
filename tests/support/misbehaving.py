"""A parser that does what a message tells it to: it raises, loops in Python, loops holding the interpreter, or dies."""

import itertools
import os
import signal
from datetime import datetime

from mailquery.repositories.prepared import PreparedMessage
from mailquery.services.preparing import prepare
from mailquery.sources.interfaces import SourceMessage


def obedient_prepare(message: SourceMessage, fingerprint: bytes, now: datetime) -> PreparedMessage:
    if b"please raise" in message.raw:
        raise RuntimeError("secret text of the message")
    if b"please loop" in message.raw:
        while True:
            pass
    if b"please hold the interpreter" in message.raw:
        sum(itertools.repeat(0))  # a loop in C that looks at no signal, as in a compiled library
    if b"please die" in message.raw:
        os.kill(os.getpid(), signal.SIGKILL)
    return prepare(message, fingerprint, now)

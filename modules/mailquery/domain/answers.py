"""Which message of a thread answers which."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """A message of a thread, as far as answering goes. `key` is that of its id, `second` its date in unix seconds,
    `sender` an address, folded. A `silent` one neither asks nor answers (it was sent by a program, or to a list);
    `matches` is whether what was asked for finds it."""

    key: int
    second: int
    sender: str
    ours: bool
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    silent: bool = False
    matches: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    question: Turn
    answer: Turn

    @property
    def seconds(self) -> int:
        return self.answer.second - self.question.second


def answers(thread: Sequence[Turn]) -> list[Answer]:
    """The answers in one thread, whose messages are given oldest first.

    A message answers the message that it names (In-Reply-To, else the last of its References that the thread has; RFC
    5322, section 3.6.4), if that is the other side's and earlier. One that names no message of the thread answers the
    newest one of the other side's before it. A message is answered by the first that does, and answers one: whoever
    takes up three messages in one has answered once.
    """
    places = {turn.message_id: place for place, turn in enumerate(thread) if turn.message_id}
    newest: dict[bool, int] = {}  # of each side, the place of its newest message so far
    answered: set[int] = set()
    found = []
    for place, turn in enumerate(thread):
        asked = _named(turn, places)
        if asked is None:
            asked = newest.get(not turn.ours)
        newest[turn.ours] = place
        if asked is None or asked >= place or asked in answered or turn.silent:
            continue
        question = thread[asked]
        if question.ours is not turn.ours and not question.silent:
            answered.add(asked)
            found.append(Answer(question, turn))
    return found


def _named(turn: Turn, places: dict[str, int]) -> int | None:
    for name in (*turn.in_reply_to, *reversed(turn.references)):
        if name in places and name != turn.message_id:
            return places[name]
    return None

"""Letters that can be told apart: each has a word of its own, and what becomes of it is noted."""

import hashlib
import random
import threading
from dataclasses import dataclass, field

_LETTERS = "bcdfghjkmp"
_FIRST_SECOND = 1_600_000_000


@dataclass(slots=True)
class Letter:
    """`word` stands in no other letter. `hashes` are the SHA-256 of the forms in which it was put in: with LF in files,
    with CRLF on a server. It is `settled` once it was found: from then on it must always be."""

    number: int
    word: str
    raw: bytes
    hashes: set[bytes] = field(default_factory=set)
    settled: bool = False
    put: str = "nowhere"  # where it was put in, for the report

    def as_file(self) -> bytes:
        self.hashes.add(hashlib.sha256(self.raw).digest())
        return self.raw

    def as_delivered(self) -> bytes:
        raw = self.raw.replace(b"\n", b"\r\n")
        self.hashes.add(hashlib.sha256(raw).digest())
        return raw


class Letters:
    """Every letter of a run."""

    def __init__(self, seed: int) -> None:
        self.all: list[Letter] = []
        self._chance = random.Random(seed)
        self._lock = threading.Lock()

    def write(self, count: int) -> list[Letter]:
        """New ones. They are expected in the archive in the end."""
        with self._lock:
            made = [self._letter(len(self.all) + number) for number in range(count)]
            self.all += made
            return made

    def settled(self, chance: random.Random) -> Letter | None:
        """One that was found before, if the first ones that are looked at are any."""
        for _ in range(20):
            if self.all and (letter := chance.choice(self.all)).settled:
                return letter
        return None

    def _letter(self, number: int) -> Letter:
        chance = self._chance
        word = "xq" + "".join(_LETTERS[int(digit)] for digit in f"{number:07}")
        lines = "\n".join(
            f"line {line} of the letter about {chance.choice(_SUBJECTS)}" for line in range(_lines(chance))
        )
        reply = chance.randrange(number) if number and chance.random() < 0.3 else None
        thread = (
            f"In-Reply-To: <{reply}@soak.example>\nReferences: <{reply}@soak.example>\n" if reply is not None else ""
        )
        text = f"The word is {word}, and 회의록 {number}호 입니다.\n{lines}\n"
        if chance.random() < 0.15:
            kind = (
                "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
                f"--b\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
                f'--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename="{number}.txt"\n\n'
                f"attached to {number}\n--b--\n"
            )
        else:
            kind = f"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{text}"
        raw = (
            f"From: Sender {number % 97} <sender{number % 97}@soak.example>\n"
            f"To: Ana <ana@example.com>\nSubject: {chance.choice(_SUBJECTS)} {number}\n"
            f"Date: {_date(_FIRST_SECOND + 61 * number)}\nMessage-ID: <{number}@soak.example>\n{thread}{kind}"
        ).encode()
        return Letter(number, word, raw)


_SUBJECTS = ("harbour", "invoice", "garden", "예산안", "timetable", "réunion", "contract", "weather")


def _lines(chance: random.Random) -> int:
    return min(400, int(chance.paretovariate(1.2) * 8))


def _date(second: int) -> str:
    from email.utils import formatdate

    return formatdate(second)

"""Reads the case table: files of `query => names of the messages that it finds`, one case a line.

`nothing`, `all` and `all but ...` stand for names too. A line that begins with # is a remark. In a query, <<name>> is
the id of the message of that name.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from search.messages import LETTERS

CASES = Path(__file__).parent / "cases"
IDS = {letter.name: letter.mail.id for letter in LETTERS}


@dataclass(frozen=True)
class Case:
    file: str
    line: int
    query: str
    expected: frozenset[str]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def read_cases() -> list[Case]:
    return [
        _case(path.name, number, line)
        for path in sorted(CASES.glob("*.txt"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if line.strip() and not line.startswith("# ")
    ]


def _case(file: str, number: int, line: str) -> Case:
    query, arrow, expected = line.rpartition("=> ")
    if not arrow:
        raise ValueError(f"{file}:{number} is no case")
    query = re.sub("<<(\\w+)>>", lambda match: IDS[match[1]], query)
    return Case(file, number, query.strip(), _names(expected.strip(), f"{file}:{number}"))


def _names(expected: str, where: str) -> frozenset[str]:
    if expected == "nothing":
        return frozenset()
    if expected == "all":
        return frozenset(IDS)
    names = expected.removeprefix("all but ").split()
    if len(set(names)) != len(names) or not IDS.keys() >= set(names):
        raise ValueError(f"{where} names {sorted(set(names) - IDS.keys()) or 'a message twice'}")
    return frozenset(IDS.keys() - set(names) if expected.startswith("all but ") else names)

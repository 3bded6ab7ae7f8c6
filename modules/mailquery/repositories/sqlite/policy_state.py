"""Which policy is in force in the archive, and how far it was applied."""

import sqlite3
from dataclasses import dataclass

_STATE = "SELECT fingerprint, judged, until, generation FROM policy"


@dataclass(frozen=True, slots=True)
class State:
    """The row of `policy`. `generation` grows with every change to what is withheld, and to where messages lie that
    were stored before."""

    fingerprint: str
    judged: int
    until: int
    generation: int

    @classmethod
    def read(cls, connection: sqlite3.Connection) -> "State":
        return cls(*connection.execute(_STATE).fetchone())

    @property
    def withholds(self) -> bool:
        return self.fingerprint != ""

    @property
    def unjudged(self) -> bool:
        """Whether messages wait to be judged. They are withheld until then."""
        return self.judged < self.until

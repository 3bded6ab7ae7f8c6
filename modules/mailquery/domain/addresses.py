"""Who a message is from and to."""

from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """The header field an address stood in (RFC 5322, section 3.6.2 and 3.6.3). The values are stored."""

    FROM = 1
    SENDER = 2
    REPLY_TO = 3
    TO = 4
    CC = 5
    BCC = 6


RECIPIENTS = frozenset({Role.TO, Role.CC, Role.BCC})


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox of RFC 5322, section 3.4: a display name, which may be empty, and an addr-spec.

    `address` is as written except for its domain, which is lower case; it is empty where the header held a name only.
    """

    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2].lower()

    def __str__(self) -> str:
        if self.name and self.address:
            return f"{self.name} <{self.address}>"
        return self.name or self.address

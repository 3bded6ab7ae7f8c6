"""Whose mail it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from mailquery.domain.words import fold


@dataclass(frozen=True, slots=True)
class Ourselves:
    """The addresses of the mail's owner, folded, and domains without `@` of which every address is the owner's, those
    of subdomains included."""

    addresses: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    @classmethod
    def named(cls, entries: Iterable[str]) -> Self:
        """From addresses and @domains."""
        folded = [fold(entry.strip()) for entry in entries]
        return cls(
            frozenset(entry for entry in folded if entry and not entry.startswith("@")),
            frozenset(entry[1:] for entry in folded if entry.startswith("@") and entry[1:]),
        )

    def __bool__(self) -> bool:
        return bool(self.addresses or self.domains)

    def owns(self, address: str) -> bool:
        folded = fold(address)
        domain = folded.rpartition("@")[2]
        return folded in self.addresses or any(domain == each or domain.endswith(f".{each}") for each in self.domains)

    def names(self) -> tuple[str, ...]:
        """As they are written in the settings."""
        return (*sorted(self.addresses), *(f"@{domain}" for domain in sorted(self.domains)))

"""Counted things in words."""


def plural(count: int, noun: str, nouns: str = "") -> str:
    """1 message, 1,204 messages. `nouns` are many where that is not the noun with an s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {nouns or f'{noun}s'}"

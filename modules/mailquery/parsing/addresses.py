"""Address lists (RFC 5322, section 3.4), with the obsolete and the plainly wrong forms that people receive."""

import re
from functools import lru_cache

from mailquery.domain.addresses import Address
from mailquery.parsing.cleaning import one_line
from mailquery.parsing.fields import unfold
from mailquery.parsing.headers import decode_raw, decode_words

MAX_ADDRESSES = 2_000
_REMEMBERED_BYTES = 500
_MAX_FIELD_CHARACTERS = 300_000
_MAX_NAME_CHARACTERS = 500
_MAX_ADDRESS_CHARACTERS = 500

_TOKEN = re.compile(
    r"""(?P<word>=\?[^?\s]{1,100}\?[bBqQ]\?[^?]*\?=)
    |"(?P<quoted>(?:[^"\\]|\\.){0,300}+)"
    |<(?P<angle>[^<>]*)>
    |<(?P<open>[^<>,;\s]*)
    |(?P<special>[(),;:])
    |(?P<blank>\s+)
    |(?P<atom>[^\s"<>(),;:]+)
    |(?P<stray>.)""",
    re.VERBOSE | re.DOTALL,
)
_PARENTHESIS = re.compile(r"[()]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SIMPLE = re.compile(r'([^"<>(),;:@=\\\[\]]*)<([^\s"<>(),;:@\\]{1,200}@[^\s"<>(),;:@\\]{1,255})>')
_BARE = re.compile(r"[^\s\"<>(),;:@\\=]{1,200}@[^\s\"<>(),;:@\\]{1,255}")


def read_addresses(values: list[bytes], charset: str = "") -> tuple[Address, ...]:
    """The addresses of all fields of one name, in order. Members of groups are listed, the groups' names are not."""
    if len(values) == 1 and len(values[0]) <= _REMEMBERED_BYTES:
        return _remembered(values[0], charset)
    return _read_addresses(values, charset)


@lru_cache(maxsize=4_096)
def _remembered(value: bytes, charset: str) -> tuple[Address, ...]:
    """Mail comes from and goes to the same people again and again."""
    return _read_addresses([value], charset)


def _read_addresses(values: list[bytes], charset: str) -> tuple[Address, ...]:
    addresses: list[Address] = []
    for value in values:
        text = decode_raw(unfold(value), charset)[:_MAX_FIELD_CHARACTERS]
        if (match := _SIMPLE.fullmatch(text)) is not None:
            addresses.append(_address(match[1], match[2]))
        elif _BARE.fullmatch(text):
            addresses.append(_address("", text))
        elif text:
            addresses.extend(_Reader().read(text))
        if len(addresses) >= MAX_ADDRESSES:
            break
    return tuple(addresses[:MAX_ADDRESSES])


def _address(name: str, address: str) -> Address:
    name = one_line(decode_words(name)).strip("'\" ") if name else ""
    address = _spec(address)
    if name.lower() == address.lower():
        name = ""  # "a@b.c" <a@b.c> says nothing twice
    return Address(name[:_MAX_NAME_CHARACTERS], address[:_MAX_ADDRESS_CHARACTERS])


def _spec(address: str) -> str:
    if "=?" in address:
        address = decode_words(address)
    if address.startswith("@") and ":" in address:
        address = address.rpartition(":")[2]  # a source route, RFC 5322, section 4.4
    if address[:7].lower() == "mailto:":
        address = address[7:]
    address = "".join(one_line(address).split()) if '"' not in address else one_line(address)
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{domain.lower()}" if at else domain


class _Reader:
    """Collects the pieces of one mailbox until a comma, a semicolon or the end."""

    def __init__(self) -> None:
        self._addresses: list[Address] = []
        self._names_without: str | None = None  # "Kim" of `Kim, Minsu <kim@example.kr>`
        self._unclosed = False  # a parenthesis without its partner was met: from there they are stray signs
        self._start()

    def _start(self) -> None:
        self._pieces: list[str] = []  # of the name, blanks included
        self._spec: str | None = None
        self._comment = ""
        self._quoted = ""  # the last piece as it was written, when it was a quoted string

    def read(self, text: str) -> list[Address]:
        position = 0
        while position < len(text) and len(self._addresses) < MAX_ADDRESSES:
            match = _TOKEN.match(text, position)
            assert match is not None  # `stray` is any character
            kind, piece = match.lastgroup, match[0]
            if piece == "(" and not self._unclosed:
                self._comment, position = self._read_comment(text, position)
                continue
            position = match.end()
            if kind == "special":
                self._special(piece)
            elif kind in ("angle", "open"):
                if match[kind].strip():
                    self._spec = match[kind]
            elif kind == "quoted":
                self._quoted = piece
                self._pieces.append(_ESCAPED.sub(r"\1", match["quoted"]))
            elif kind == "atom" and piece.startswith("@") and len(piece) > 1 and self._quoted and not self._spec:
                self._pieces.pop()
                self._spec = self._quoted + piece
            elif kind != "stray":
                self._quoted = ""
                self._pieces.append(piece)
        self._finish()
        if self._names_without is not None:
            self._addresses.append(_address(self._names_without, ""))
        return self._addresses

    def _read_comment(self, text: str, start: int) -> tuple[str, int]:
        """The comment that opens at `start`, which may nest, and where it ends (RFC 5322, section 3.2.2)."""
        depth = 0
        for parenthesis in _PARENTHESIS.finditer(text, start):
            depth += 1 if parenthesis[0] == "(" else -1
            if depth == 0:
                return text[start + 1 : parenthesis.start()].strip(), parenthesis.end()
        self._unclosed = True
        return self._comment, start + 1

    def _special(self, piece: str) -> None:
        if piece in ",;":
            self._finish()
        elif piece == ":":
            if self._spec is None and not any("@" in piece for piece in self._pieces):
                self._names_without = None
                self._start()  # the name of a group
            else:
                self._pieces.append(piece)

    def _finish(self) -> None:
        name = "".join(self._pieces).strip()
        spec = self._spec
        if spec is None and "@" in name:
            name, spec = _split_bare(name)
        if self._names_without is not None:
            if self._spec is not None and name:
                name = f"{self._names_without}, {name}"
            else:
                self._addresses.append(_address(self._names_without, ""))
            self._names_without = None
        if spec is not None:
            self._addresses.append(_address(name or self._comment, spec))
        elif name or self._comment:
            self._names_without = name or self._comment
        self._start()


def _split_bare(name: str) -> tuple[str, str]:
    """`Kim Minsu kim@example.kr`: the word with the sign is the address."""
    words = name.split()
    for index in range(len(words) - 1, -1, -1):
        if "@" in words[index] and "=?" not in words[index]:
            return " ".join(words[:index] + words[index + 1 :]), words[index].strip("[]'")
    return name, ""

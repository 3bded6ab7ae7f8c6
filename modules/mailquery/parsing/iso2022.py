"""ISO-2022-JP with the characters that vendors put into it.

RFC 1468 allows JIS X 0208 only; Windows and telephone mail adds NEC row 13 (①, ㈱, №) and the NEC and IBM kanji, which
no codec of Python's reads in this encoding. JIS X 0208 is Shift_JIS in another order, so each pair is moved there and
read as cp932. RFC 1554's Chinese and Korean sets are read as well.
"""

import re

_ESCAPE = re.compile(rb"\x1b(\$\([A-Z]|\$[@AB]|\([A-Z])")
_TO_8BIT = bytes(b | 0x80 if 0x20 < b < 0x7F else b for b in range(0x100))
_LATIN = frozenset({b"(B", b"(J", b"(H"})
_JIS = frozenset({b"$@", b"$B", b"$(@", b"$(B"})


def decode_japanese(data: bytes) -> tuple[str, bool]:
    """The text, and whether every byte was understood."""
    pieces = _ESCAPE.split(data)
    text = []
    intact = True
    mode = b"(B"
    for index, piece in enumerate(pieces):
        if index % 2:
            mode = piece
            continue
        if not piece:
            continue
        decoded = _decode_run(piece, mode)
        intact = intact and "\ufffd" not in decoded
        text.append(decoded)
    return "".join(text), intact


def _decode_run(run: bytes, mode: bytes) -> str:
    if mode in _LATIN:
        return run.decode("ascii") if run.isascii() else run.decode("cp932", "replace")
    if mode == b"(I":
        return run.translate(_TO_8BIT).decode("cp932", "replace")  # half-width katakana
    if mode in _JIS:
        return _jis_x_0208(run)
    if mode == b"$(D":  # JIS X 0212 is the third plane of EUC-JP
        return re.sub(rb"[\xa1-\xfe]{2}", rb"\x8f\g<0>", run.translate(_TO_8BIT)).decode("euc_jp", "replace")
    codec = {b"$A": "gb2312", b"$(C": "cp949", b"$(O": "euc_jis_2004", b"$(Q": "euc_jis_2004"}.get(mode)
    if codec is None:
        return run.decode("ascii", "replace")
    return run.translate(_TO_8BIT).decode(codec, "replace")


def _jis_x_0208(run: bytes) -> str:
    try:
        return run.translate(_TO_8BIT).decode("euc_jp")
    except UnicodeDecodeError:
        pass
    moved = bytearray()
    position = 0
    while position < len(run):
        first = run[position]
        if not 0x21 <= first <= 0x7E:
            # A line ended without the escape back to ASCII.
            moved.append(first if first < 0x80 else 0x3F)
            position += 1
            continue
        second = run[position + 1] if position + 1 < len(run) else 0
        position += 2
        if not 0x21 <= second <= 0x7E:
            moved += b"\x81\xff"  # no such pair: comes out as a replacement character
            continue
        row = first - 0x21
        lead = 0x81 + row // 2
        moved.append(lead if lead < 0xA0 else lead + 0x40)
        if row % 2:
            moved.append(second + 0x7E)
        else:
            moved.append(second + 0x1F if second < 0x60 else second + 0x20)
    return moved.decode("cp932", "replace")

"""Which legacy charset unlabelled bytes are in, by rules that a person can follow.

Called for text that is neither ASCII nor UTF-8. The East Asian encodings overlap almost wholly, and nearly any of them
"decodes"; what tells them apart is which rows of their tables ordinary text uses:

- Japanese is a third kana and more: row A4 of EUC-JP, 82 9F-F1 and 83 40-96 of Shift_JIS.
- Korean Hangul fills the rows B0-C8 of KS X 1001, and nothing else does so alone.
- Chinese uses the rows B0-D7 of GB 2312 evenly, so that a third lies above C8; Big5 has trail bytes below 80.
- Cyrillic has words of high bytes only; its lower case lies in E0-FF in windows-1251, in C0-DF in KOI8-R.
- Thai has words of high bytes between A1 and FB with hardly anything from F0 on.
- High bytes alone among ASCII letters are windows-1252.
"""

import re

_SAMPLE = 65_536
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_ASCII_LETTERS = re.compile(rb"[A-Za-z]+")
_EUC_PAIR = re.compile(rb"[\xa1-\xfe]{2}")
_CP949_PAIR = re.compile(rb"[\x81-\xfe][A-Za-z\x81-\xfe]")
_SJIS_PAIR = re.compile(rb"[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]")
_SJIS_KANA = re.compile(rb"\x82[\x9f-\xf1]|\x83[\x40-\x96]")
_BIG5_PAIR = re.compile(rb"[\xa1-\xf9][\x40-\x7e\xa1-\xfe]")


def detect(data: bytes) -> str:
    """The name of a Python codec. It decodes the bytes where any of the candidates does; else it is the likeliest."""
    sample = data[:_SAMPLE]
    runs = _HIGH_RUN.findall(sample)
    high = sum(map(len, runs))
    if high <= len(runs) and (_ascii_letters(sample) >= high or high < 4) and not _is_shift_jis(data, sample):
        return "cp1252"  # every high byte stands alone
    for codec, looks_like in (
        ("cp932", _is_shift_jis),
        ("euc_jp", _is_euc_jp),
        ("cp949", _is_korean),
        ("koi8_r", _is_koi8),
        ("cp1251", _is_cp1251),
        ("cp874", _is_thai),
        ("gb18030", _is_chinese),
        ("cp950", _is_big5),
    ):
        if looks_like(data, sample):
            return codec
    return "cp1252"


def _ascii_letters(sample: bytes) -> int:
    return sum(map(len, _ASCII_LETTERS.findall(sample)))


def _decodes(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeDecodeError as error:
        # A text that was cut inside its last character is still that text.
        return error.start >= len(data) - 3 and error.start > 0
    return True


def _share(count: int, total: int) -> float:
    return count / total if total else 0.0


def _is_shift_jis(data: bytes, sample: bytes) -> bool:
    pairs = len(_SJIS_PAIR.findall(sample))
    return _share(len(_SJIS_KANA.findall(sample)), pairs) >= 0.2 and _decodes(data, "cp932")


def _is_euc_jp(data: bytes, sample: bytes) -> bool:
    pairs = _EUC_PAIR.findall(sample)
    kana = sum(pair[0] in (0xA4, 0xA5) for pair in pairs)
    return _share(kana, len(pairs)) >= 0.2 and _decodes(data, "euc_jis_2004") and b"\xa4\xd4" not in data


def _is_korean(data: bytes, sample: bytes) -> bool:
    pairs = _CP949_PAIR.findall(sample)
    # 81-C6 with a trail byte below A1 are the syllables that cp949 added.
    hangul = sum(0xB0 <= pair[0] <= 0xC8 if pair[1] >= 0xA1 else pair[0] <= 0xC6 for pair in pairs)
    signs = sum(pair[0] in (0xA1, 0xA2, 0xA3, 0xA4) and pair[1] >= 0xA1 for pair in pairs)
    letters = len(pairs) - signs
    return letters > 0 and hangul >= letters * 0.85 and (_decodes(data, "cp949") or _decodes(data, "euc_kr"))


def _is_chinese(data: bytes, sample: bytes) -> bool:
    pairs = _EUC_PAIR.findall(sample)
    common = sum(0xB0 <= pair[0] <= 0xD7 or pair[0] in (0xA1, 0xA3) for pair in pairs)
    high = sum(map(len, _HIGH_RUN.findall(sample)))
    return common >= len(pairs) * 0.75 and len(pairs) * 2 >= high * 0.8 and _decodes(data, "gb18030")


def _is_big5(data: bytes, sample: bytes) -> bool:
    pairs = _BIG5_PAIR.findall(sample)
    common = sum(0xA4 <= pair[0] <= 0xC6 or pair[0] == 0xA1 for pair in pairs)
    high = sum(byte >= 0x80 for byte in sample)
    return common >= len(pairs) * 0.75 and len(pairs) * 2 >= high * 0.8 and _decodes(data, "cp950")


def _high_words(sample: bytes) -> bool:
    """Whether the text is written in high bytes: words of them, with few Latin letters between."""
    runs = _HIGH_RUN.findall(sample)
    high = sum(map(len, runs))
    return high >= 4 and high >= 2 * len(runs)


def _is_koi8(_data: bytes, sample: bytes) -> bool:
    return _cyrillic_share(sample, lower=(0xC0, 0xDF), upper=(0xE0, 0xFF))


def _is_cp1251(_data: bytes, sample: bytes) -> bool:
    return _cyrillic_share(sample, lower=(0xE0, 0xFF), upper=(0xC0, 0xDF))


def _cyrillic_share(sample: bytes, *, lower: tuple[int, int], upper: tuple[int, int]) -> bool:
    if not _high_words(sample):
        return False
    runs = _HIGH_RUN.findall(sample)
    # A capital begins a word. In the wrong one of the two charsets it is the other way round.
    good = sum(sum(lower[0] <= b <= lower[1] for b in run) + (upper[0] <= run[0] <= upper[1]) for run in runs)
    high = sum(map(len, runs))
    odd_runs = sum(len(run) % 2 for run in runs)
    return good >= high * 0.9 and (odd_runs > 0 or len(runs) == 1)


def _is_thai(_data: bytes, sample: bytes) -> bool:
    runs = _HIGH_RUN.findall(sample)
    high = sum(map(len, runs))
    thai = sum(0xA1 <= b <= 0xEE and not 0xDB <= b <= 0xDE for run in runs for b in run)
    vowels = sum(b in _THAI_VOWELS for run in runs for b in run)
    return _high_words(sample) and thai >= high * 0.97 and 0.2 <= vowels / high <= 0.6


# Signs above and below the line, and the vowels written around a consonant: a fifth and more of any Thai text.
_THAI_VOWELS = frozenset((*range(0xD0, 0xDB), *range(0xE0, 0xEF)))

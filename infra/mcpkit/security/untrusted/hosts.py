"""Where an address really leads, and whether a name only looks like another.

Confusable characters are those of Unicode Technical Standard 39 that look like ASCII letters in the scripts of which
domain names are made (confusables.txt, 15.1: Cyrillic, Greek, Armenian, Latin beyond ASCII). The whole table has 6,000
rows, of mathematical letters and ornaments for the most part, which no domain name may have (RFC 5892).
"""

import re
import unicodedata
from functools import lru_cache

_CONFUSABLE = str.maketrans(
    {
        **dict(zip("асеорхуіјѕһԁԛԝѵьгӏкмтнвӡ", "aceopxyijshdqwvbrlkmthb3", strict=True)),
        **dict(zip("αοενικρτυχγηωѡσβ", "aoevikptuxynwwob", strict=True)),
        **dict(zip("օոսհցքցզյլգրեւԁ", "onuhgpgqjlqpeld", strict=True)),
        **dict(zip("ıɩɡɑʋßøłđħŧƅꞌ", "iigavboldhtb'", strict=True)),
        "‐": "-",
        "‑": "-", "–": "-", "ー": "-", "一": "-", "丶": "", "ノ": "/", "⁄": "/", "∕": "/", "・": ".", "。": ".",
    }
)  # fmt: skip
# Beside a Latin letter; with the rarer of the two first, most text is passed over quickly.
_IMITATION = re.compile(f"[{''.join(map(re.escape, map(chr, _CONFUSABLE)))}](?:(?=[A-Za-z])|(?<=[A-Za-z].))", re.DOTALL)
_LATIN_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_LATIN_SIGNS = str.maketrans("0135$|!", "oiesslll"[:7])
_HOST = re.compile(r"(?i)^[a-z][a-z0-9+.-]{0,20}:/{0,2}(?:[^/?#\s]*@)?(\[[0-9a-f:.]+\]|[^/?#:\s\\]+)")
_NAMED = re.compile(r"(?i)(?<![\w@.-])(?:https?://)?((?:[\w-]{1,63}\.){1,6}[^\W\d_]{2,24})(?![\w@-])")
_SECOND_LEVEL = frozenset(("co", "com", "net", "org", "ac", "edu", "gov", "go", "or", "ne", "re", "pe", "gob", "gouv"))
# Scripts that stand in one name beside each other: those of Japanese, of Korean, of Chinese (UTS 39, section 5.1).
_TOGETHER = (
    frozenset(("LATIN", "HIRAGANA", "KATAKANA", "CJK")),
    frozenset(("LATIN", "HANGUL", "CJK")),
    frozenset(("LATIN", "BOPOMOFO", "CJK")),
)


def host_of(url: str) -> str:
    """The host that a program would go to, in lower case and in letters (U-labels, RFC 5890); "" where it has none."""
    match = _HOST.match(url.strip())
    return readable(match[1]) if match else ""


def hosts_named(text: str) -> tuple[str, ...]:
    """What reads like a host in a few words: "www.bank.example" in "Go to www.bank.example/login"."""
    return tuple(readable(found) for found in _NAMED.findall(text[:500]))


@lru_cache(maxsize=2_048)
def readable(host: str) -> str:
    """A host with its A-labels (`xn--`) as the letters that they stand for."""
    labels = unicodedata.normalize("NFKC", host).lower().strip(".").split(".")
    return ".".join(_letters(label) for label in labels)


def _letters(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode").lower()
    except UnicodeError:
        return label


@lru_cache(maxsize=2_048)
def written(host: str) -> str:
    """A host so that it cannot look like another: in its letters where they are of one script that is not mistaken
    for Latin, else in ASCII (A-labels)."""
    host = readable(host)
    return host if host.isascii() or not (mixes_scripts(host) or imitates_latin(host)) else ascii_form(host)


def ascii_form(host: str) -> str:
    """A host with letters beyond ASCII as A-labels (RFC 3492)."""
    return ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
        for label in readable(host).split(".")
    )


def site(host: str) -> str:
    """The part of a host that somebody registered, near enough: its last two labels, or three under co.uk and such."""
    labels = readable(host).split(".")
    count = 3 if len(labels) > 2 and labels[-2] in _SECOND_LEVEL and len(labels[-1]) == 2 else 2
    return ".".join(labels[-count:])


def mixes_scripts(host: str) -> bool:
    """Whether letters of scripts that no language writes together stand in one label."""
    for label in readable(host).split("."):
        if label.isascii():
            continue
        found = {_script(letter) for letter in label if letter.isalpha()}
        if len(found) > 1 and not any(found <= together for together in _TOGETHER):
            return True
    return False


def imitates_latin(host: str) -> bool:
    """Whether a label has letters beyond ASCII, all of which look like ASCII ones: аррӏе for apple."""
    return any(
        not label.isascii() and label.translate(_CONFUSABLE).isascii() and not _is_latin(label)
        for label in readable(host).split(".")
    )


def _is_latin(label: str) -> bool:
    return all(_script(letter) == "LATIN" for letter in label if letter.isalpha())


def _script(letter: str) -> str:
    return unicodedata.name(letter, "UNKNOWN").split(" ", 1)[0].split("-", 1)[0]


@lru_cache(maxsize=4_096)
def skeleton(name: str) -> str:
    """What a name looks like: names of one skeleton are mistaken for each other (UTS 39, section 4, and in ASCII the
    pairs that are used for it: rn for m, 0 for o, 1 for l)."""
    plain = unicodedata.normalize("NFKD", readable(name).translate(_CONFUSABLE))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    for pair, letter in _LATIN_PAIRS:
        plain = plain.replace(pair, letter)
    return plain.translate(_LATIN_SIGNS).replace("l", "i").replace("-", "")


def look_alikes(host: str) -> tuple[str, ...]:
    """ASCII names that this one may have been made to look like, at most 64: itself with letters put for signs."""
    found = {_without_marks(readable(host).translate(_CONFUSABLE))}
    swaps = (
        *_LATIN_PAIRS,
        ("0", "o"),
        ("1", "l"),
        ("1", "i"),
        ("3", "e"),
        ("5", "s"),
        ("i", "l"),
        ("l", "i"),
        ("-", ""),
    )
    for old, new in swaps:
        for name in tuple(found):
            if old in name and len(found) < 64:
                found.add(name.replace(old, new))
            if old in name and name.count(old) > 1 and len(found) < 64:
                found.add(name.replace(old, new, 1))
    found.discard(readable(host))
    return tuple(sorted(name for name in found if "." in name))


def may_mix_latin(text: str) -> bool:
    """Whether any word of a text may mix Latin letters with such as look like them: false for most texts, and quick."""
    return _IMITATION.search(text) is not None


def latin_form(word: str) -> str:
    """A word that mixes Latin letters with such as look like them, in Latin ones; any other as it is."""
    if not any(letter.isascii() for letter in word):
        return word
    latin = word.translate(_CONFUSABLE)
    return latin if latin.isascii() else word


def _without_marks(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in plain if not unicodedata.combining(letter))

"""Numbers as people write and type them: 2,400.00 and 2400, +82-10-1234-5678 and 010 1234 5678, INV-24-1 and INV241.

A text's index form gets, behind its words, the numbers in it without their separators; a typed number is looked for in
the same forms. All text here is folded (`domain.folding`).
"""

import re
from collections.abc import Iterator, Sequence

_GROUP_MARKS = ",.'’\u00a0\u202f"  # what stands between groups of three digits
_AMOUNT = re.compile(rf"\d{{1,3}}([{_GROUP_MARKS}])\d{{3}}(?:\1\d{{3}})*(?:(?!\1)[.,](\d{{1,2}}))?")
_DECIMAL = re.compile(r"(\d+)[.,](\d{1,2})")
_LEAST_WHOLE = 3  # digits before 00 without which the decimals are looked for too: 10 stands in too many dates
_FROM_FIRST_DIGIT = re.compile(rf"[0-9]+(?:[-–/_{_GROUP_MARKS}]?[0-9a-z]+)*")
_JOINTS = frozenset("-/._")  # between the parts of a number that begins with letters
# In telephone numbers brackets join, and spaces too. Each begins with a plain character, which is found quickest.
_PHONES = (
    re.compile(r"\+\d[\d ()./–-]{5,22}\d(?![\d-])"),
    re.compile(r"\(\+?\d{1,4}\) ?[\d ./–-]{5,18}\d(?![\d-])"),
    re.compile(r"0\d{1,3} \d{3,4}[ -]\d{4}(?![\d-])"),
)
_SEPARATORS = re.compile(r"[^0-9a-z]+")
_LOOK_BACK = 24
_SHORTEST, _LONGEST = 4, 32  # characters of a joined form
_PHONE_DIGITS = range(7, 16)  # ITU-T E.164, section 6.1: at most 15
_COUNTRY_CODES = (1, 2, 3)  # their lengths in digits
_MOST = 200  # numbers of one text that are given other forms
_GROUPS = range(2, 9)  # of one number, with spaces between
_TERM = re.compile(r"\+?\d+(?:[-.]\d+)*")
_THOUSANDS = re.compile(r"\d{1,3}(?: \d{3}){0,3} 000")
_NATIONAL_DIGITS = range(9, 14)  # with the zero before them
_YEAR = re.compile(r"(?:19|20)\d\d")


def joined_numbers(text: str) -> str:
    """The numbers of `text` without their separators, each form once, with spaces between; empty where there is none
    that has separators."""
    forms: dict[str, None] = {}
    for _, _, found in number_spans(text):
        forms.update(dict.fromkeys(found.split()))
        if len(forms) >= _MOST:
            break
    return " ".join(forms)


def number_spans(text: str) -> Iterator[tuple[int, int, str]]:
    """[start, end) of the numbers of `text` that have separators, and the forms without them, with spaces between. They
    may overlap."""
    for start, end in _compounds(text):
        if forms := " ".join(_stored_forms(text[start:end])):
            yield start, end, forms


def is_spaced_number(terms: Sequence[str]) -> bool:
    """Whether terms that stand beside each other are plausibly one number that was written with spaces: a telephone
    number, an order's or a card's, thousands (10 000). Years and small numbers beside each other are none."""
    if len(terms) not in _GROUPS or not all(_TERM.fullmatch(term) for term in terms):
        return False
    if any(term.startswith("+") for term in terms[1:]):
        return False
    groups = [group for term in terms for group in re.split("[-.]", term.removeprefix("+"))]
    digits = sum(map(len, groups))
    if terms[0].startswith("+"):
        return digits in _PHONE_DIGITS
    if groups[0].startswith("0"):
        return digits in _NATIONAL_DIGITS and groups[0].strip("0") != "" and min(map(len, groups)) > 1
    if _THOUSANDS.fullmatch(" ".join(terms)):
        return True
    return (
        min(map(len, groups)) >= 3 < max(map(len, groups))
        and digits in range(_PHONE_DIGITS.start, _LONGEST + 1)
        and not any(_YEAR.fullmatch(group) for group in groups)
    )


def typed_forms(text: str) -> tuple[str, ...]:
    """The other forms in which a number that was typed as `text` may stand in an index; `text` itself is not among
    them. Each is one token, or several that stand side by side."""
    if not any(character.isdigit() for character in text):
        return ()
    typed = text.strip(" .,;:!?$€£¥₩#")
    forms: dict[str, None] = {}
    if (amount := _amount(typed)) is not None:
        whole, decimals = amount
        if decimals:
            forms[f"{whole} {decimals}"] = None
        if not decimals.strip("0"):
            forms[whole] = None
    elif (plain := _DECIMAL.fullmatch(typed)) is not None:
        if not plain[2].strip("0") and len(plain[1]) >= _LEAST_WHOLE:
            forms[plain[1]] = None
    else:
        forms.update(dict.fromkeys(phones := list(_phone_forms(typed))))
        if typed.startswith("+"):  # in the country itself it is written with a zero, and maybe without separators
            forms.update(dict.fromkeys(f"0{national}" for national in phones[1:]))
        joined = _SEPARATORS.sub("", typed)
        if _is_identifier(joined):
            forms[joined] = None
    native = " ".join(_SEPARATORS.sub(" ", typed).split())
    return tuple(form for form in forms if form != native)


def _compounds(text: str) -> Iterator[tuple[int, int]]:
    run: list[tuple[int, int]] = []  # terms of digits with single spaces between
    for match in _FROM_FIRST_DIGIT.finditer(text):
        start, end = match.span()
        before = text[start - 1 : start]
        if before.isalpha() or before in _JOINTS:
            start = _start_of_compound(text, start)
        if not text[start:end].isalnum():
            yield start, end
        if run and (start != run[-1][1] + 1 or before != " "):
            yield from _spaced(text, run)
            run.clear()
        run.append((start, end))
    yield from _spaced(text, run)
    for pattern in _PHONES:
        for match in pattern.finditer(text):
            if match.start() == 0 or not text[match.start() - 1].isalnum():
                yield match.span()


def _spaced(text: str, run: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    if len(run) in _GROUPS and is_spaced_number([text[start:end] for start, end in run]):
        yield run[0][0], run[-1][1]


def _start_of_compound(text: str, digit: int) -> int:
    """Where a number begins whose first digit stands at `digit`: letters may stand before it, with a joint between."""
    start = digit
    while start > max(0, digit - _LOOK_BACK) and (text[start - 1] in _JOINTS or text[start - 1].isalnum()):
        start -= 1
    while start < digit and text[start] in _JOINTS:
        start += 1
    return start


def _stored_forms(compound: str) -> Iterator[str]:
    if (amount := _amount(compound)) is not None:
        whole, decimals = amount
        yield whole
        if decimals:
            yield decimals  # behind the whole, so that the two are found as a phrase
        return
    if _DECIMAL.fullmatch(compound) is not None:
        return
    yield from _phone_forms(compound)
    joined = _SEPARATORS.sub("", compound)
    if _is_identifier(joined):
        yield joined


def _amount(text: str) -> tuple[str, str] | None:
    """The digits before and behind the decimal mark of a number that has its thousands marked."""
    match = _AMOUNT.fullmatch(text)
    if match is None:
        return None
    decimals = match[2] or ""
    whole = text[: len(text) - len(decimals) - 1] if decimals else text
    return re.sub(r"\D", "", whole), decimals


def _phone_forms(text: str) -> Iterator[str]:
    """All digits; those behind a national number's zeros; those behind a country code, whose length is not known."""
    digits = re.sub(r"\D", "", text)
    if len(digits) not in _PHONE_DIGITS or re.search("[a-z]", text):
        return
    yield digits
    if digits.startswith("0"):
        yield digits.lstrip("0") or digits
    elif text.startswith(("+", "(+")):
        for length in _COUNTRY_CODES:
            national = digits[length:].lstrip("0")
            if len(national) in _PHONE_DIGITS:
                yield national


def _is_identifier(joined: str) -> bool:
    return _SHORTEST <= len(joined) <= _LONGEST and sum(character.isdigit() for character in joined) >= 2

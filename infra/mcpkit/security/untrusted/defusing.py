"""What a renderer of Markdown or HTML would load, follow or hide, broken so that it is only read.

A space is put where the syntax must have none. The words and addresses stay readable: nothing is decided about them.
Broken are images and links of Markdown (CommonMark 0.31, sections 6.3, 6.4 and 4.7), elements of HTML that load or run
something, addresses that carry their content or run it (data:, javascript:), the control tokens of chat templates, and
whatever looks like a fence of `fencing`.
"""

import re

from mcpkit.security.untrusted.cleaning import clean

_DATA = re.compile(r"(?i)\bdata:[a-z0-9.+-]{0,40}(?:/[a-z0-9.+-]{1,60})?(?:;[a-z0-9=.+-]{1,60}){0,5},[^\s)>\"'\]]*")
_SCRIPT = re.compile(r"(?i)\b(j\s?a\s?v\s?a\s?s\s?c\s?r\s?i\s?p\s?t|vbscript)(:)(?=\S)")
_IMAGE = re.compile(r"!(?=\[)")
_LINK = re.compile(r"\](?=[(\[])")
_DEFINITION = re.compile(r"(?m)^([ >]{0,12}\[[^\]\n]{1,200}\])(?=:)")
_ELEMENT = re.compile(
    r"(?i)<(?=/?(?:img|image|script|iframe|frame|object|embed|svg|video|audio|source|link|meta|base|form|input|style|"
    r"picture|portal|math|applet)\b)"
)
# Whatever looks like a mark of a fence: signs like its own twice and again twice behind a few words, or its words
# behind even one of them.
_OPENING, _CLOSING = "<＜‹«《〈⟨⟪≪❮❰˂ᐸ", ">＞›»》〉⟩⟫≫❯❱˃ᐳ"
_FENCE = re.compile(
    rf"[{_OPENING}]{{2,8}}(?=[^{_OPENING}{_CLOSING}\n]{{1,80}}[{_CLOSING}]{{2}})"
    rf"|[{_OPENING}]{{1,8}}(?=[\s/]{{0,4}}(?:untrusted\b|(?:(?:end|begin)[\s:_-]{{0,3}})?(?:untrusted|[0-9a-f]{{8}})\b))",
    re.IGNORECASE,
)
_LIVE_IMAGE = re.compile(r"!\[[^\]\n]{0,300}\][(\[]")
_RUNNING = re.compile(r"(?i)<(?:script|iframe|img|svg|object|embed|link|meta|base)\b[^<>\n]{0,300}>?")
_TEMPLATE = re.compile(r"<(?=[|｜])|\[(?=/?INST\])")
_ANY_SIGN = re.compile(f"[{_OPENING}]")
_HARMLESS = re.compile(r"[ -9;=-Z\\^-~]*")  # of ASCII what can be seen, less `:<[]`, without which nothing is broken


def defuse(text: str) -> str:
    """The same words, in which nothing is loaded, run, hidden behind other words, or taken for a mark of ours."""
    folded = text.lower() if ":" in text else ""
    if "data:" in folded:
        text = _DATA.sub(lambda found: f"[data: {len(found[0])} characters left out]", text)
    if "script" in folded or ("t:" in folded and "j" in folded):
        text = _SCRIPT.sub(r"\1 \2", text)
    if "[" in text or "]" in text:
        text = _IMAGE.sub("! ", text)
        text = _LINK.sub("] ", text)
        text = _DEFINITION.sub(r"\1 ", text)
        text = _TEMPLATE.sub(lambda found: found[0] + " ", text)
    if "<" in text or not (text.isascii() or _ANY_SIGN.search(text) is None):
        text = _FENCE.sub(lambda found: " ".join(found[0]) + " ", text)
        text = _ELEMENT.sub("< ", text)
        text = _TEMPLATE.sub(lambda found: found[0] + " ", text)
    return text


def active_content(text: str) -> tuple[str, ...]:
    """What `defuse` would break of what loads or runs by itself: "image" for Markdown's, "running" for addresses that
    carry or run their content and for elements of HTML."""
    found = []
    if "![" in text and _LIVE_IMAGE.search(text):
        found.append("image")
    folded = text.lower()
    running = ("data:" in folded and _DATA.search(text)) or ("script:" in folded and _SCRIPT.search(text))
    if running or ("<" in text and _RUNNING.search(text)):
        found.append("running")
    return tuple(found)


def safe_line(text: str, limit: int | None = None) -> str:
    """One line of at most `limit` characters, cleaned and defused, an ellipsis included where it was cut."""
    if limit is not None and len(text) > 4 * limit + 200:
        text = text[: 4 * limit + 200]  # what is cut away need not be looked at; cleaning can shorten it
    # Most names and subjects are harmless.
    line = " ".join(text.split()) if _HARMLESS.fullmatch(text) else defuse(clean(text, line=True).text)
    return line if limit is None or len(line) <= limit else clean(line, limit=limit, line=True).text


def safe_block(text: str) -> str:
    """Text of several lines, cleaned and defused."""
    return defuse(clean(text).text)

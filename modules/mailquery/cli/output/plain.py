"""JSON that may be shown on a terminal.

A sender can write anything into a subject or a name, also what a terminal takes for a command (ECMA-48: ESC, and CSI
and OSC in their one-character forms) or what turns the reading direction around. JSON itself escapes C0 only. Text that
is printed as it is goes through `mcpkit.security.untrusted`.
"""

import json
import re

# DEL and C1; line and paragraph separators; bidirectional and invisible controls; tag characters; lone surrogates,
# which cannot be written at all.
_ACTIVE = re.compile(
    "[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)


def safe_json(value: object, *, indent: int | None = None) -> str:
    """JSON in which every script stays readable; characters that are invisible or could do something are escaped."""
    return _ACTIVE.sub(_escaped, json.dumps(value, ensure_ascii=False, indent=indent))


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"

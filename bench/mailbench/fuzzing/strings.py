"""Text that programs have tripped over: of query languages, file names, terminals, scripts and sizes."""

import random

_INJECTIONS = (
    "' OR '1'='1",
    "1; DROP TABLE messages;--",
    "x' UNION SELECT value FROM secrets --",
    'a" AND NEAR("b" "c", 99999999999)',
    "subject : ^word AND {subject body} : other*",
    "NEAR(",
    '"unclosed',
    "(" * 900,
    "NOT NOT NOT",
    "a OR " * 300,
    "-" * 1_500,
    "from:" * 300,
    "*",
    "a*b*c*",
    "%_%",
    "../../../../../../etc/passwd",
    "..\\..\\..\\windows\\win.ini",
    "....//....//token.key",
    "%2e%2e%2f%2e%2e%2ftoken.key",
    "file:///etc/passwd",
    "/proc/self/environ",
    "${jndi:ldap://127.0.0.1/a}",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "{0.__class__.__init__.__globals__}",
    "%s%s%s%n%x",
    "$(id)`id`;id|id",
    "<script>alert(1)</script>",
    "\r\nX-Injected: yes\r\n\r\n",
    "\x1b[2J\x1b]0;title\x07",
    "__proto__",
)
_UNICODE = (
    "\u202e\u2066reversed\u2069",
    "\u200b\u200d\ufeff\u2060",
    "\U000e0041\U000e0042",
    "e" + "\u0301" * 500,
    "\ud800",  # half of a surrogate pair
    "a\udfffb",
    "\x00",
    "before\x00after",
    "\uffff\ufffe",
    "회의록",
    "\u1112\u116c\u110b\u1174",
    "ﷺ" * 50,
    "İıſßẞ",
    "👩‍👩‍👧‍👦" * 20,
    "日本語\u3000検索",
)
_VALUES = (
    "",
    " ",
    "\n\t\r",
    "null",
    "true",
    "-1",
    "1e999",
    "9" * 400,
    "0x7fffffffffffffff",
    "0000-00-00",
    "9999-12-31",
    "2026-02-30",
    "-0001-01-01",
    "999999999d",
    "99999999999999999999y",
    "after:99999-99-99",
    "newer_than:99999999999999d",
    "older_than:-1y",
    "larger:99999999999999999999999M",
    "smaller:1e400",
    "thread:" + "t" * 500,
    "type:../../x",
    "in:" + "\u202e",
    "is:everything",
    "cursor",
    "m" * 26,
)
_LONG = (2_001, 5_000, 100_000)


def hostile(rng: random.Random) -> str:
    """One of the known ones, two of them together, a long one, or characters from all over Unicode."""
    match rng.randrange(10):
        case 0:
            return rng.choice(_ALL) + rng.choice(_ALL)
        case 1:
            return (rng.choice(_ALL) or "a") * rng.randrange(2, 9)
        case 2:
            return "".join(chr(rng.randrange(0x110000)) for _ in range(rng.randrange(1, 40)))
        case 3:
            unit = rng.choice(("a", '"', "(", "x ", "é", "회", "\\", "a:b ", "\u0301"))
            return (unit * rng.choice(_LONG))[: rng.choice(_LONG)]
        case _:
            return rng.choice(_ALL)


_ALL = (*_INJECTIONS, *_UNICODE, *_VALUES)

"""What a mail server means when it says NO, BAD or BYE: by its response code (RFC 5530), else by its words."""

import re
from enum import Enum, auto

from mailquery.sources.imap.faults import login_failed, unavailable
from mailquery.sources.remote import Reason
from mcpkit.errors import Fault

_LONGEST_PAUSE = 24 * 3600.0  # seconds; whoever asks for more is not believed
_CODE = re.compile(r"\s*\[([A-Za-z0-9_.-]{1,40})[ \]]")
_PAUSE = re.compile(
    r"(?i)(?:backoff time|retry[- ]after|(?:try|retry) (?:again )?(?:in|after)|wait(?: for)?)\W{0,3}"
    r"(\d{1,9})\s*(milliseconds|ms\b|minutes?|min\b|hours?|h\b|seconds?|s\b)?"
)
_UNITS = {"mil": 0.001, "ms": 0.001, "h": 3600.0, "m": 60.0}


class _Cause(Enum):
    APP_PASSWORD = auto()
    MODERN_LOGIN = auto()
    DISABLED = auto()
    BROWSER = auto()
    EXPIRED = auto()
    PRIVACY = auto()
    BUSY = auto()


_CODES = {
    "UNAVAILABLE": _Cause.BUSY,
    "SERVERBUG": _Cause.BUSY,
    "INUSE": _Cause.BUSY,
    "LIMIT": _Cause.BUSY,
    "OVERQUOTA": _Cause.BUSY,  # Gmail: of the bandwidth of a day
    "THROTTLED": _Cause.BUSY,  # Gmail
    "EXPIRED": _Cause.EXPIRED,
    "PRIVACYREQUIRED": _Cause.PRIVACY,
    "WEBALERT": _Cause.BROWSER,  # Gmail
}

# In this order: a sentence on app passwords may name IMAP, too.
_WORDS: tuple[tuple[_Cause, re.Pattern[str]], ...] = tuple(
    (cause, re.compile("(?i)" + pattern))
    for cause, pattern in (
        # Gmail, Yahoo, AOL, iCloud, Fastmail, Yandex, QQ, 163, Naver
        (
            _Cause.APP_PASSWORD,
            r"app(?:lication)?[- _]?(?:specific[- ])?passwor[dt]|passwordless|authori[sz]ation code|授权码"
            r"|애플리케이션 비밀번호",
        ),
        (_Cause.MODERN_LOGIN, r"basicauth(?:blocked|disabled)|basic auth(?:entication)? is disabled"),
        (
            _Cause.DISABLED,
            r"not enabled for imap|imap (?:access |service |use |login )?(?:is |has been )?(?:not |un)?"
            r"(?:disabled|enabled|allowed|available)|enable imap|imap4? access (?:is )?(?:disabled|denied)"
            r"|authenticated but not connected",
        ),
        (_Cause.BROWSER, r"web browser|web login required|unsafe login|log ?in via (?:the |your )?web"),
        (
            _Cause.BUSY,
            r"too many|maximum number of connections|connection limit"
            r"|rate.?limit|limits? exceeded|exceeded .{0,40}limit"
            r"|throttl|try again|temporar|currently unavailable|server (?:is )?busy|system busy|shutting down",
        ),
    )
)


def code_of(text: str) -> str:
    """The response code of a status response's text, in capitals; empty where it has none."""
    found = _CODE.match(text)
    return found[1].upper() if found else ""


def of_login(text: str, *, token: bool) -> Fault:
    """A login was refused with these words; `token` is whether a token was."""
    cause = _cause(text)
    if cause is _Cause.APP_PASSWORD:
        return login_failed(
            Reason.APP_PASSWORD,
            "The mail server takes no ordinary password of this account. Make one for this program (an app password) "
            "at the provider, and give that.",
            said=text,
        )
    if cause is _Cause.MODERN_LOGIN:
        return login_failed(
            Reason.APP_PASSWORD,
            "The mail server takes no password of this account. Sign in with OAuth instead.",
            said=text,
        )
    if cause is _Cause.DISABLED:
        return login_failed(
            Reason.IMAP_DISABLED,
            "IMAP is switched off for this account. Switch it on in the provider's settings, or ask whoever runs it.",
            said=text,
        )
    if cause is _Cause.BROWSER:
        return login_failed(
            Reason.LOGIN,
            "The provider wants the user to log in with a browser first, and to confirm that this program may.",
            said=text,
        )
    if cause is _Cause.PRIVACY:
        return unavailable(
            Reason.TLS, "The mail server takes no login over a connection that is not secure.", said=text
        )
    if cause is _Cause.BUSY:
        return _busy(text)
    if token:
        return login_failed(Reason.TOKEN, "The mail server refuses the access token.", said=text)
    if cause is _Cause.EXPIRED:
        return login_failed(Reason.LOGIN, "The password has expired. Set another at the provider.", said=text)
    return login_failed(Reason.LOGIN, "The mail server refuses the user name or the password. Check both.", said=text)


def of_command(command: str, text: str) -> Fault:
    """A command was refused with these words."""
    if _cause(text) is _Cause.BUSY:
        return _busy(text)
    return unavailable(Reason.REFUSED, f"The mail server refuses {command}.", said=text, code=code_of(text) or "none")


def of_goodbye(text: str) -> Fault:
    """The server ended the connection with these words."""
    if _cause(text) is _Cause.BUSY:
        return _busy(text)
    return unavailable(Reason.BROKEN_OFF, "The mail server ended the connection.", said=text, retry_after=_pause(text))


def _busy(text: str) -> Fault:
    return unavailable(
        Reason.BUSY,
        "The mail server can do no more for this account now: too many connections, or a limit of the provider.",
        said=text,
        retry_after=_pause(text),
    )


def _cause(text: str) -> _Cause | None:
    by_code = _CODES.get(code_of(text))
    if by_code is not None and by_code is not _Cause.BUSY:
        return by_code
    return next((cause for cause, words in _WORDS if words.search(text)), by_code)


def _pause(text: str) -> float | None:
    """Seconds that the server asks one to wait."""
    found = _PAUSE.search(text)
    if found is None:
        return None
    unit = (found[2] or "").lower()
    factor = _UNITS.get(unit[:3]) or _UNITS.get(unit[:1]) or 1.0
    return min(int(found[1]) * factor, _LONGEST_PAUSE)

"""Mail that no person wrote to another: it is no question that waits, and no answer."""

import re
from collections.abc import Iterable

# The part before the @, without what follows a plus sign.
_SENDER = re.compile(
    r"(?:.*[-_.])?(?:no|not|do[-_.]?not|never)[-_.]?(?:reply|respond|answer)(?:[-_.].*)?"
    r"|mailer-?daemon|postmaster|daemon|cron|root|nobody|majordomo|listserv|mailman"
    r"|(?:.*[-_.])?bounces?(?:[-_.].*)?|(?:.*[-_.])?notif(?:y|ications?)|newsletters?|alerts?|rss(?:[-_.]?(?:feeds?|news))?|feeds?"
    r"|auto(?:mated|matic|mailer|reply|responder|confirm)?(?:[-_.].*)?"
)
_LONGEST_LOCAL = 64  # octets (RFC 5321, section 4.5.3.1.1)
# How automatic answers begin in the programs that most people use, in lower case.
ANSWER_SUBJECTS = (
    "automatic reply:",
    "auto reply",
    "auto-reply",
    "autoreply",
    "auto response",
    "auto-response",
    "out of office",
    "out of the office",
    "automatische antwort",
    "abwesenheitsnotiz",
    "abwesend:",
    "réponse automatique",
    "absence du bureau",
    "respuesta automática",
    "risposta automatica",
    "resposta automática",
    "automatisch antwoord",
    "automatiskt svar",
    "자동 회신",
    "자동회신",
    "부재중",
    "自動返信",
    "自动回复",
    "自動回覆",
    "undeliverable:",
    "undelivered mail",
    "delivery status notification",
    "mail delivery failed",
    "read:",
    "accepted:",
    "declined:",
    "tentative:",
)
_PRECEDENCE = frozenset({"bulk", "list", "junk", "auto_reply"})
_MARKS = frozenset({"list-id", "list-unsubscribe", "feedback-id", "x-autoreply", "x-autorespond"})


def is_automatic_sender(address: str) -> bool:
    """Whether the address reads like a machine's: no-reply@, mailer-daemon@."""
    local = address.casefold().rpartition("@")[0].partition("+")[0]
    return len(local) <= _LONGEST_LOCAL and _SENDER.fullmatch(local) is not None


def is_automatic_answer(subject: str) -> bool:
    return subject.lstrip().lower().startswith(ANSWER_SUBJECTS)


def is_bulk(fields: Iterable[tuple[str, str]]) -> bool:
    """Whether a header, as (name, value), says that the message was sent by a program or to many: Auto-Submitted
    (RFC 3834, section 5), Precedence (section 3.1.8), List-Id (RFC 2919), List-Unsubscribe (RFC 2369)."""
    for name, value in fields:
        lower = name.lower()
        if lower in _MARKS:
            return True
        if lower == "auto-submitted" and value.strip().lower() not in ("", "no"):
            return True
        if lower == "precedence" and value.strip().lower() in _PRECEDENCE:
            return True
    return False

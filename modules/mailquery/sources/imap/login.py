"""Logging in to an IMAP server: PLAIN (RFC 4616), LOGIN, OAUTHBEARER (RFC 7628), XOAUTH2."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence

from mailquery.sources.credentials import Credential, CredentialKind
from mailquery.sources.imap import refusals
from mailquery.sources.imap.faults import login_failed, protocol_broken, unavailable
from mailquery.sources.imap.session import Completion, Session
from mailquery.sources.remote import Reason

_Answer = Callable[[bytes], bytes]


def log_in(session: Session, username: str, credential: Credential) -> None:
    """With the safest way that the server offers.

    Raises:
        Fault: LOGIN_FAILED where the server refuses the credential; SOURCE_UNAVAILABLE, with the reason BUSY where it
            would take it at another time, and TLS where it offers no way over this connection.
    """
    if "\0" in username + credential.secret or "\x01" in username + credential.secret:
        raise login_failed(Reason.LOGIN, "A user name or password cannot have control characters.")
    if credential.kind is CredentialKind.TOKEN:
        _with_token(session, username, credential.secret)
    else:
        _with_password(session, username, credential.secret)


def _with_password(session: Session, username: str, password: str) -> None:
    user, secret = username.encode(), password.encode()
    if session.has("AUTH=PLAIN"):
        completion = _authenticate(session, "PLAIN", [b"\0" + user + b"\0" + secret])
    elif not session.has("LOGINDISABLED"):
        completion = _login(session, user, secret)
    elif session.has("AUTH=LOGIN"):
        completion = _authenticate(session, "LOGIN", [user, secret], initial=False)
    else:
        raise unavailable(
            Reason.TLS,
            "The mail server takes no password over this connection. Where it is not secure, use TLS or STARTTLS; "
            "otherwise the server wants OAuth.",
        )
    if not completion.ok:
        raise refusals.of_login(completion.text, token=False)


def _with_token(session: Session, username: str, token: str) -> None:
    if not session.has("AUTH=OAUTHBEARER") and not session.has("AUTH=XOAUTH2"):
        raise login_failed(Reason.TOKEN, "The mail server takes no OAuth token. Log in with a password.")
    problems: list[str] = []

    def refused(reply: bytes) -> _Answer:
        """The server says what is wrong in a challenge, and wants an answer before it refuses."""

        def answer(challenge: bytes) -> bytes:
            problems.append(_problem(challenge))
            return reply

        return answer

    if session.has("AUTH=XOAUTH2"):
        # What all who offer both have had for longest.
        first = b"user=%s\x01auth=Bearer %s\x01\x01" % (username.encode(), token.encode())
        completion = _authenticate(session, "XOAUTH2", [first], at_end=refused(b""))
    else:
        name = username.replace("=", "=3D").replace(",", "=2C").encode()
        first = b"n,a=%s,\x01auth=Bearer %s\x01\x01" % (name, token.encode())
        completion = _authenticate(session, "OAUTHBEARER", [first], at_end=refused(base64.b64encode(b"\x01")))
    if not completion.ok:
        raise refusals.of_login(" ".join([completion.text, *problems]), token=True)


def _authenticate(
    session: Session, mechanism: str, steps: Sequence[bytes], *, initial: bool = True, at_end: _Answer | None = None
) -> Completion:
    """`at_end` answers the challenge after the last step, where the mechanism has one. With SASL-IR (RFC 4959) the
    first step is sent at once."""
    encoded = [base64.b64encode(step) for step in steps]
    command = b"AUTHENTICATE " + mechanism.encode()
    if initial and session.has("SASL-IR"):
        command += b" " + encoded.pop(0)
    left = iter(encoded)
    ended = False

    def answer(challenge: bytes) -> bytes:
        nonlocal ended
        step = next(left, None)
        if step is not None:
            return step
        if at_end is None or ended:
            raise protocol_broken("it asks for more than the login has")
        ended = True
        return at_end(challenge)

    return session.converse(command, answer, what="the login")


def _login(session: Session, user: bytes, secret: bytes) -> Completion:
    """Strings that a quoted one cannot have are sent as literals."""
    command = b"LOGIN"
    literals: list[bytes] = []
    pieces: list[bytes] = []
    for string in (user, secret):
        if string.isascii() and not any(byte < 32 or byte == 127 for byte in string):
            command += b' "' + string.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
        else:
            pieces.append(command + b" {%d}" % len(string))
            literals.append(string)
            command = b""
    pieces.append(command)
    first, *rest = pieces
    sent = iter([literal + piece for literal, piece in zip(literals, rest, strict=True)])

    def answer(challenge: bytes) -> bytes:
        following = next(sent, None)
        if following is None:
            raise protocol_broken("it asks for more than the login has")
        return following

    return session.converse(first, answer, what="the login")


def _problem(challenge: bytes) -> str:
    """Of the JSON that says why a token was refused (RFC 7628, section 3.2.2): its status."""
    try:
        said = json.loads(base64.b64decode(challenge))
    except (binascii.Error, ValueError, RecursionError):
        return ""
    status = said.get("status") if isinstance(said, dict) else None
    return f"(status {str(status)[:40]})" if status else ""

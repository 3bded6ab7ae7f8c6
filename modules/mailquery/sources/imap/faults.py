"""What goes wrong with an IMAP server, as faults for a person and a program to act on."""

import re
import socket
import ssl

from mailquery.sources.remote import Reason
from mcpkit.errors import ErrorCode, Fault

_SHOWN = 300  # characters of what a server says
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def unavailable(
    reason: Reason, message: str, *, said: str = "", retry_after: float | None = None, **details: object
) -> Fault:
    """`said` is the server's own text: it is others' (`Fault.others`)."""
    return Fault(
        ErrorCode.SOURCE_UNAVAILABLE,
        message,
        details={"reason": reason.value, **details},
        retry_after=retry_after,
        others=shown(said),
    )


def login_failed(reason: Reason, message: str, *, said: str = "", **details: object) -> Fault:
    return Fault(ErrorCode.LOGIN_FAILED, message, details={"reason": reason.value, **details}, others=shown(said))


def protocol_broken(what: str) -> Fault:
    return unavailable(Reason.PROTOCOL, f"The mail server broke the IMAP protocol: {what}. The connection was closed.")


def timed_out(what: str) -> Fault:
    return unavailable(Reason.TIMEOUT, f"The mail server did not answer in time: {what}.")


def broken_off(said: str = "") -> Fault:
    return unavailable(Reason.BROKEN_OFF, "The mail server closed the connection.", said=said)


def shown(said: str) -> str:
    return _CONTROLS.sub(" ", said).strip()[:_SHOWN]


def of_network(error: OSError, host: str, port: int) -> Fault:
    """What a failing socket means. TLS is looked at first: its errors are OSErrors, too."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _of_certificate(error, host)
    if isinstance(error, ssl.SSLEOFError):
        return unavailable(Reason.TLS, f"{host} closed the connection while it was being secured.")
    if isinstance(error, ssl.SSLError):
        return unavailable(
            Reason.TLS,
            f"No secure connection to {host}:{port}. The port may be for another protocol or another kind of security "
            "(TLS, STARTTLS), or the server may offer only old versions of TLS.",
            library=str(error.reason or ""),
        )
    if isinstance(error, socket.gaierror):
        return unavailable(Reason.NAME, f"There is no host {host}, or this machine has no network.")
    if isinstance(error, TimeoutError):
        return unavailable(Reason.TIMEOUT, f"{host}:{port} does not answer.")
    if isinstance(error, ConnectionRefusedError):
        return unavailable(Reason.CONNECT, f"Nothing listens at {host}:{port}. Check the port.")
    if isinstance(error, ConnectionError):
        return unavailable(Reason.BROKEN_OFF, f"The connection to {host}:{port} was broken off.")
    return unavailable(Reason.CONNECT, f"{host}:{port} cannot be reached: {error.strerror or 'no way leads there'}.")


# OpenSSL's X509_V_ERR_...
_EXPIRED, _NOT_YET, _OTHER_HOST, _OTHER_ADDRESS = 10, 9, 62, 64
_SELF_SIGNED = frozenset({18, 19})


def _of_certificate(error: ssl.SSLCertVerificationError, host: str) -> Fault:
    code = error.verify_code
    if code == _EXPIRED:
        what = "has expired"
    elif code == _NOT_YET:
        what = "is not valid yet: check the clock of this machine"
    elif code in (_OTHER_HOST, _OTHER_ADDRESS):
        what = "is for another name: check the server's name"
    elif code in _SELF_SIGNED:
        what = "is signed by nobody whom this machine trusts. If it is yours, pin its fingerprint"
    else:
        what = "cannot be verified. If it is yours, pin its fingerprint"
    return unavailable(Reason.CERTIFICATE, f"The certificate of {host} {what}.", library=error.verify_message)

"""Secure connections to mail servers, verified always: against what the system trusts, or a pinned certificate."""

import socket
import ssl
import time
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from ipaddress import ip_address

from mailquery.domain.accounts import Security, Server
from mailquery.sources.imap.faults import of_network, unavailable
from mailquery.sources.remote import Reason


def connect(server: Server, seconds: float) -> socket.socket:
    """A connected socket, within TLS where the server is to be spoken to so from the first byte on.

    Raises:
        Fault: SOURCE_UNAVAILABLE with the reasons NAME, CONNECT, TIMEOUT, BROKEN_OFF, TLS and CERTIFICATE.
    """
    until = time.monotonic() + seconds
    try:
        plain = _connected(server, until)
    except OSError as error:
        raise of_network(error, server.host, server.port) from error
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    plain.settimeout(max(0.01, until - time.monotonic()))
    return wrapper(server)(plain) if server.security is Security.TLS else plain


def wrapper(server: Server) -> Callable[[socket.socket], socket.socket]:
    """Puts a connected socket into TLS, and closes it where that fails. Raises Fault as `connect` does."""

    def wrap(plain: socket.socket) -> socket.socket:
        try:
            secured = _context(bool(server.pinned)).wrap_socket(plain, server_hostname=server.host)
        except OSError as error:
            plain.close()
            raise of_network(error, server.host, server.port) from error
        except ValueError as error:  # a name that can stand in no certificate
            plain.close()
            raise unavailable(Reason.NAME, f"{server.host[:100]!r} is no name of a host.") from error
        if server.pinned:
            shown = sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()
            if not compare_digest(shown, server.pinned.replace(":", "").lower()):
                secured.close()
                raise unavailable(
                    Reason.CERTIFICATE,
                    f"The certificate of {server.host} is not the pinned one. If the server has a new one, and that is "
                    "known for certain, pin its fingerprint.",
                    fingerprint=shown,
                )
        return secured

    return wrap


def _context(pinned: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if pinned:
        # Whoever signed it, for whatever name, until whenever: the certificate itself is compared.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _connected(server: Server, until: float) -> socket.socket:
    try:
        addresses = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except (UnicodeError, ValueError) as error:
        raise socket.gaierror(str(error)) from error
    failure: OSError | None = None
    for family, kind, protocol, _, address in addresses:
        if server.security is Security.NONE and not ip_address(str(address[0]).partition("%")[0]).is_loopback:
            raise unavailable(
                Reason.TLS,
                f"{server.host} is not this machine: a connection without TLS is made to this machine only. "
                "Use TLS or STARTTLS.",
            )
        opened = socket.socket(family, kind, protocol)
        try:
            opened.settimeout(max(0.01, until - time.monotonic()))
            opened.connect(address)
        except OSError as error:
            opened.close()
            failure = error
            continue
        return opened
    raise failure or socket.gaierror("no address")

"""Usual names of mail servers, tried: whether an IMAP server answers there. Nothing is said to it but goodbye."""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress

from mailquery.domain.accounts import Security, Server

USUAL = (
    ("imap", 993, Security.TLS),
    ("mail", 993, Security.TLS),
    ("", 993, Security.TLS),  # the domain itself
    ("imap", 143, Security.STARTTLS),
    ("mail", 143, Security.STARTTLS),
)
_LONGEST_LINE = 2_048  # bytes; a greeting may hold capabilities


def guesses(domain: str, usual: Sequence[tuple[str, int, Security]] = USUAL) -> tuple[Server, ...]:
    return tuple(Server(f"{label}.{domain}" if label else domain, port, security) for label, port, security in usual)


async def answers(server: Server, address: str) -> bool:
    """Whether an IMAP server is at this IP address of the server, with the encryption that it is thought to have. Its
    certificate is not looked at: that is for whoever logs in."""
    context = None
    if server.security is Security.TLS:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    name = server.host if context is not None else None
    try:
        reader, writer = await asyncio.open_connection(
            address, server.port, ssl=context, server_hostname=name, limit=_LONGEST_LINE
        )
    except (OSError, ValueError):
        return False
    try:
        return await _is_imap(reader, writer, server.security)
    except (OSError, ValueError, EOFError):
        return False
    finally:
        with suppress(OSError):
            writer.write(b"z LOGOUT\r\n")
        writer.transport.abort()  # nothing is waited for


async def _is_imap(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, security: Security) -> bool:
    if not (await reader.readline()).upper().startswith((b"* OK", b"* PREAUTH")):
        return False
    if security is not Security.STARTTLS:
        return True
    writer.write(b"a CAPABILITY\r\n")
    await writer.drain()
    for _ in range(8):
        line = (await reader.readline()).upper()
        if line.startswith(b"* CAPABILITY"):
            return b" STARTTLS" in line
        if not line or line.startswith(b"A "):
            break
    return False

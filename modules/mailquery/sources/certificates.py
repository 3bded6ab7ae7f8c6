"""The certificate that a server shows, whoever signed it: for a person to compare before it is trusted."""

import asyncio
import ssl
from hashlib import sha256

from mailquery.domain.accounts import Security, Server

_LONGEST_LINE = 2_048  # bytes
_MOST_LINES = 8


async def presented_fingerprint(server: Server, *, seconds: float = 10.0) -> str:
    """The SHA-256 of its certificate as 64 hexadecimal digits; empty where none could be had. Nothing is said to the
    server that it may not know."""
    try:
        async with asyncio.timeout(seconds):
            return await _fingerprint(server)
    except (OSError, TimeoutError, ValueError, EOFError):
        return ""


async def _fingerprint(server: Server) -> str:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    at_once = context if server.security is Security.TLS else None
    reader, writer = await asyncio.open_connection(server.host, server.port, ssl=at_once, limit=_LONGEST_LINE)
    try:
        if server.security is Security.STARTTLS:
            await _agree(reader, writer)
            await writer.start_tls(context)
        secured: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
        der = secured.getpeercert(binary_form=True) if secured is not None else None
        return sha256(der).hexdigest() if der else ""
    finally:
        writer.transport.abort()


async def _agree(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """STARTTLS (RFC 9051, section 6.2.1)."""
    await reader.readline()
    writer.write(b"a STARTTLS\r\n")
    await writer.drain()
    for _ in range(_MOST_LINES):
        line = await reader.readline()
        if line.upper().startswith(b"A OK"):
            return
        if not line.startswith(b"*"):
            break
    raise ValueError("no STARTTLS")

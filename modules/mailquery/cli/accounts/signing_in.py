"""Signing in to mail with its provider, for the commands that make or renew an account."""

import asyncio
import os
import sys
import threading
import webbrowser
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from mailquery.cli.output.printing import local_time, note
from mailquery.signing_in import Registration, SignedIn, SignIn
from mcpkit.security.oauth.tokens import Tokens
from mcpkit.security.untrusted import clean_line

_TEXT_BROWSERS = frozenset({"www-browser", "links", "elinks", "lynx", "w3m"})  # they would take the terminal
_LONGEST_LINE = 16 * 1024


async def signed_in(sign_in: SignIn, provider: str, address: str, zone: ZoneInfo, *, device: bool) -> SignedIn:
    """Has the person at the terminal sign in, on `device` by a code that they enter anywhere. Nothing is stored yet.

    Everything that is said goes to standard error, times in `zone`. Raises Fault: CONFIGURATION, LOGIN_FAILED, TIMEOUT,
    SOURCE_UNAVAILABLE.
    """
    registration = await sign_in.registration(provider)
    if device and registration.no_device:
        note(f"{registration.no_device} Sign in with a browser instead, on this machine or on another.")
        device = False
    if device:
        tokens = await _by_device(sign_in, registration, address, zone)
    else:
        tokens = await _by_browser(sign_in, registration, address)
    if not tokens.refresh_token:
        note("The provider gave no means to renew this login: it must be repeated when it ends.")
    return SignedIn(registration.oauth, tokens)


async def _by_device(sign_in: SignIn, registration: Registration, address: str, zone: ZoneInfo) -> Tokens:
    flow = sign_in.by_device(registration)
    code = await flow.begin()
    ends = local_time(datetime.fromtimestamp(code.expires, UTC), zone)
    note(f"On any device, open {code.verification_uri} and enter the code {code.user_code} (until {ends}).")
    note(f"Sign in as {clean_line(address)}. Enter the code nowhere else, and give it to nobody.")
    return await flow.wait(code)


async def _by_browser(sign_in: SignIn, registration: Registration, address: str) -> Tokens:
    async with sign_in.by_browser(registration, address) as login:
        browser = _browser()
        where = "The browser opens" if browser is not None else "Open this address in a browser, on any machine"
        note(f"{where}, to sign in with {registration.title}:")
        print(f"\n{login.url}\n", file=sys.stderr, flush=True)  # on one line, however narrow the terminal
        if browser is None:
            return await login.finish(_Pasting().ask)
        # It may run as long as the person has it open.
        threading.Thread(target=browser.open, args=(login.url,), daemon=True).start()
        return await login.finish()


def _browser() -> webbrowser.BaseBrowser | None:
    """One that opens a window, which a machine that is reached over a network has not."""
    try:
        found = webbrowser.get()
    except webbrowser.Error:
        return None
    return None if os.path.basename(getattr(found, "name", "")) in _TEXT_BROWSERS else found


class _Pasting:
    """Asks for the address that a browser on another machine could not open, on the terminal."""

    def __init__(self) -> None:
        self._left = b""

    async def ask(self, wrong: str) -> str:
        note(
            wrong
            or "When you have signed in on another machine, its browser shows an error: it cannot open the address of "
            "this program. Copy that address from the browser, and paste it here:"
        )
        line = await self._line()
        if line is None:  # nobody is at the terminal: the browser may still come
            await asyncio.Event().wait()
        return line or ""

    async def _line(self) -> str | None:
        """None at the end of the input. The thread that waits for it is left behind where the browser comes first; it
        reads past Python's buffers, whose locks would be missed at the end."""
        loop = asyncio.get_running_loop()
        read: asyncio.Future[bytes] = loop.create_future()

        def settle(line: bytes) -> None:
            if not read.done():
                read.set_result(line)

        def wait() -> None:
            line = self._read_line()
            try:
                loop.call_soon_threadsafe(settle, line)
            except RuntimeError:
                return  # the command has ended

        threading.Thread(target=wait, daemon=True).start()
        line = await read
        return line.decode(errors="replace") if line else None

    def _read_line(self) -> bytes:
        while b"\n" not in self._left and len(self._left) < _LONGEST_LINE:
            try:
                data = os.read(sys.stdin.fileno(), 4096)
            except (OSError, ValueError, AttributeError):
                data = b""
            if not data:
                line, self._left = self._left, b""
                return line
            self._left += data
        line, _, self._left = self._left.partition(b"\n")
        return line + b"\n"

"""Signing in on another device: the device authorization grant (RFC 8628)."""

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
from oauthlib.common import add_params_to_qs
from oauthlib.oauth2 import DeviceClient

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.authentication.urls import check_url
from mcpkit.security.oauth.asking import Endpoints
from mcpkit.security.oauth.clients import Client
from mcpkit.security.oauth.code_flow import secret_field
from mcpkit.security.oauth.refusals import broken, refused
from mcpkit.security.oauth.tokens import Tokens, read_tokens

_INTERVAL = 5.0  # seconds between two questions, where the server says none (RFC 8628, section 3.2)
_SLOWER = 5.0  # seconds more after `slow_down` (section 3.5)
_LONGEST_WAIT = 3600.0  # seconds
_SHOWN = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,63}")


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a person is shown: they open `verification_uri` anywhere and enter `user_code`, or open
    `verification_uri_complete`, which is empty where there is none. `expires` is in unix seconds, `interval` in
    seconds."""

    device_code: str = field(repr=False)
    user_code: str = field(repr=False)
    verification_uri: str
    verification_uri_complete: str = field(repr=False)
    expires: float
    interval: float


class DeviceFlow:
    """One login. `sleep` and `clock` are the event loop's and the machine's."""

    def __init__(
        self,
        client: Client,
        endpoints: Endpoints,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._client = client
        self._endpoints = endpoints
        self._clock = clock
        self._sleep = sleep

    async def begin(self) -> DeviceCode:
        """
        Raises:
            Fault: CONFIGURATION, where the server has no such flow, or not for this client; as `refusals.refused`.
        """
        client = self._client
        url = client.server.device_authorization_endpoint
        if not url:
            raise Fault(
                ErrorCode.CONFIGURATION,
                "This authorization server offers no login by a code on another device. Sign in with a browser.",
            )
        fields = {"client_id": client.client_id, "scope": " ".join(client.scopes), **secret_field(client)}
        asked = self._clock()
        answer = await self._endpoints.post(url, add_params_to_qs("", fields), client)
        if "error" in answer.object:
            raise refused(url, str(answer.object["error"]), answer.object.get("error_description"))
        if answer.status != 200:
            raise broken(url, f"status {answer.status} without an error")
        return _read(url, answer.object, asked)

    async def wait(self, code: DeviceCode) -> Tokens:
        """Asks for the tokens until the person has agreed.

        Raises:
            Fault: LOGIN_FAILED, where they refuse, or the code is over; as `tokens.read_tokens` says.
        """
        client, interval = self._client, code.interval
        url = client.server.token_endpoint
        form = DeviceClient(client.client_id).prepare_request_body(
            device_code=code.device_code, include_client_id=True, **secret_field(client)
        )
        while True:
            await self._sleep(interval)
            asked = self._clock()
            if asked >= code.expires:
                raise refused(url, "expired_token")
            try:
                answer = await self._endpoints.post(url, form, client)
            except Fault as fault:
                if fault.code is not ErrorCode.SOURCE_UNAVAILABLE or fault.details.get("reason") == "certificate":
                    raise
                # Section 3.5: slower after a timeout. What ends this is the end of the code.
                interval = min(max(interval * 2, fault.retry_after or 0.0), _LONGEST_WAIT)
                continue
            match answer.object.get("error"):
                case "authorization_pending":
                    continue
                case "slow_down":
                    interval += _SLOWER
                case _:
                    return read_tokens(answer, client, asked)


def _read(url: str, said: dict[str, Any], asked: float) -> DeviceCode:
    # Some servers still use the name of a draft.
    where = said.get("verification_uri", said.get("verification_url"))
    code, shown = said.get("device_code"), said.get("user_code")
    if not isinstance(code, str) or not code:
        raise broken(url, "its answer has no device code")
    # It is shown on a terminal, which obeys control characters.
    if not isinstance(shown, str) or not _SHOWN.fullmatch(shown):
        raise broken(url, "its answer has no code that a person could enter")
    life, interval = _seconds(url, said.get("expires_in")), _seconds(url, said.get("interval", _INTERVAL))
    complete = said.get("verification_uri_complete")
    return DeviceCode(
        code,
        shown,
        _page(url, where),
        _page(url, complete) if complete else "",
        asked + min(life, _LONGEST_WAIT),
        min(max(interval, 1.0), _LONGEST_WAIT),
    )


def _seconds(url: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < float("inf"):
        raise broken(url, "its answer does not say how long the code lasts, and how often to ask")
    return value


def _page(url: str, value: object) -> str:
    try:
        page = check_url(value if isinstance(value, str) else "")
    except ValueError:
        page = ""
    if not page or not all("\x21" <= character <= "\x7e" for character in page) or len(page) > 2000:
        raise broken(url, "the address of its page cannot be used")
    return page

"""The door of the HTTP transport: no request reaches the protocol without a principal.

This server is a protected resource of OAuth 2.1: it says where tokens are to be had (RFC 9728), and answers 401 and 403
with what is needed (RFC 6750, section 3). The token goes no further than this.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.mapping import contain, protocol_error
from mcpkit.protocol.requests import PRINCIPAL_KEY
from mcpkit.security.authentication.authentication import Authentication, Caller
from mcpkit.security.authentication.interfaces import Rejected

logger = logging.getLogger(__name__)

_WELL_KNOWN = "/.well-known/oauth-protected-resource"
_METADATA_LASTS = "max-age=3600"
_STATUS = {
    ErrorCode.UNAUTHORIZED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.INVALID_FORMAT: 400,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.INTERNAL_ERROR: 500,
}


@dataclass(frozen=True, slots=True)
class ProtectedResource:
    """`url` is this server's identifier, the public URL of its endpoint; `issuers` are those of the authorization
    servers whose tokens it takes, to the letter."""

    url: str
    name: str
    issuers: Sequence[str]
    scopes: Sequence[str]

    @property
    def metadata_path(self) -> str:
        """RFC 9728, section 3.1: the path of the resource follows the well-known one."""
        return _WELL_KNOWN + urlsplit(self.url).path.rstrip("/")

    @property
    def metadata_url(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{self.metadata_path}"

    def metadata(self) -> dict[str, object]:
        """RFC 9728, section 2."""
        return {
            "resource": self.url,
            "authorization_servers": list(self.issuers),
            "scopes_supported": list(self.scopes),
            "bearer_methods_supported": ["header"],
            "resource_name": self.name,
        }


class Guard:
    """`scopes` are those that give something to do here: who has none of them is refused, and told all of them.
    Without `resource` there is no authorization server, and keys are had from the operator."""

    def __init__(
        self, authentication: Authentication, scopes: Sequence[str], resource: ProtectedResource | None = None
    ) -> None:
        self._authentication = authentication
        self._scopes = tuple(scopes)
        self._resource = resource

    def protect(self, app: ASGIApp) -> ASGIApp:
        return _Guarded(app, self)

    def routes(self) -> list[Route]:
        """The metadata, at the root for clients that look there alone, beside where it belongs."""
        if self._resource is None:
            return []
        metadata = self._resource.metadata()

        async def endpoint(request: Request) -> Response:
            return JSONResponse(metadata, headers={"Cache-Control": _METADATA_LASTS})

        paths = dict.fromkeys((_WELL_KNOWN, f"{_WELL_KNOWN}/mcp", self._resource.metadata_path))
        return [Route(path, endpoint, methods=["GET"]) for path in paths]

    async def close(self) -> None:
        """Ends what the strategies keep open."""
        await self._authentication.close()

    async def admit(self, scope: Scope) -> Caller:
        """Who asks.

        Raises:
            Refusal: nobody whom this server serves.
        """
        token = self._token(scope)
        try:
            caller = await self._authentication(token)
        except Rejected as rejected:
            logger.info("refused: %s", rejected.reason)
            raise self.challenge("invalid_token", rejected.reason) from None
        except Fault as fault:
            raise Refusal(fault) from fault
        except Exception as error:  # whatever it is, nobody gets in by it
            raise Refusal(contain(error, "authenticating a request")) from error
        principal = caller.principal
        if not any(map(principal.may, self._scopes)):
            needed = "The credential has none of the scopes that are of use here"
            raise self.challenge("insufficient_scope", needed, ErrorCode.FORBIDDEN)
        if principal.accounts is not None and not principal.accounts:
            message = f"The user {principal.user} may see no account here. The operator says which, in auth.users."
            raise Refusal(Fault(ErrorCode.FORBIDDEN, message))
        return caller

    def challenge(
        self, error: str = "", reason: str = "Authentication is needed", code: ErrorCode = ErrorCode.UNAUTHORIZED
    ) -> "Refusal":
        """RFC 6750, section 3.1: without a credential there is no error to name."""
        fields = {"error": error, "error_description": reason} if error else {}
        fields["scope"] = " ".join(self._scopes)
        if self._resource is not None:
            fields["resource_metadata"] = self._resource.metadata_url  # RFC 9728, section 5.1
            remedy = f"Send an access token of {', '.join(self._resource.issuers)} as `Authorization: Bearer ...`."
        else:
            remedy = "Send an API key as `Authorization: Bearer ...`; the operator gives them out."
        header = "Bearer " + ", ".join(f'{name}="{value}"' for name, value in fields.items())
        return Refusal(Fault(code, f"{reason}. {remedy}", details={"scopes": list(self._scopes)}), header)

    def _token(self, scope: Scope) -> str:
        if "access_token" in parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True):
            # It would stand in logs and histories (RFC 6750, section 2.3; RFC 9700, section 4.3.2).
            raise self.challenge("invalid_request", "A token does not belong in the URL", ErrorCode.INVALID_FORMAT)
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(given) > 1:
            raise self.challenge("invalid_request", "There are several Authorization headers", ErrorCode.INVALID_FORMAT)
        scheme, _, token = (given[0] if given else b"").decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            raise self.challenge()
        return token.strip(" ")


class Refusal(Exception):
    """An answer without a caller: a JSON-RPC error without id, as the endpoint's own are."""

    def __init__(self, fault: Fault, challenge: str | None = None) -> None:
        super().__init__(fault.message)
        headers = {"Cache-Control": "no-store"}
        if challenge is not None:
            headers["WWW-Authenticate"] = challenge
        if fault.retry_after is not None:
            headers["Retry-After"] = str(max(1, round(fault.retry_after)))
        error = protocol_error(fault).error.model_dump(mode="json", exclude_none=True)
        body = {"jsonrpc": "2.0", "id": None, "error": error}
        self.response = JSONResponse(body, _STATUS.get(fault.code, 503), headers)


class _Guarded:
    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            caller = await self._guard.admit(scope)
        except Refusal as refusal:
            await refusal.response(scope, receive, send)
            return
        admitted = _admitted(scope, caller)
        if scope["method"] == "GET" and caller.expires is not None:
            await _until(caller.expires, self._app, admitted, receive, send)
        else:
            await self._app(admitted, receive, send)


def _admitted(scope: Scope, caller: Caller) -> Scope:
    """The request without its credential. The SDK binds sessions to the `user`: to another they do not exist."""
    principal = caller.principal
    user = AuthenticatedUser(
        AccessToken(
            token="",
            client_id=principal.client,
            scopes=sorted(principal.scopes),
            subject=principal.user,
            claims={"iss": caller.issuer},
        )
    )
    headers = [(name, value) for name, value in scope["headers"] if name != b"authorization"]
    return {**scope, "headers": headers, "user": user, PRINCIPAL_KEY: principal}


async def _until(expires: float, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Streams that a client keeps open end with its credential."""
    started = ended = False

    async def watched(message: Message) -> None:
        nonlocal started, ended
        started = started or message["type"] == "http.response.start"
        ended = ended or (message["type"] == "http.response.body" and not message.get("more_body", False))
        await send(message)

    with anyio.move_on_after(max(0.0, expires - time.time())) as time_left:
        await app(scope, receive, watched)
    if time_left.cancelled_caught and started and not ended:
        await send({"type": "http.response.body", "body": b"", "more_body": False})

"""The door of the HTTP transport: no request reaches the protocol without a principal.

This server is a protected resource of OAuth 2.1: it says where tokens are to be had (RFC 9728), and answers 401 and 403
with what is needed (RFC 6750, section 3). The token goes no further than this.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.mapping import contain, protocol_error
from mcpkit.protocol.requests import ADMITTED_KEY, PRINCIPAL_KEY
from mcpkit.security.audit import AuditSink
from mcpkit.security.authentication.authentication import Authentication, Caller
from mcpkit.security.authentication.interfaces import Rejected
from mcpkit.security.identity import Principal
from mcpkit.transport.http.door.open_streams import while_admitted
from mcpkit.transport.http.door.refusals import RecordRefusals

logger = logging.getLogger(__name__)

_WELL_KNOWN = "/.well-known/oauth-protected-resource"
_RECHECK_SECONDS = 30.0
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
    Without `resource` there is no authorization server, and keys are had from the operator. `audit` records whoever is
    refused, and `count` counts them, by `Refusal.kind` and code. The credential of a stream that a client keeps open is
    looked at again every `recheck_seconds`."""

    def __init__(
        self,
        authentication: Authentication,
        scopes: Sequence[str],
        resource: ProtectedResource | None = None,
        audit: AuditSink | None = None,
        recheck_seconds: float = _RECHECK_SECONDS,
        count: Callable[[str, ErrorCode], None] | None = None,
    ) -> None:
        self._authentication = authentication
        self._scopes = tuple(scopes)
        self._resource = resource
        self._record = RecordRefusals(audit) if audit else None
        self.recheck_seconds = recheck_seconds
        self._count = count

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
            raise self.challenge("insufficient_scope", needed, ErrorCode.FORBIDDEN, principal)
        if principal.accounts is not None and not principal.accounts:
            message = f"The user {principal.user} may see no account here. The operator says which, in auth.users."
            raise Refusal(Fault(ErrorCode.FORBIDDEN, message), principal=principal)
        return caller

    async def is_admitted(self, scope: Scope) -> bool:
        """Whether what was admitted still is. Where that cannot be told now, it is."""
        try:
            await self.admit(scope)
        except Refusal as refusal:
            return refusal.fault.code not in (ErrorCode.UNAUTHORIZED, ErrorCode.FORBIDDEN)
        return True

    async def refused(self, scope: Scope, refusal: "Refusal") -> None:
        if self._count is not None:
            self._count(refusal.kind, refusal.fault.code)
        if self._record is not None:
            await self._record(scope, refusal.fault, refusal.reason, refusal.principal)

    def challenge(
        self,
        error: str = "",
        reason: str = "Authentication is needed",
        code: ErrorCode = ErrorCode.UNAUTHORIZED,
        principal: Principal | None = None,
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
        fault = Fault(code, f"{reason}. {remedy}", details={"scopes": list(self._scopes)})
        return Refusal(fault, header, reason, principal, is_anonymous=not error)

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
    """An answer without a caller: a JSON-RPC error without id, as the endpoint's own are. `principal` is who it was, if
    that was found out, and `reason` what it rests on, for the audit. It `is_anonymous` where no credential was
    shown."""

    def __init__(
        self,
        fault: Fault,
        challenge: str | None = None,
        reason: str = "",
        principal: Principal | None = None,
        *,
        is_anonymous: bool = False,
    ) -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.is_anonymous = is_anonymous
        self.reason = reason or fault.message
        self.principal = principal
        headers = {"Cache-Control": "no-store"}
        if challenge is not None:
            headers["WWW-Authenticate"] = challenge
        if fault.retry_after is not None:
            headers["Retry-After"] = str(max(1, math.ceil(fault.retry_after)))
        error = protocol_error(fault).error.model_dump(mode="json", exclude_none=True)
        body = {"jsonrpc": "2.0", "id": None, "error": error}
        self.response = JSONResponse(body, _STATUS.get(fault.code, 503), headers)

    @property
    def kind(self) -> str:
        """One of `mcpkit.monitoring.metrics.REFUSED`."""
        match self.fault.code:
            case ErrorCode.UNAUTHORIZED:
                return "no_credential" if self.is_anonymous else "bad_credential"
            case ErrorCode.FORBIDDEN:
                return "not_allowed"
            case ErrorCode.INVALID_FORMAT:
                return "malformed"
            case _:
                return "failed"


class _StillAdmitted:
    """Whether the credential of a request is good still: looked at anew where the last look is too long ago."""

    def __init__(self, guard: Guard, scope: Scope) -> None:
        self._guard = guard
        self._scope = scope
        self._looked = time.monotonic()
        self._is = True

    async def __call__(self) -> bool:
        if self._is and time.monotonic() - self._looked >= self._guard.recheck_seconds:
            self._is = await self._guard.is_admitted(self._scope)
            self._looked = time.monotonic()
        return self._is


class _Guarded:
    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            caller = await self._guard.admit(scope)
        except Refusal as refusal:
            await self._guard.refused(scope, refusal)
            await refusal.response(scope, receive, send)
            return
        still = _StillAdmitted(self._guard, scope)
        admitted = {**_admitted(scope, caller), ADMITTED_KEY: still}
        if scope["method"] == "GET":
            await while_admitted(
                self._app,
                admitted,
                receive,
                send,
                expires=caller.expires,
                is_admitted=lambda: self._guard.is_admitted(scope),
                interval=self._guard.recheck_seconds,
            )
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

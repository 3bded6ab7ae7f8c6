"""Signing in with a browser: the authorization code flow (RFC 6749, section 4.1) with PKCE (RFC 7636) and the check of
who answers (RFC 9207)."""

import re
import time
from collections.abc import Callable
from urllib.parse import parse_qsl

from oauthlib.common import generate_token
from oauthlib.oauth2 import WebApplicationClient
from oauthlib.oauth2.rfc6749.errors import MismatchingStateError, MissingCodeError, OAuth2Error

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.authentication.urls import check_url
from mcpkit.security.oauth.asking import Endpoints
from mcpkit.security.oauth.clients import Client
from mcpkit.security.oauth.refusals import broken, refused
from mcpkit.security.oauth.tokens import Tokens, read_tokens

_STATE_LENGTH = 43  # characters of 62: more than 250 bits
_VERIFIER_LENGTH = 64
_MOST_FIELDS = 30
_TENANT = re.escape("{tenantid}")


class ForeignAnswer(Exception):
    """The answer to another request than this one, or none at all."""


class CodeFlow:
    """One login. `redirect_uri` is where the browser is sent back to, with its port."""

    def __init__(self, client: Client, redirect_uri: str, clock: Callable[[], float] = time.time) -> None:
        """Raises Fault CONFIGURATION, where the client's addresses may not be used."""
        self._client = client
        self._redirect_uri = redirect_uri
        self._clock = clock
        self._oauth = WebApplicationClient(client.client_id)
        self._state = generate_token(_STATE_LENGTH)
        self._verifier = self._oauth.create_code_verifier(_VERIFIER_LENGTH)
        self._redeemed = False
        self.url = self._authorization_url()

    def _authorization_url(self) -> str:
        endpoint = self._client.server.authorization_endpoint
        try:
            check_url(endpoint)
        except ValueError as error:
            raise Fault(ErrorCode.CONFIGURATION, f"The address of an authorization server {error}.") from None
        scheme, _, rest = endpoint.partition("://")
        # oauthlib takes https alone. What may be without it is settled above.
        url = self._oauth.prepare_request_uri(
            f"https://{rest}",
            redirect_uri=self._redirect_uri,
            scope=list(self._client.scopes),
            state=self._state,
            code_challenge=self._oauth.create_code_challenge(self._verifier, "S256"),
            code_challenge_method="S256",
            **self._client.parameters,
        )
        return f"{scheme}://{url.partition('://')[2]}"

    def code_of(self, query: str) -> str:
        """The code in the query of the address that the browser was sent back to.

        Raises:
            ForeignAnswer: it is not the answer to this login, which may still come.
            Fault: the login was refused, or its answer must not be used.
        """
        server = self._client.server
        try:
            fields = parse_qsl(query, max_num_fields=_MOST_FIELDS)
            said = dict(fields)
            # The scheme is what oauthlib asks for; it reads the query alone.
            code = self._oauth.parse_request_uri_response(f"https://loopback/?{query}", state=self._state).get("code")
        except (ValueError, MismatchingStateError) as error:
            raise ForeignAnswer from error
        except MissingCodeError:
            raise broken(server.authorization_endpoint, "it sends back neither a code nor an error") from None
        except OAuth2Error as error:
            # From another server, what it says is not said of this login either.
            self._check_issuer(said.get("iss"))
            raise refused(server.authorization_endpoint, str(error.error), error.description) from None
        if len(said) != len(fields):  # RFC 6749, section 3.1
            raise broken(server.authorization_endpoint, "it sends back a field twice")
        self._check_issuer(said.get("iss"))
        assert code is not None
        return code

    def _check_issuer(self, issuer: str | None) -> None:
        """RFC 9207, section 2.4: a code of one server must not be brought to another."""
        server = self._client.server
        if issuer is None:
            if server.names_itself:
                raise broken(server.authorization_endpoint, "it sends an answer back without saying who answers")
            return
        expected = re.escape(server.issuer).replace(_TENANT, "[0-9A-Za-z-]{1,64}")
        if server.issuer and not re.fullmatch(expected, issuer):
            raise Fault(
                ErrorCode.LOGIN_FAILED,
                "The answer to the login came from another authorization server than the one that was asked. It was "
                "not used. Sign in again, and enter nothing on a page of another address.",
                details={"reason": "token"},
            )

    async def redeem(self, code: str, endpoints: Endpoints) -> Tokens:
        """The tokens for the code, once.

        Raises:
            Fault: as `tokens.read_tokens` and `Endpoints.post` say.
        """
        assert not self._redeemed, "a code is redeemed once"
        self._redeemed = True
        client, asked = self._client, self._clock()
        form = self._oauth.prepare_request_body(
            code=code,
            redirect_uri=self._redirect_uri,
            code_verifier=self._verifier,
            include_client_id=True,
            **secret_field(client),
        )
        return read_tokens(await endpoints.post(client.server.token_endpoint, form, client), client, asked)


def secret_field(client: Client) -> dict[str, str]:
    return {"client_secret": client.client_secret} if client.client_secret and client.secret_in_body else {}


def query_of(pasted: str) -> str:
    """The query of an address that a person copied from the browser, however much of it.

    Raises:
        ForeignAnswer: there is none.
    """
    query = pasted.strip().strip("<>\"'").partition("#")[0].partition("?")[2]
    if not query:
        raise ForeignAnswer
    return query

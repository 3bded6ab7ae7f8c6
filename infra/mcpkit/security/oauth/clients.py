"""Who we are to an authorization server, and where it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

LOOPBACK = "http://127.0.0.1/callback"


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """`issuer` is its identifier, to the letter; `{tenantid}` in it stands for one element of the path, as Microsoft's
    metadata write it. `names_itself` is whether all of its answers say who gave them (RFC 9207)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    device_authorization_endpoint: str = ""  # empty where it has no such flow
    names_itself: bool = False


@dataclass(frozen=True, slots=True)
class Client:
    """`client_secret` protects nothing: what is installed on a machine is a public client, though some servers ask for
    one (RFC 8252, section 8.5); `secret_in_body` is how it is sent (RFC 6749, section 2.3.1). `redirect` is the
    registered redirect URI without a port (RFC 8252, section 7.3), and `parameters` are further ones of the
    authorization request."""

    server: AuthorizationServer
    client_id: str
    scopes: tuple[str, ...]
    client_secret: str = field(default="", repr=False)
    secret_in_body: bool = False
    redirect: str = LOOPBACK
    parameters: Mapping[str, str] = field(default_factory=dict)

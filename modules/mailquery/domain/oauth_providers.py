"""The authorization servers of the large providers of mail: where they are, and what they want.

From https://accounts.google.com/.well-known/openid-configuration, Google's "OAuth 2.0 for iOS & Desktop Apps" and
"IMAP, POP and SMTP", and Microsoft's "Authenticate an IMAP, POP or SMTP connection using OAuth".
"""

from dataclasses import dataclass

GOOGLE, MICROSOFT = "google", "microsoft"


@dataclass(frozen=True, slots=True)
class OAuthProvider:
    """`{tenant}` in a URL stands for a Microsoft organisation's name or `common`; `{tenantid}` in the issuer, for the
    id of the one that answers. `redirect` is the registered redirect URI, without a port. `parameters` are further ones
    of the authorization request. `no_device` says why there is no device flow, where there is none."""

    name: str
    title: str
    issuer: str
    authorization_url: str
    token_url: str
    scopes: tuple[str, ...]
    redirect: str
    device_url: str = ""
    no_device: str = ""
    parameters: tuple[tuple[str, str], ...] = ()


PROVIDERS = {
    GOOGLE: OAuthProvider(
        GOOGLE,
        "Google",
        issuer="https://accounts.google.com",
        authorization_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
        scopes=("https://mail.google.com/",),
        redirect="http://127.0.0.1/",
        no_device="Google gives no access to mail by a code on another device.",
        # Without these it gives no refresh token, or the first time only.
        parameters=(("access_type", "offline"), ("prompt", "consent")),
    ),
    MICROSOFT: OAuthProvider(
        MICROSOFT,
        "Microsoft",
        issuer="https://login.microsoftonline.com/{tenantid}/v2.0",
        authorization_url="https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
        token_url="https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",  # noqa: S106 - an address
        scopes=("https://outlook.office.com/IMAP.AccessAsUser.All", "offline_access"),
        redirect="http://localhost",
        device_url="https://login.microsoftonline.com/{tenant}/oauth2/v2.0/devicecode",
    ),
}

"""Who this program is to the authorization servers of mail providers. Nothing of it is shipped: docs/oauth.md says how
to register a client."""

from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from mailquery.settings.group import Group, words
from mcpkit.security.authentication.urls import check_url


class Google(Group):
    """A client of the kind "Desktop app". Its secret is asked for, and no secret."""

    client_id: str = Field(default="", max_length=300)
    client_secret: SecretStr | None = None


class Microsoft(Group):
    """A registration for public clients. `tenant` is `common` (anybody), `organizations`, `consumers`, or the name or
    id of one organisation."""

    client_id: str = Field(default="", max_length=300)
    tenant: str = Field(default="common", pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,99}$")


class Issuer(Group):
    """Any other authorization server that has metadata (RFC 8414). `url` is its issuer identifier, to the letter, and
    `redirect` the redirect URI that is registered with it, without a port."""

    url: str = ""
    client_id: str = Field(default="", max_length=300)
    client_secret: SecretStr | None = None
    scopes: Annotated[tuple[str, ...], NoDecode] = ("mail", "offline_access")
    redirect: str = Field(
        default="http://127.0.0.1/callback", pattern=r"^http://(127\.0\.0\.1|\[::1\]|localhost)(/\S*)?$"
    )

    @field_validator("scopes", mode="before")
    @classmethod
    def _separated(cls, given: object) -> object:
        return words(given)

    @field_validator("url")
    @classmethod
    def _safe(cls, url: str) -> str:
        return check_url(url) if url else url

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if bool(self.url) != bool(self.client_id):
            raise ValueError("issuer needs both `url` and `client_id`")
        return self


class OAuth(Group):
    google: Google = Google()
    microsoft: Microsoft = Microsoft()
    issuer: Issuer = Issuer()

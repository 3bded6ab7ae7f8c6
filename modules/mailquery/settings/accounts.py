"""How the mail server of an address is found."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from mailquery.settings.group import Group, words
from mcpkit.security.authentication.urls import check_url


class Discovery(Group):
    """`seconds` is how long all ways of finding a server may take together. `database` is Thunderbird's database of
    providers, or a copy of it; empty is none. `nameservers` are asked instead of those of the system: IP addresses,
    each with a port behind `#` where it is not 53."""

    seconds: float = Field(default=8.0, gt=0, le=60)
    database: str = "https://autoconfig.thunderbird.net/v1.1/"
    nameservers: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("database")
    @classmethod
    def _safe(cls, url: str) -> str:
        return check_url(url) if url else url

    @field_validator("nameservers", mode="before")
    @classmethod
    def _separated(cls, given: object) -> object:
        return words(given)

    @field_validator("nameservers")
    @classmethod
    def _addresses(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        from ipaddress import ip_address  # of all the settings, only this one needs it

        for each in given:
            address, _, port = each.partition("#")
            try:
                ip_address(address)
                usable = not port or 0 < int(port) < 65_536
            except ValueError:
                usable = False
            if not usable:
                raise ValueError("each must be an IP address, such as 192.0.2.53 or 127.0.0.1#5353")
        return given

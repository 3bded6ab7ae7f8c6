"""Thunderbird's configuration files, version 1.1 (wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat)."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from mailquery.domain.accounts import Security, Server
from mailquery.sources.discovery.addresses import MailAddress, host_name

MAX_BYTES = 128 * 1024  # of a file
_MOST_SERVERS = 8
_MOST_ELEMENTS = 2_000
_LONGEST_USERNAME = 320
_SECURITY = {"SSL": Security.TLS, "STARTTLS": Security.STARTTLS}  # `plain` would send the password for all to read


class NotUnderstood(Exception):
    """Why a file is no configuration, in words."""


@dataclass(frozen=True, slots=True)
class ConfiguredServer:
    """`oauth` is whether tokens are taken, and `password` whether passwords are."""

    server: Server
    username: str
    oauth: bool = False
    password: bool = True


def read_autoconfig(xml: bytes, address: MailAddress) -> tuple[ConfiguredServer, ...]:
    """The IMAP servers of a file, in its order; those without encryption left out. Raises NotUnderstood."""
    root = _parsed(xml)
    if root.tag != "clientConfig":
        raise NotUnderstood("it is no clientConfig")
    found = [
        server
        for element in root.findall("./emailProvider/incomingServer")[:_MOST_SERVERS]
        if element.get("type", "").lower() == "imap" and (server := _server(element, address)) is not None
    ]
    return tuple(found)


def _parsed(xml: bytes) -> Element:
    """Without document types: there are no entities then, and nothing that grows."""
    if len(xml) > MAX_BYTES:
        raise NotUnderstood(f"it has more than {MAX_BYTES // 1024} KB")
    builder = TreeBuilder()
    count = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > _MOST_ELEMENTS:
            raise NotUnderstood(f"it has more than {_MOST_ELEMENTS} elements")
        builder.start(tag, attributes)

    def refuse(*_: object) -> NoReturn:
        raise NotUnderstood("it declares a document type, which no such file needs")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(xml, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise NotUnderstood("it is no XML") from error
    return builder.close()


def _server(element: Element, address: MailAddress) -> ConfiguredServer | None:
    """None where it cannot be used: encryption is missing, or something is no name, number or way to log in."""
    security = _SECURITY.get(_text(element, "socketType").upper())
    port = _text(element, "port")
    username = _filled(_text(element, "username") or "%EMAILADDRESS%", address)
    if security is None or not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536):
        return None
    try:
        host = _host(_filled(_text(element, "hostname"), address))
    except ValueError:
        return None
    if not username.isprintable() or len(username) > _LONGEST_USERNAME:
        return None
    ways = {(each.text or "").strip().lower() for each in element.findall("authentication")}
    password = not ways or bool(ways & {"password-cleartext", "plain", "password-encrypted", "secure"})
    if not password and "oauth2" not in ways:
        return None
    return ConfiguredServer(Server(host, int(port), security), username, "oauth2" in ways, password)


def _host(given: str) -> str:
    try:
        return str(ip_address(given))
    except ValueError:
        return host_name(given)


def _text(element: Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def _filled(text: str, address: MailAddress) -> str:
    for placeholder, value in (
        ("%EMAILADDRESS%", address.text),
        ("%EMAILLOCALPART%", address.local),
        ("%EMAILDOMAIN%", address.domain),
    ):
        text = text.replace(placeholder, value)
    return text

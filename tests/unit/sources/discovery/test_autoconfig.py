from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquery.domain.accounts import Security, Server
from mailquery.sources.discovery.addresses import mail_address
from mailquery.sources.discovery.autoconfig import MAX_BYTES, ConfiguredServer, NotUnderstood, read_autoconfig

ANA = mail_address("ana.souza@example.com")


def server(
    host: str = "imap.example.com",
    port: str = "993",
    security: str = "SSL",
    username: str = "%EMAILADDRESS%",
    ways: tuple[str, ...] = ("password-cleartext",),
    kind: str = "imap",
) -> str:
    told = "".join(f"<authentication>{way}</authentication>" for way in ways)
    return (
        f'<incomingServer type="{kind}"><hostname>{host}</hostname><port>{port}</port>'
        f"<socketType>{security}</socketType><username>{username}</username>{told}</incomingServer>"
    )


def file(*servers: str) -> bytes:
    return f'<clientConfig version="1.1"><emailProvider>{"".join(servers)}</emailProvider></clientConfig>'.encode()


def test_a_file_as_thunderbird_documents_it() -> None:
    xml = dedent("""\
        <?xml version="1.0" encoding="UTF-8"?>
        <clientConfig version="1.1">
          <emailProvider id="freenet.de">
            <domain>freenet.de</domain>
            <displayName>Freenet Mail</displayName>
            <incomingServer type="pop3">
              <hostname>mx.freenet.de</hostname><port>995</port><socketType>SSL</socketType>
              <username>%EMAILADDRESS%</username><authentication>password-encrypted</authentication>
            </incomingServer>
            <incomingServer type="imap">
              <hostname> imap.%EMAILDOMAIN% </hostname>
              <port>993</port>
              <socketType>SSL</socketType>
              <username>%EMAILLOCALPART%</username>
              <authentication>OAuth2</authentication>
              <authentication>password-cleartext</authentication>
            </incomingServer>
            <incomingServer type="imap">
              <hostname>imap.example.com</hostname><port>143</port><socketType>STARTTLS</socketType>
              <username>%EMAILADDRESS%</username><authentication>password-encrypted</authentication>
            </incomingServer>
            <outgoingServer type="smtp"><hostname>smtp.example.com</hostname></outgoingServer>
          </emailProvider>
        </clientConfig>
        """).encode()
    assert read_autoconfig(xml, ANA) == (
        ConfiguredServer(Server("imap.example.com", 993), "ana.souza", oauth=True),
        ConfiguredServer(Server("imap.example.com", 143, Security.STARTTLS), "ana.souza@example.com"),
    )


@pytest.mark.parametrize(
    "unusable",
    [
        server(security="plain"),
        server(security=""),
        server(port="0"),
        server(port="99999999999"),
        server(port="٩٩٣"),
        server(port="-1"),
        server(host="evil host"),
        server(host=""),
        server(host="a.example.com/x"),
        server(username="ana\u202eb"),
        server(username="x" * 1_000),
        server(ways=("client-IP-address",)),
        server(kind="pop3"),
    ],
)
def test_a_server_that_cannot_be_used_is_left_out_and_the_next_one_taken(unusable: str) -> None:
    found = read_autoconfig(file(unusable, server("second.example.com")), ANA)
    assert [each.server.host for each in found] == ["second.example.com"]


def test_a_server_that_takes_tokens_only_says_so() -> None:
    (found,) = read_autoconfig(file(server(ways=("OAuth2",))), ANA)
    assert (found.oauth, found.password) == (True, False)


@pytest.mark.parametrize(
    ("xml", "why"),
    [
        (b"", "no XML"),
        (b"<html>", "no XML"),
        (b"<html/>", "clientConfig"),
        (b'<?xml version="1.0" encoding="nonsense"?><clientConfig/>', "no XML"),
        (b"\x00\xff\xfe", "no XML"),
        (b"<a>" * 3_000, "elements"),
        (b" " * (MAX_BYTES + 1), "KB"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><clientConfig/>', "document type"),
        (b'<!DOCTYPE clientConfig SYSTEM "file:///etc/passwd"><clientConfig/>', "document type"),
    ],
)
def test_what_is_no_configuration_is_refused_in_words(xml: bytes, why: str) -> None:
    with pytest.raises(NotUnderstood, match=why):
        read_autoconfig(xml, ANA)


FRAGMENT = st.sampled_from(
    [
        *("<clientConfig>", "</clientConfig>", "<emailProvider>", "</emailProvider>", '<incomingServer type="imap">'),
        *("</incomingServer>", "<hostname>", "</hostname>", "<port>", "</port>", "<socketType>SSL</socketType>"),
        *(
            "imap.%EMAILDOMAIN%",
            "993",
            "&lt;",
            "&#0;",
            "&nope;",
            "<![CDATA[",
            "]]>",
            "<!--",
            "-->",
            "<?x?>",
            "é",
            "\x00",
        ),
    ]
)


@given(st.one_of(st.binary(max_size=200), st.lists(FRAGMENT, max_size=30).map(lambda parts: "".join(parts).encode())))
def test_whatever_a_server_sends_is_a_list_of_servers_or_refused(sent: bytes) -> None:
    try:
        found = read_autoconfig(sent, ANA)
    except NotUnderstood:
        return
    for each in found:
        assert each.server.security in (Security.TLS, Security.STARTTLS)
        assert 0 < each.server.port < 65_536
        assert each.server.host.isascii()

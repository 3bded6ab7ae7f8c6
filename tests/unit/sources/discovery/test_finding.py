"""With a real DNS server, a real web server behind a real proxy, and servers that greet as IMAP does."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from mailquery.domain.accounts import Security, Server
from mailquery.sources.discovery.addresses import mail_address
from mailquery.sources.discovery.candidates import Candidate, Found, Origin
from mailquery.sources.discovery.finding import FindServers, Ways
from mailquery.sources.discovery.guessing import answers
from mailquery.sources.discovery.lookups import Lookups
from support.certificates import Authority
from support.dns_server import DnsServer
from support.web_server import Page, Web

ANA = mail_address("ana@example.com")
BY_DOMAIN = "https://autoconfig.example.com/mail/config-v1.1.xml"
WELL_KNOWN = "https://example.com/.well-known/autoconfig/mail/config-v1.1.xml"
DATABASE = "https://database.test/v1.1/"


def configuration(host: str) -> bytes:
    return (
        '<clientConfig version="1.1"><emailProvider id="x"><incomingServer type="imap">'
        f"<hostname>{host}</hostname><port>993</port><socketType>SSL</socketType>"
        "<username>%EMAILLOCALPART%</username><authentication>password-cleartext</authentication>"
        "</incomingServer></emailProvider></clientConfig>"
    ).encode()


@pytest.fixture
def find(dns: DnsServer, web: Web) -> FindServers:
    del web  # it must be there, so that nothing goes out to the world
    return FindServers(ways(dns))


def ways(dns: DnsServer, **options: object) -> Ways:
    chosen: dict[str, object] = {"database": DATABASE, "usual": (), "seconds": 6.0, **options}
    return Ways(Lookups((dns.address,), timeout=3.0), **chosen)  # type: ignore[arg-type]


def servers(found: Found) -> list[tuple[Origin, str, bool]]:
    return [(each.origin, each.server.host, each.confirm) for each in found.candidates]


async def test_a_known_provider_is_found_without_asking_anybody(find: FindServers, dns: DnsServer, web: Web) -> None:
    found = await find(mail_address("ana@icloud.com"))
    (candidate,) = found.candidates
    assert (candidate.server, candidate.usernames) == (Server("imap.mail.me.com", 993), ("ana", "ana@icloud.com"))
    assert found.provider is not None
    assert found.provider.app_password_needed
    assert (dns.asked, web.asked) == ([], [])


async def test_a_provider_without_imap_is_known_as_such(find: FindServers) -> None:
    found = await find(mail_address("ana@tuta.com"))
    assert found.candidates == ()
    assert found.provider is not None
    assert "no IMAP" in found.provider.note


async def test_hosted_mail_is_recognised_by_where_it_is_delivered(find: FindServers, dns: DnsServer) -> None:
    dns.records = {("example.com", "MX"): ["1 aspmx.l.google.com."]}
    found = await find(ANA)
    assert servers(found) == [(Origin.MX, "imap.gmail.com", False)]
    assert found.candidates[0].usernames == ("ana@example.com",)
    assert found.provider is not None
    assert found.provider.oauth == "google"


@pytest.mark.parametrize("url", [BY_DOMAIN, WELL_KNOWN])
async def test_the_domain_says_it_itself(find: FindServers, web: Web, url: str) -> None:
    web.pages[url] = Page(configuration("imap.hoster.test"))
    found = await find(ANA)
    assert servers(found) == [(Origin.AUTOCONFIG, "imap.hoster.test", False)]
    assert found.candidates[0].usernames == ("ana",)
    assert f"{BY_DOMAIN}?emailaddress=ana%40example.com" in web.asked


async def test_who_is_believed_before_whom(find: FindServers, web: Web, dns: DnsServer) -> None:
    dns.records = {
        ("example.com", "MX"): ["1 mx.google.com."],
        ("_imaps._tcp.example.com", "SRV"): ["0 1 993 mail.example.com.", "1 1 993 imap.gmail.com."],
    }
    web.pages[BY_DOMAIN] = Page(configuration("imap.example.com"))
    web.pages[f"{DATABASE}example.com"] = Page(configuration("imap.elsewhere.test"))
    assert servers(await find(ANA)) == [
        (Origin.MX, "imap.gmail.com", False),
        (Origin.AUTOCONFIG, "imap.example.com", False),
        (Origin.SRV, "mail.example.com", False),
        (Origin.DATABASE, "imap.elsewhere.test", False),
    ]


async def test_a_server_of_another_domain_that_only_the_dns_names_must_be_confirmed(
    find: FindServers, dns: DnsServer
) -> None:
    dns.records = {
        ("_imaps._tcp.example.com", "SRV"): [
            "0 1 993 imap.hoster.test.",
            "1 1 993 imap.example.com.",
            "2 1 993 notexample.com.",
        ]
    }
    found = await find(ANA)
    assert servers(found) == [
        (Origin.SRV, "imap.hoster.test", True),
        (Origin.SRV, "imap.example.com", False),
        (Origin.SRV, "notexample.com", True),
    ]
    assert found.candidates[0].usernames == ("ana@example.com", "ana")


async def test_the_database_is_asked_about_the_hoster_too_and_that_must_be_confirmed(
    find: FindServers, web: Web, dns: DnsServer
) -> None:
    dns.records = {("example.com", "MX"): ["1 mx7.hoster.test."]}
    web.pages[f"{DATABASE}hoster.test"] = Page(configuration("imap.hoster.test"))
    assert servers(await find(ANA)) == [(Origin.DATABASE, "imap.hoster.test", True)]
    assert not [url for url in web.asked if url.startswith(DATABASE) and "ana" in url]


async def test_no_database_is_asked_where_none_is_set(dns: DnsServer, web: Web) -> None:
    await FindServers(ways(dns, database=""))(ANA)
    assert not [url for url in web.asked if url.startswith(DATABASE)]


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (Page(status=302, headers={"Location": "http://example.com/plain.xml"}), "redirects away from https"),
        (Page(status=302, headers={"Location": "file:///etc/passwd"}), "redirects away from https"),
        (Page(status=302, headers={"Location": BY_DOMAIN}), "redirects too often"),
        (Page(b"x" * 200_000), "more than 128 KB"),
        (Page(status=503), "status 503"),
        (Page(b"<html>welcome</html>"), "no clientConfig"),
        (Page(b'<!DOCTYPE a [<!ENTITY b "c">]><clientConfig>&b;</clientConfig>'), "document type"),
        (Page(b"<clientConfig/>"), "no IMAP server with encryption"),
    ],
)
async def test_a_file_that_is_none_is_said_in_words(find: FindServers, web: Web, page: Page, told: str) -> None:
    web.pages[BY_DOMAIN] = page
    web.pages["http://example.com/plain.xml"] = Page(configuration("imap.example.com"))
    found = await find(ANA)
    assert found.candidates == ()
    outcomes = [each.outcome for each in found.attempts if each.origin is Origin.AUTOCONFIG]
    assert any(told in outcome for outcome in outcomes), outcomes


async def test_a_redirect_to_another_page_with_https_is_followed(find: FindServers, web: Web) -> None:
    web.pages[BY_DOMAIN] = Page(status=301, headers={"Location": "https://hoster.test/config.xml"})
    web.pages["https://hoster.test/config.xml"] = Page(configuration("imap.hoster.test"))
    assert servers(await find(ANA)) == [(Origin.AUTOCONFIG, "imap.hoster.test", False)]


async def test_a_page_whose_certificate_is_for_another_name_is_not_believed(find: FindServers, web: Web) -> None:
    web.pages["https://autoconfig.other.test/mail/config-v1.1.xml"] = Page(configuration("imap.other.test"))
    found = await find(mail_address("ana@other.test"))
    assert found.candidates == ()
    assert "its certificate is not trusted" in {each.outcome for each in found.attempts}
    assert not [url for url in web.asked if "other.test/" in url.removeprefix(DATABASE)]


async def test_an_international_domain_is_asked_for_in_its_ascii_form(
    find: FindServers, web: Web, dns: DnsServer
) -> None:
    web.pages["https://autoconfig.xn--bcher-kva.example/mail/config-v1.1.xml"] = Page(
        configuration("imap.%EMAILDOMAIN%")
    )
    found = await find(mail_address("지우@bücher.example"))
    assert servers(found) == [(Origin.AUTOCONFIG, "imap.xn--bcher-kva.example", False)]
    assert found.candidates[0].usernames == ("지우",)
    assert any("emailaddress=%EC%A7%80%EC%9A%B0%40xn--bcher-kva.example" in url for url in web.asked)
    assert ("_imaps._tcp.xn--bcher-kva.example", "SRV") in dns.asked


async def test_what_does_not_answer_holds_nothing_up_longer_than_is_set(dns: DnsServer, web: Web) -> None:
    dns.records = {("_imaps._tcp.example.com", "SRV"): ["0 1 993 imap.example.com."]}
    web.pages[BY_DOMAIN] = Page(configuration("late.example.com"), delay=10.0)
    began = time.monotonic()
    found = await FindServers(ways(dns, seconds=1.0))(ANA)
    assert time.monotonic() - began < 4.0
    assert servers(found) == [(Origin.SRV, "imap.example.com", False)]
    assert "no answer within 1 s" in {each.outcome for each in found.attempts}


async def test_a_dns_that_does_not_answer_leaves_the_rest(dns: DnsServer, web: Web) -> None:
    dns.silent = {"example.com"}
    web.pages[WELL_KNOWN] = Page(configuration("imap.example.com"))
    found = await FindServers(ways(dns, seconds=2.0))(ANA)
    assert servers(found) == [(Origin.AUTOCONFIG, "imap.example.com", False)]


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


@asynccontextmanager
async def listening(
    greeting: bytes, capability: bytes = b"", context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        while line := await reader.readline():
            tag, _, command = line.partition(b" ")
            if command.startswith(b"CAPABILITY"):
                writer.write(capability + tag + b" OK\r\n")
            else:
                break
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    async with server:
        port: int = server.sockets[0].getsockname()[1]
        yield port


def self_signed(authority: Authority) -> ssl.SSLContext:
    issued = authority.issue("elsewhere.test", self_signed=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    return context


async def test_a_usual_name_counts_where_an_imap_server_answers(dns: DnsServer, web: Web, authority: Authority) -> None:
    dns.records = {(f"{label}.example.com", "A"): ["127.0.0.1"] for label in ("imap", "mail")}
    async with (
        listening(b"* OK ready\r\n", context=self_signed(authority)) as imaps,
        listening(b"220 smtp\r\n") as smtp,
    ):
        usual = (("gone", imaps, Security.TLS), ("mail", smtp, Security.STARTTLS), ("imap", imaps, Security.TLS))
        found = await FindServers(ways(dns, usual=usual))(ANA)
    assert found.candidates == (Candidate(Server("imap.example.com", imaps), ("ana@example.com", "ana"), Origin.GUESS),)


async def test_no_guess_is_made_where_the_domain_says_that_it_has_no_imap(
    dns: DnsServer, web: Web, authority: Authority
) -> None:
    dns.records = {
        ("imap.example.com", "A"): ["127.0.0.1"],
        ("_imaps._tcp.example.com", "SRV"): ["0 0 0 ."],
        ("_imap._tcp.example.com", "SRV"): ["0 0 0 ."],
    }
    async with listening(b"* OK ready\r\n", context=self_signed(authority)) as port:
        found = await FindServers(ways(dns, usual=(("imap", port, Security.TLS),)))(ANA)
    assert found.candidates == ()
    assert "the domain says that it offers no IMAP" in {each.outcome for each in found.attempts}


@pytest.mark.parametrize(
    ("greeting", "capability", "there"),
    [
        (b"* OK ready\r\n", b"* CAPABILITY IMAP4rev1 STARTTLS\r\n", True),
        (b"* OK ready\r\n", b"* CAPABILITY IMAP4rev1\r\n", False),
        (b"* OK ready\r\n", b"", False),
        (b"* BYE go away\r\n", b"", False),
        (b"220 smtp.example.com\r\n", b"", False),
        (b"* OK " + b"x" * 10_000, b"", False),
        (b"\xff\xfe\r\n", b"", False),
    ],
)
async def test_without_encryption_from_the_first_byte_a_guess_must_offer_starttls(
    greeting: bytes, capability: bytes, there: bool
) -> None:
    async with listening(greeting, capability) as port:
        assert await answers(Server("imap.example.com", port, Security.STARTTLS), "127.0.0.1") is there


async def test_nothing_there_is_no_server() -> None:
    async with listening(b"") as port:
        pass
    assert not await answers(Server("imap.example.com", port), "127.0.0.1")

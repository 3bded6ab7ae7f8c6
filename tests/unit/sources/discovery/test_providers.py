import pytest

from mailquery.domain.accounts import Security
from mailquery.sources.discovery.addresses import host_name
from mailquery.sources.discovery.provider_table import KNOWN


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("gmail.com", "Gmail"),
        ("hotmail.co.uk", "Outlook.com"),
        ("outlook.kr", "Outlook.com"),
        ("icloud.com", "iCloud"),
        ("yahoo.co.jp", "Yahoo! Japan"),
        ("naver.com", "Naver"),
        ("hanmail.net", "Daum"),
        ("126.com", "126"),
        ("proton.me", "Proton Mail"),
        ("tuta.com", "Tuta"),
    ],
)
def test_a_domain_of_addresses_is_known(domain: str, name: str) -> None:
    found = KNOWN.of_domain(domain)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("aspmx.l.google.com", "Google Workspace"),
        ("ALT3.ASPMX2.googlemail.com.", "Google Workspace"),
        ("example-com.mail.protection.outlook.com", "Microsoft 365"),
        ("example-com.d-v1.mx.microsoft", "Microsoft 365"),
        ("outlook-com.olc.protection.outlook.com", "Outlook.com"),
        ("mxbiz1.qq.com", "Tencent Exmail"),
        ("mx1.worksmobile.com", "NAVER WORKS"),
    ],
)
def test_a_server_that_takes_mail_in_tells_who_hosts_the_domain(host: str, name: str) -> None:
    found = KNOWN.of_mx(host)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("host", ["mx.example.com", "google.com.evil.example", "notgoogle.com", "com", ""])
def test_a_name_that_only_resembles_one_is_nobodys(host: str) -> None:
    assert KNOWN.of_mx(host) is None


def test_no_domain_or_exchanger_is_of_two_providers() -> None:
    for names in ([each.domains for each in KNOWN], [each.mx for each in KNOWN]):
        flat = [name for some in names for name in some]
        assert len(flat) == len(set(flat))
        assert all(host_name(name) == name for name in flat)


def test_every_server_is_encrypted_and_who_has_none_says_why() -> None:
    for each in KNOWN:
        assert each.domains or each.mx, each.name
        if each.server is None:
            assert each.note, each.name
        else:
            assert each.server.security in (Security.TLS, Security.STARTTLS), each.name
        assert each.app_password or not each.app_password_needed, each.name
        assert each.password or each.oauth, each.name


def test_a_short_username_is_for_the_providers_own_addresses() -> None:
    icloud = KNOWN.of_domain("icloud.com")
    assert icloud is not None
    assert icloud.usernames("ana@icloud.com", "ana") == ("ana", "ana@icloud.com")
    assert icloud.usernames("ana@example.com", "ana") == ("ana@example.com",)


def test_a_server_on_this_machine_is_nobodys_by_its_name() -> None:
    assert KNOWN.of_host("127.0.0.1") is None
    found = KNOWN.of_host("IMAP.Gmail.com")
    assert found is not None
    assert found.name == "Gmail"

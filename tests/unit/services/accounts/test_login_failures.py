"""What a failed login says to a person."""

from dataclasses import replace

import pytest

from mailquery.domain.accounts import Login, MailAccount, Security, Server
from mailquery.services.accounts.login_failures import explained, with_colons
from mailquery.sources.discovery.provider_table import KNOWN
from mailquery.sources.discovery.providers import Provider
from mailquery.sources.remote import Reason
from mcpkit.errors import ErrorCode, Fault

ACCOUNT = MailAccount("work", "ana@example.com", Server("imap.example.com", 993), "ana", Login.PASSWORD)
FINGERPRINT = "0123456789abcdef" * 4


def provider(domain: str) -> Provider:
    found = KNOWN.of_domain(domain)
    assert found is not None
    return found


def told(reason: Reason, account: MailAccount = ACCOUNT, known: Provider | None = None, shown: str = "") -> Fault:
    code = ErrorCode.LOGIN_FAILED if reason in (Reason.LOGIN, Reason.APP_PASSWORD) else ErrorCode.SOURCE_UNAVAILABLE
    fault = Fault(code, "It failed.", details={"reason": reason.value}, others="NO go away", retry_after=3.0)
    return explained(fault, account, known, shown)


@pytest.mark.parametrize(
    ("reason", "domain", "helps"),
    [
        (Reason.NAME, "", ("--host", "imap.example.com")),
        (Reason.CONNECT, "", ("imap.example.com is up", "port 993")),
        (Reason.CONNECT, "proton.me", ("Proton Mail Bridge", "must run on this machine")),
        (Reason.TIMEOUT, "", ("firewall",)),
        (Reason.TLS, "", ("--security starttls",)),
        (Reason.APP_PASSWORD, "", ("app password", "security settings")),
        (Reason.APP_PASSWORD, "gmail.com", ("Gmail wants", "https://myaccount.google.com/apppasswords")),
        (Reason.IMAP_DISABLED, "", ("Switch IMAP on", "web mail")),
        (Reason.IMAP_DISABLED, "naver.com", ("Switch IMAP on at https://mail.naver.com", "IMAP/SMTP 사용함")),
        (Reason.LOGIN, "", ("--username", "user name was ana")),
        (Reason.LOGIN, "icloud.com", ("iCloud wants", "https://account.apple.com")),
        (Reason.LOGIN, "naver.com", ("two factors", "https://nid.naver.com", "IMAP must be switched on")),
        (Reason.TOKEN, "", ("mailquery accounts login work",)),
        (Reason.BUSY, "", ("try again later",)),
    ],
)
def test_each_reason_has_what_helps(reason: Reason, domain: str, helps: tuple[str, ...]) -> None:
    fault = told(reason, known=provider(domain) if domain else None)
    assert fault.message.startswith("It failed. ")
    for each in helps:
        assert each in fault.message
    assert fault.details["reason"] == reason.value
    assert (fault.others, fault.retry_after) == ("NO go away", 3.0)


@pytest.mark.parametrize("reason", [Reason.TLS, Reason.TIMEOUT])
def test_starttls_that_fails_points_at_tls(reason: Reason) -> None:
    account = replace(ACCOUNT, server=Server("imap.example.com", 143, Security.STARTTLS))
    assert "--security tls" in told(reason, account).message


def test_a_certificate_is_shown_to_be_compared_before_it_is_pinned() -> None:
    fault = told(Reason.CERTIFICATE, shown=FINGERPRINT)
    assert with_colons(FINGERPRINT) in fault.message
    assert f"--pin {FINGERPRINT}" in fault.message
    assert "Only if your server's operator names the same one" in fault.message
    assert fault.details["fingerprint"] == FINGERPRINT
    assert "--pin" not in told(Reason.CERTIFICATE).message


def test_a_pinned_certificate_that_changed_is_no_reason_to_pin_the_next_without_a_look() -> None:
    account = replace(ACCOUNT, server=replace(ACCOUNT.server, pinned="ab" * 32))
    assert "compare the new one with the server's own" in told(Reason.CERTIFICATE, account, shown=FINGERPRINT).message


def test_a_name_is_quoted_in_a_command_that_can_be_pasted() -> None:
    assert "login 'my mail; rm -rf /'" in told(Reason.TOKEN, replace(ACCOUNT, name="my mail; rm -rf /")).message


def test_what_has_no_reason_stays_as_it_is() -> None:
    fault = Fault(ErrorCode.STORAGE_FULL, "The disk is full.")
    assert explained(fault, ACCOUNT, None) is fault


def test_openssl_writes_fingerprints_so() -> None:
    assert with_colons("0aff") == "0A:FF"

import json
import time

import pytest

from mcpkit.redaction import HIDDEN, redact_text, redact_value
from support import planted


@pytest.mark.parametrize(
    "text",
    [
        "imap://ana:quince@mail.example/INBOX",
        "https://quince@mail.example/",
        "postgresql+asyncpg://mail:qu%40ince-quince@db/mail?sslmode=require",
        "Authorization: Bearer quince.quince-quince",
        "authorization=Basic cXVpbmNlOnF1aW5jZQ== quince",
        "{'Authorization': 'Bearer quince', 'Accept': '*/*'}",
        '{"authorization":"quince"}',
        "Proxy-Authorization: quince",
        "Cookie: a=quince; b=quince",
        "Set-Cookie: session=quince; HttpOnly",
        "(b'cookie', b'a=quince')",
        "X-API-Key: quince",
        "the key mq_quince7Q_x9Hf3kTz was revoked",
        f"got {planted.TOKEN}",
        "password=quince",
        "password = 'quince and more'",
        '"client_secret": "quince"',
        "passphrase: quince",
        "?access_token=quince&x=1",
        "refresh_token=quince",
        "api-key=quince",
        "key 9f3c2a71d0b84e659f3c2a71d0b84e65quince1",
        "token is 9f3c2a71d0b84e659f3c2a71d0b84e65",
        "key=9f3c2a71d0b84e659f3c2a71d0b84e65",
        "secret cXVpbmNlcXVpbmNlcXVpbmNlMTIz",
        "code=cXVpbmNlcXVpbmNlcXVpbmNlMTIz",
        "-----BEGIN PRIVATE KEY-----\nquince\n-----END PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\nquince",
        'A001 LOGIN "ana@acme.example" "quince and \\"more\\""',
        "KFGM2 LOGIN ana quince",
        "KFGM2 AUTHENTICATE PLAIN cXVpbmNlcXVpbmNl",
        "AUTH PLAIN cXVpbmNlcXVpbmNl",
        "A1 AUTHENTICATE XOAUTH2 cXVpbmNlcXVpbmNl=",
        "user=ana\x01auth=Bearer quincequince\x01",
        "sk-proj-quincequince1234",
        "ghp_quincequincequince",
        "glpat-quincequincequince",
        "github_pat_quincequincequince",
    ],
)
def test_what_has_the_form_of_a_secret_is_hidden(text: str) -> None:
    shown = redact_text(f"it failed: {text}")
    assert shown.startswith("it failed: ")
    assert HIDDEN in shown
    for secret in ("quince", "cXVpbmNl", "9f3c2a71", planted.TOKEN.split(".")[2]):
        assert secret not in shown


@pytest.mark.parametrize(
    "text",
    [
        "read 3 messages of ana@acme.example in 0.2 s",
        "https://mail.example/a/b?page=2 and mailto:ana@acme.example",
        "POST http://127.0.0.1:8765/mcp 200",
        "the key is missing",
        "the login works, 3 mailboxes; LOGIN is not offered; AUTH=PLAIN AUTH=LOGIN SASL-IR",
        "keyring is locked; token expired; password wrong",
        "KeyError: 'subject'",
        "passing by the secretary, tokens of words, a basic question",
        "commit 0918fc2a9cc3420220ab36fbe851a79fe3ce645dd",
        "m7Kq2x9 is the id of a message",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact_text(text) == text


def test_what_follows_a_secret_stays() -> None:
    assert redact_text("password=quince, user=ana") == f"password={HIDDEN}, user=ana"
    assert redact_text("GET https://a:b@x.example/inbox 200") == f"GET https://{HIDDEN}@x.example/inbox 200"


def test_values_are_hidden_by_their_name_at_any_depth_and_in_any_collection() -> None:
    value = {
        "imap": {"password": "quince", "port": 993},
        "headers": [("Cookie", "quince"), (b"authorization", b"quince"), ("accept", "*/*")],
        "set": {"mq_quince7Q_x9Hf3kTz"},
        "error": ValueError("token=quince"),
        "client_secret": 7,
        "nothing": None,
        "api_key": None,
    }
    shown = redact_value("extra", value)
    assert "quince" not in json.dumps(shown)
    assert isinstance(shown, dict)
    assert shown["imap"] == {"password": HIDDEN, "port": 993}
    assert (shown["client_secret"], shown["nothing"], shown["api_key"]) == (HIDDEN, None, None)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "token " * 40_000,
        "://" * 60_000,
        "key=" * 50_000,
        "eyJ" * 60_000,
        "cookie:" * 30_000,
        "a://" + "b" * 200_000,
        "-----BEGIN PRIVATE KEY" * 10_000,
        "x" * 50 + "://" + "@" * 100_000,
        "key " + "-" * 200_000,
        "key is" * 30_000,
        "key-" * 50_000,
        "-eyJxxxx" * 25_000,
        "a." * 100_000 + "://x",
        "basic " * 30_000,
        "cookie:'" * 25_000,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_takes_no_longer_than_its_length(text: str) -> None:
    began = time.process_time()
    redact_text(text)
    assert time.process_time() - began < 2

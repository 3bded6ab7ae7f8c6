"""Logging in: how it is done, and what a refusal means."""

import base64

import pytest

from mailquery.sources.credentials import Credential
from mailquery.sources.imap import refusals
from mailquery.sources.imap.server import ImapServer
from mailquery.sources.remote import Reason
from mcpkit.errors import ErrorCode, Fault
from support.imap_client import Fixed, connected, imap, plain
from support.imap_script import Handler, ScriptedImap, Talk, scripted

TOKEN = "ya29.token-of-a-test"


def refusing(text: bytes) -> Handler:
    def handle(talk: Talk, tag: bytes, arguments: bytes) -> None:
        talk.say(tag + b" NO " + text)

    return handle


def challenging(problem: bytes, expected: bytes, told: list[bytes]) -> Handler:
    """Refuses a token as RFC 7628 (section 3.2.2) says: by a challenge first."""

    def handle(talk: Talk, tag: bytes, arguments: bytes) -> None:
        told.append(arguments)
        talk.say(b"+ " + base64.b64encode(problem))
        assert talk.line() == expected
        talk.say(tag + b" NO [AUTHENTICATIONFAILED] no")

    return handle


@pytest.mark.parametrize(
    ("capabilities", "credentials", "sent"),
    [
        (b"IMAP4rev1 SASL-IR AUTH=PLAIN", Fixed("a b"), [b"AUTHENTICATE PLAIN AHVzZXIAYSBi"]),
        (b"IMAP4rev1", Fixed('a"\\b'), [rb'LOGIN "user" "a\"\\b"']),
        (b"IMAP4rev1 AUTH=LOGIN", Fixed("a b"), [b'LOGIN "user" "a b"']),
        (
            b"IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2 AUTH=OAUTHBEARER",
            Fixed("abc", token=True),
            [b"AUTHENTICATE XOAUTH2 " + base64.b64encode(b"user=user\x01auth=Bearer abc\x01\x01")],
        ),
        (
            b"IMAP4rev1 SASL-IR AUTH=OAUTHBEARER",
            Fixed("abc", token=True),
            [b"AUTHENTICATE OAUTHBEARER " + base64.b64encode(b"n,a=user,\x01auth=Bearer abc\x01\x01")],
        ),
    ],
)
async def test_the_login_is_the_best_that_is_offered(
    capabilities: bytes, credentials: Fixed, sent: list[bytes]
) -> None:
    with scripted(ScriptedImap(capabilities=capabilities)) as script:
        async with connected(imap(plain(script.port), user="user", credentials=credentials)):
            pass
        logins = [command.partition(b" ")[2] for command in script.commands]
        assert [command for command in logins if command.startswith((b"LOGIN", b"AUTH"))] == sent


async def test_without_an_initial_response_the_server_is_waited_for() -> None:
    answers: list[bytes] = []

    def handle(talk: Talk, tag: bytes, arguments: bytes) -> None:
        for _ in range(2 if arguments == b"LOGIN" else 1):
            talk.say(b"+ " + base64.b64encode(b"next"))
            answers.append(base64.b64decode(talk.line()))
        talk.say(tag + b" OK done")

    for capabilities in (b"IMAP4rev1 AUTH=PLAIN", b"IMAP4rev1 LOGINDISABLED AUTH=LOGIN"):
        with scripted(ScriptedImap(capabilities=capabilities, on={"AUTHENTICATE": handle})) as script:
            async with connected(imap(plain(script.port), user="user", credentials=Fixed("pass"))):
                pass
    assert answers == [b"\0user\0pass", b"user", b"pass"]


async def test_a_password_that_cannot_be_quoted_goes_as_a_literal() -> None:
    got: list[bytes] = []

    def handle(talk: Talk, tag: bytes, arguments: bytes) -> None:
        got.append(arguments)
        while got[-1].endswith(b"}"):
            talk.say(b"+ go on")
            got.append(talk.line())
        talk.say(tag + b" OK done")

    with scripted(ScriptedImap(capabilities=b"IMAP4rev1", on={"LOGIN": handle})) as script:
        async with connected(imap(plain(script.port), user="üser", credentials=Fixed("pässword"))):
            pass
    assert got == [b"{5}", "üser {9}".encode(), "pässword".encode()]


async def test_where_no_login_is_allowed_no_password_is_sent() -> None:
    with scripted(ScriptedImap(capabilities=b"IMAP4rev1 LOGINDISABLED STARTTLS")) as script:
        with pytest.raises(Fault) as raised:
            await imap(plain(script.port)).connect()
        assert raised.value.details["reason"] == Reason.TLS
        assert not any(b"LOGIN" in command or b"AUTH" in command for command in script.commands)


@pytest.mark.parametrize(
    ("mechanism", "reply"), [(b"XOAUTH2", b""), (b"OAUTHBEARER", b"AQ==")], ids=["XOAUTH2", "OAUTHBEARER"]
)
async def test_a_refused_token_is_said_to_be_one_and_another_is_tried(mechanism: bytes, reply: bytes) -> None:
    told: list[bytes] = []
    handler = challenging(b'{"status":"invalid_token","schemes":"bearer"}', reply, told)
    script = ScriptedImap(capabilities=b"IMAP4rev1 SASL-IR AUTH=" + mechanism, on={"AUTHENTICATE": handler})
    with scripted(script), pytest.raises(Fault) as raised:
        await imap(plain(script.port), credentials=Fixed(TOKEN, token=True, then="another")).connect()
    fault = raised.value
    assert (fault.code, fault.details["reason"]) == (ErrorCode.LOGIN_FAILED, Reason.TOKEN)
    assert "invalid_token" in fault.others
    assert len(told) == 2
    assert TOKEN not in f"{fault} {fault.others} {fault.details}"


async def test_a_server_without_oauth_is_not_given_the_token() -> None:
    with scripted(ScriptedImap()) as script:
        with pytest.raises(Fault) as raised:
            await imap(plain(script.port), credentials=Fixed(TOKEN, token=True)).connect()
        assert raised.value.details["reason"] == Reason.TOKEN
        assert not any(b"AUTH" in command for command in script.commands)


@pytest.mark.parametrize("secret", ["nul\0", "one\x01two"])
async def test_control_characters_are_not_sent(secret: str) -> None:
    with scripted(ScriptedImap()) as script:
        with pytest.raises(Fault) as raised:
            await imap(plain(script.port), credentials=Fixed(secret)).connect()
        assert raised.value.code is ErrorCode.LOGIN_FAILED
        assert not any(b"AUTH" in command for command in script.commands)


# As providers word it.
@pytest.mark.parametrize(
    ("text", "code", "reason"),
    [
        (
            "[ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833",
            ErrorCode.LOGIN_FAILED,
            Reason.APP_PASSWORD,
        ),
        ("[AUTHENTICATIONFAILED] Use an app password to sign in", ErrorCode.LOGIN_FAILED, Reason.APP_PASSWORD),
        ("Login denied, please generate an App-Specific Password", ErrorCode.LOGIN_FAILED, Reason.APP_PASSWORD),
        ("AuthFailed:LogonDenied-BasicAuthBlocked-", ErrorCode.LOGIN_FAILED, Reason.APP_PASSWORD),
        (
            "[ALERT] Your account is not enabled for IMAP use. Please visit your Gmail settings page",
            ErrorCode.LOGIN_FAILED,
            Reason.IMAP_DISABLED,
        ),
        ("IMAP access is disabled for your domain.", ErrorCode.LOGIN_FAILED, Reason.IMAP_DISABLED),
        ("You are yet to enable IMAP for your account.", ErrorCode.LOGIN_FAILED, Reason.IMAP_DISABLED),
        ("User is authenticated but not connected.", ErrorCode.LOGIN_FAILED, Reason.IMAP_DISABLED),
        ("[AUTHENTICATIONFAILED] Invalid credentials (Failure)", ErrorCode.LOGIN_FAILED, Reason.LOGIN),
        ("LOGIN failed.", ErrorCode.LOGIN_FAILED, Reason.LOGIN),
        ("[WEBALERT https://accounts.google.com/x] Web login required.", ErrorCode.LOGIN_FAILED, Reason.LOGIN),
        ("[EXPIRED] That password isn't any good any more", ErrorCode.LOGIN_FAILED, Reason.LOGIN),
        ("[ALERT] Too many simultaneous connections. (Failure)", ErrorCode.SOURCE_UNAVAILABLE, Reason.BUSY),
        ("[UNAVAILABLE] Temporary authentication failure.", ErrorCode.SOURCE_UNAVAILABLE, Reason.BUSY),
        ("[LIMIT] Maximum number of connections", ErrorCode.SOURCE_UNAVAILABLE, Reason.BUSY),
        ("[INUSE] mailbox in use", ErrorCode.SOURCE_UNAVAILABLE, Reason.BUSY),
        (
            "[OVERQUOTA] Account exceeded command or bandwidth limits.",
            ErrorCode.SOURCE_UNAVAILABLE,
            Reason.BUSY,
        ),
        ("[PRIVACYREQUIRED] Connection offers no privacy", ErrorCode.SOURCE_UNAVAILABLE, Reason.TLS),
        ("\xff\x00", ErrorCode.LOGIN_FAILED, Reason.LOGIN),
        ("", ErrorCode.LOGIN_FAILED, Reason.LOGIN),
    ],
)
async def test_what_a_provider_says_is_understood(text: str, code: ErrorCode, reason: Reason) -> None:
    said = text.encode("latin-1")
    with scripted(ScriptedImap(on={"AUTHENTICATE": refusing(said)})) as script, pytest.raises(Fault) as raised:
        await imap(plain(script.port)).connect()
    assert (raised.value.code, raised.value.details["reason"]) == (code, reason)
    assert "\x00" not in raised.value.others


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Request is throttled. Suggested Backoff Time: 299989 milliseconds", 299.989),
        ("[UNAVAILABLE] Try again in 5 minutes", 300.0),
        ("[LIMIT] rate limit, retry after 30", 30.0),
        ("Too many connections, wait 2 hours", 7200.0),
        ("Too many connections, retry after 999999999 hours", 86_400.0),
        ("Too many connections", None),
    ],
)
def test_a_pause_that_a_server_asks_for_is_taken_from_its_words(text: str, seconds: float | None) -> None:
    fault = refusals.of_command("FETCH", text)
    assert fault.details["reason"] == Reason.BUSY
    assert fault.retry_after == (None if seconds is None else pytest.approx(seconds))


class Away:
    """What a credential comes from, while that cannot be reached."""

    async def current(self) -> Credential:
        raise Fault(
            ErrorCode.SOURCE_UNAVAILABLE,
            "The authorization server cannot be reached.",
            details={"reason": "timeout"},
            retry_after=30.0,
        )

    async def instead_of(self, rejected: Credential) -> Credential | None:
        raise AssertionError("there was none")


async def test_a_credential_that_cannot_be_had_is_not_the_mail_servers_fault() -> None:
    with scripted(ScriptedImap()) as script, pytest.raises(Fault) as raised:
        await ImapServer(plain(script.port), "user", Away()).connect()
    assert raised.value.details == {"reason": Reason.CREDENTIAL}
    assert raised.value.retry_after == 30.0
    assert script.commands == []

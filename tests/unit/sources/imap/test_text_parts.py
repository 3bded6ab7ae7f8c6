"""The text of a message is put together from what a server says of it, also where that is wrong."""

import pytest

from mailquery.domain.partial import OMITTED_SIZE
from mailquery.sources.imap.limits import Limits
from mailquery.sources.remote import Reason
from mcpkit.errors import Fault
from support.imap_client import connected, imap, plain
from support.imap_script import Handler, ScriptedImap, ScriptedMessage, Talk, scripted

HEADER = b"Subject: hello\r\nContent-Type: text/plain\r\n\r\n"


def answering(structure: bytes, sections: dict[bytes, bytes]) -> Handler:
    """UID FETCH of message 1, by what the command asks for."""

    def handle(talk: Talk, tag: bytes, arguments: bytes) -> None:
        found = [b"UID 1"]
        if b"BODYSTRUCTURE" in arguments:
            found += [b"RFC822.SIZE 5000", b"BODYSTRUCTURE " + structure]
        for name, content in sections.items():
            if b"BODY.PEEK[" + name + b"]" in arguments:
                found.append(b"BODY[%s] {%d}\r\n%s" % (name, len(content), content))
        talk.raw(b"* 1 FETCH (" + b" ".join(found) + b")\r\n")
        talk.say(tag + b" OK done")

    return handle


async def text_of(handler: Handler, limits: Limits | None = None) -> bytes | None:
    messages = (ScriptedMessage(1, HEADER),)
    with scripted(ScriptedImap(messages=messages, on={"UID FETCH": handler})) as script:
        async with connected(imap(plain(script.port), limits=limits or Limits())) as connection:
            await connection.open("INBOX")
            return await connection.fetch_text(1)


async def test_where_the_server_cannot_say_what_is_in_a_message_its_beginning_is_fetched() -> None:
    text = await text_of(answering(b"NIL", {b"HEADER": HEADER, b"TEXT": b"The beginning"}), Limits(text=13))
    size = 5000 - len(HEADER)
    assert text == HEADER[:-2] + f"{OMITTED_SIZE}: {size}\r\n\r\nThe beginning".encode()


async def test_a_part_that_the_server_does_not_give_is_empty() -> None:
    structure = b'("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1)'
    assert await text_of(answering(structure, {b"HEADER": HEADER})) == HEADER


async def test_a_message_within_a_message_keeps_its_text() -> None:
    inner = (
        b'(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1)("IMAGE" "PNG" NIL NIL NIL "BASE64" 900) "MIXED" ("BOUNDARY" "b"))'
    )
    structure = b'("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 2000 NIL ' + inner + b" 50)"
    outer = b"Subject: outer\r\nContent-Type: message/rfc822\r\n\r\n"
    within = b'Subject: inner\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    sections = {
        b"HEADER": outer,
        b"1.HEADER": within,
        b"1.1.MIME": b"Content-Type: text/plain\r\n\r\n",
        b"1.1": b"Hello",
        b"1.2.MIME": b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n",
    }
    assert await text_of(answering(structure, sections)) == (
        outer + within + b"--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
        b"--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
        + f"{OMITTED_SIZE}: 900\r\n\r\n\r\n--b--\r\n".encode()
    )


async def test_more_text_than_was_asked_for_is_refused() -> None:
    structure = b'("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1)'
    sections = {b"HEADER": HEADER, b"1": b"x" * 400_000}
    with pytest.raises(Fault) as raised:
        await text_of(answering(structure, sections), Limits(text=300_000, line=1000))
    assert raised.value.details["reason"] == Reason.PROTOCOL


async def test_a_message_that_is_gone_is_none() -> None:
    def nothing(talk: Talk, tag: bytes, arguments: bytes) -> None:
        talk.say(tag + b" OK done")

    assert await text_of(nothing) is None

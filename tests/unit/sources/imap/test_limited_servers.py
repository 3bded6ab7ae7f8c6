"""Servers that have less, or allow less, than others."""

import re

import pytest

from mailquery.domain.uids import UidSet
from mcpkit.errors import Fault
from support.imap_client import connected, imap, plain
from support.imap_script import ScriptedImap, ScriptedMessage, Talk, scripted

RAW = b"Subject: hello\r\n\r\nHello\r\n"
MESSAGES = tuple(ScriptedMessage(uid, RAW) for uid in range(1, 26))


async def test_a_server_without_esearch_is_searched_as_of_old() -> None:
    def search(talk: Talk, tag: bytes, arguments: bytes) -> None:
        assert arguments == b"ALL"
        talk.say(b"* SEARCH 1 2 3 5", b"* SEARCH 9 8", tag + b" OK done")

    script = ScriptedImap(capabilities=b"IMAP4rev1", messages=MESSAGES, on={"UID SEARCH": search})
    with scripted(script):
        async with connected(imap(plain(script.port))) as connection:
            await connection.open("INBOX")
            assert str(await connection.uids()) == "1:3,5,8:9"
            assert not await connection.wait(5)  # it cannot tell, and says so at once


async def test_a_server_that_looks_at_few_messages_at_a_time_is_asked_again() -> None:
    """RFC 9738: ten at a time, from the newest on."""

    def search(talk: Talk, tag: bytes, arguments: bytes) -> None:
        found = re.search(rb"UID 1:(\d+)", arguments)
        highest = int(found[1]) if found else 25
        lowest = max(1, highest - 9)
        said = b" OK [MESSAGELIMIT 10 %d] not all" % lowest if lowest > 1 else b" OK done"
        talk.say(b'* ESEARCH (TAG "' + tag + b'") UID ALL %d:%d' % (lowest, highest), tag + said)

    script = ScriptedImap(
        capabilities=b"IMAP4rev1 ESEARCH MESSAGELIMIT=10", messages=MESSAGES, on={"UID SEARCH": search}
    )
    with scripted(script):
        async with connected(imap(plain(script.port))) as connection:
            await connection.open("INBOX")
            uids = await connection.uids()
            assert str(uids) == "1:25"
            assert len(await connection.fetch(uids)) == 25
    fetched = [command for command in script.commands if b"FETCH" in command]
    assert [re.findall(rb"FETCH (\S+)", command)[0] for command in fetched] in (
        [b"1:10", b"11:20", b"21:25"],
        [b"16:25", b"6:15", b"1:5"],
    )


async def test_a_server_that_stops_at_the_same_place_is_not_asked_for_ever() -> None:
    def search(talk: Talk, tag: bytes, arguments: bytes) -> None:
        talk.say(b'* ESEARCH (TAG "' + tag + b'") UID ALL 20:25', tag + b" OK [MESSAGELIMIT 10 20] not all")

    script = ScriptedImap(messages=MESSAGES, on={"UID SEARCH": search})
    with scripted(script):
        async with connected(imap(plain(script.port))) as connection:
            await connection.open("INBOX")
            assert str(await connection.uids()) == "20:25"


async def test_a_server_that_looks_at_one_message_at_a_time_is_not_asked_for_ever() -> None:
    def examine(talk: Talk, tag: bytes, arguments: bytes) -> None:
        talk.say(b"* 4000000 EXISTS", b"* OK [UIDVALIDITY 3] ok", b"* OK [UIDNEXT 4294967295] next", tag + b" OK open")

    def search(talk: Talk, tag: bytes, arguments: bytes) -> None:
        highest = int((re.search(rb"1:(\d+)", arguments) or [b"", b"4294967295"])[1])
        text = b'* ESEARCH (TAG "%s") UID ALL %d' % (tag, highest)
        talk.say(text, b"%s OK [MESSAGELIMIT 1 %d] not all" % (tag, highest))

    script = ScriptedImap(on={"EXAMINE": examine, "UID SEARCH": search})
    with scripted(script):
        async with connected(imap(plain(script.port))) as connection:
            await connection.open("INBOX")
            with pytest.raises(Fault, match="too few messages at a time"):
                await connection.uids()
    assert sum(b"SEARCH" in command for command in script.commands) == 5_000


async def test_uids_with_more_gaps_than_memory_is_for_are_refused() -> None:
    def examine(talk: Talk, tag: bytes, arguments: bytes) -> None:
        talk.say(b"* 5000000 EXISTS", b"* OK [UIDVALIDITY 3] ok", b"* OK [UIDNEXT 4294967295] next", tag + b" OK open")

    def search(talk: Talk, tag: bytes, arguments: bytes) -> None:
        every_second = b",".join(b"%d" % uid for uid in range(1, 2_000_000, 2))
        talk.say(b'* ESEARCH (TAG "' + tag + b'") UID ALL ' + every_second, tag + b" OK done")

    with scripted(ScriptedImap(on={"EXAMINE": examine, "UID SEARCH": search})) as script:
        async with connected(imap(plain(script.port))) as connection:
            await connection.open("INBOX")
            with pytest.raises(Fault, match="more gaps"):
                await connection.uids()


async def test_a_server_that_does_not_say_the_next_uid_is_asked_for_the_last() -> None:
    def examine(talk: Talk, tag: bytes, arguments: bytes) -> None:
        talk.say(b"* 25 EXISTS", b"* OK [UIDVALIDITY 3] ok", tag + b" OK open")

    def fetch(talk: Talk, tag: bytes, arguments: bytes) -> None:
        talk.say(b"* 25 FETCH (UID 40)", tag + b" OK done")

    script = ScriptedImap(messages=MESSAGES, on={"EXAMINE": examine, "FETCH": fetch})
    with scripted(script):
        async with connected(imap(plain(script.port))) as connection:
            state = await connection.open("INBOX")
    assert (state.uid_validity, state.uid_next, state.messages) == (3, 41, 25)


async def test_a_server_that_speaks_utf8_only_is_spoken_to_so() -> None:
    def enable(talk: Talk, tag: bytes, arguments: bytes) -> None:
        talk.say(b"* ENABLED UTF8=ACCEPT", tag + b" OK done")

    script = ScriptedImap(
        capabilities=b"IMAP4rev1 AUTH=PLAIN ENABLE UTF8=ONLY",
        mailboxes={"x": '() "/" "받은편지함/R&D"'.encode()},
        on={"ENABLE": enable},
    )
    with scripted(script):
        async with connected(imap(plain(script.port))) as connection:
            (mailbox,) = await connection.mailboxes()
            assert mailbox.name == "받은편지함/R&D"
            await connection.open(mailbox.key)
    assert any('EXAMINE "받은편지함/R&D"'.encode() in command for command in script.commands)


async def test_flags_and_new_messages_that_come_in_between_do_no_harm() -> None:
    def fetch(talk: Talk, tag: bytes, arguments: bytes) -> None:
        talk.say(
            b"* 26 EXISTS",
            b"* 3 EXPUNGE",
            b"* 1 RECENT",
            b"* FLAGS (\\Seen)",
            b"* OK [ALERT] the system is going down {5}",
            b"* 2 FETCH (UID 2 FLAGS (\\Deleted))",
            b"* 1 FETCH (FLAGS (\\Seen) BODY[] {5}\r\nright UID 1)",
            tag + b" OK done",
        )

    script = ScriptedImap(messages=MESSAGES, on={"UID FETCH": fetch})
    with scripted(script):
        async with connected(imap(plain(script.port))) as connection:
            await connection.open("INBOX")
            assert await connection.fetch(UidSet(((1, 2),))) == {1: b"right"}
            assert await connection.wait(5)  # something came meanwhile

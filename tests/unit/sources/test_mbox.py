"""mbox files: where messages begin and end, how quoting is undone, what is taken from the header."""

import mailbox as stdlib_mailbox
import resource
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailquery.domain.messages import Flag, ProblemCode
from mailquery.sources.detection import open_sources
from mailquery.sources.from_lines import Grade, date_of, grade
from mailquery.sources.interfaces import SourceMessage, UnreadablePlace

Read = Callable[..., tuple[list[SourceMessage], list[UnreadablePlace]]]

FROM = b"From a@example.org Mon Mar  1 10:00:00 2021\n"


def message(text: bytes = b"body\n") -> bytes:
    return b"From: a@example.org\nSubject: x\n\n" + text


def write(path: Path, *messages: bytes) -> Path:
    path.write_bytes(b"".join(FROM + m + b"\n" for m in messages))
    return path


def test_messages_come_without_their_separators(tmp_path: Path, read: Read) -> None:
    first, second = message(b"one\n\n"), message(b"two\n")
    messages, problems = read(write(tmp_path / "Work.mbox", first, second))
    assert [m.raw for m in messages] == [first, second]
    assert problems == []
    assert [m.placements[0].mailbox for m in messages] == ["Work", "Work"]
    assert messages[1].placements[0].locator == f"{tmp_path}/Work.mbox#{len(FROM + first) + 1}"
    assert messages[0].source_date == datetime(2021, 3, 1, 10, tzinfo=UTC)
    assert messages[0].placements[0].flags is None


@pytest.mark.parametrize(
    "line",
    [
        b"From unknown@localhost Thu Jan  1 00:00:00 1970",
        b"From - Mon Jan 01 12:00:00 2024",
        b"From 1234567890@xxx Mon Mar 01 00:00:00 +0000 2024",
        b'From "quoted name"@example.org Sat Jan  3 01:05:34 1996',
        b"From MAILER-DAEMON Fri Jul  8 12:08:34 2011",
        b"From a@b.c Sat Jan  3 01:05:34 MET 1996",
        b"From a@b.c Sat Jan  3 01:05:34 MET DST 1996",
        b"From a@b.c Sat Jan  3 01:05 1996",
        b"From a@b.c Sat Jan  3 01:05:34 1996 +0200",
        b"From a@b.c Sat, 3 Jan 1996 01:05:34 +0200",
        b"From a@b.c 2024-03-01T10:00:00Z",
        b"From a@b.c 2024-03-01 10:00:00 +0900",
        b"From jm at example.org  Wed Aug 21 13:33:57 2002",
        b"From uucp!a!b Sat Jan  3 01:05:34 1996 remote from host\r",
        b"From Mon Jan 01 12:00:00 2024",
    ],
)
def test_from_lines_of_many_programs_are_recognised(line: bytes) -> None:
    assert grade(line) is Grade.STRICT


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"From the beginning it was clear.", Grade.NONE),
        (b"From 1996 on, Mondays were free", Grade.NONE),
        (b"From what I heard on Mon Jan  1 12:00:00 2020", Grade.LOOSE),
        (b"From Mon Jan 99", Grade.NONE),
        (b"From John Doe Sat Jan  3 01:05:34 1996", Grade.LOOSE),
        (b"From ", Grade.LOOSE),
        (b"From -", Grade.LOOSE),
        (b"From a@b.c Sat Jan  3 01:05:34 1996 and then some", Grade.NONE),
    ],
)
def test_what_is_less_than_a_from_line(line: bytes, expected: object) -> None:
    assert grade(line) is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"From a Mon Mar 01 09:00:00 +0900 2021", datetime(2021, 3, 1, 0, tzinfo=UTC)),
        (b"From a Mon Mar  1 09:00:00 EST 2021", datetime(2021, 3, 1, 14, tzinfo=UTC)),
        (b"From a Mon Mar  1 09:00 97", datetime(1997, 3, 1, 9, tzinfo=UTC)),
        (b"From a Mon, 1 Mar 2021 09:00:00 -0100", datetime(2021, 3, 1, 10, tzinfo=UTC)),
        (b"From a 2021-03-01 09:00:00", datetime(2021, 3, 1, 9, tzinfo=UTC)),
        (b"From unknown@localhost Thu Jan  1 00:00:00 1970", None),
        (b"From a Mon Feb 31 09:00:00 2021", None),
        (b"From a Mon Mar  1 09:00:00 0000", None),
        (b"From a Mon Mar  1 09:00:00 +9999 2021", datetime(2021, 3, 1, 9, tzinfo=UTC)),
    ],
)
def test_dates_of_from_lines(line: bytes, expected: object) -> None:
    assert date_of(line) == expected


def test_a_body_line_that_only_begins_like_one_does_not_split(tmp_path: Path, read: Read) -> None:
    raw = message(b"text\n\nFrom the beginning we knew.\n\nFrom what I heard on Mon Jan  1 12:00:00 2020\nit rained\n")
    assert [m.raw for m in read(write(tmp_path / "m", raw))[0]] == [raw]


def test_a_missing_blank_line_before_a_from_line_still_splits(tmp_path: Path, read: Read) -> None:
    (tmp_path / "m").write_bytes(FROM + message(b"one\n") + FROM + message(b"two\n"))
    assert [m.raw for m in read(tmp_path / "m")[0]] == [message(b"one\n"), message(b"two\n")]


def test_thunderbirds_from_line_without_sender_and_date(tmp_path: Path, read: Read) -> None:
    (tmp_path / "Inbox").write_bytes(
        b"From \r\nSubject: a\r\nTo: b\r\n\r\none\r\n\r\nFrom \r\nSubject: c\r\n\r\ntwo\r\n"
    )
    raws = [m.raw for m in read(tmp_path / "Inbox")[0]]
    assert raws == [b"Subject: a\r\nTo: b\r\n\r\none\r\n", b"Subject: c\r\n\r\ntwo\r\n"]


def test_quoting_is_undone_as_in_mboxrd_unless_told_otherwise(tmp_path: Path, read: Read) -> None:
    path = write(tmp_path / "m", message(b">From a\n>>From b\n> From c\n"))
    assert read(path)[0][0].raw == message(b"From a\n>From b\n> From c\n")
    assert read(path, format="mboxrd")[0][0].raw == message(b"From a\n>From b\n> From c\n")
    assert read(path, format="mboxo")[0][0].raw == message(b"From a\n>>From b\n> From c\n")
    assert read(path, format="mboxcl")[0][0].raw == message(b"From a\n>From b\n> From c\n")
    assert read(path, format="mboxcl2")[0][0].raw == message(b">From a\n>>From b\n> From c\n")


def counted(body: bytes, length: int | None = None) -> bytes:
    return b"From: a@example.org\nContent-Length: %d\n\n%s" % (len(body) if length is None else length, body)


def test_a_right_content_length_covers_unquoted_from_lines(tmp_path: Path, read: Read) -> None:
    first = counted(b"text\n\n" + FROM + b"Subject: forwarded\n\n>From here\n")
    path = write(tmp_path / "m", first, message())
    for form in (None, "mbox", "mboxcl2"):
        assert [m.raw for m in read(path, format=form)[0]] == [first, message()]
    # It is unquoted as a whole where "From " lines are not quoted.
    assert [len(read(path, format=form)[0]) for form in ("mboxo", "mboxrd")] == [3, 3]


@pytest.mark.parametrize("length", [0, 3, 7, 300, 10**11])
def test_a_wrong_content_length_is_not_believed(tmp_path: Path, read: Read, length: int) -> None:
    raws = [counted(b"text\n", length), message(b"another\n" * 20), message(b"third\n")]
    for form in (None, "mboxcl2"):
        assert [m.raw for m in read(write(tmp_path / "m", *raws), format=form)[0]] == raws


def test_a_last_message_shorter_than_its_length_is_marked(tmp_path: Path, read: Read) -> None:
    path = write(tmp_path / "m", counted(b"whole\n"), counted(b"cut", 5000))
    messages = read(path)[0]
    assert [[p.code for p in m.problems] for m in messages] == [[], [ProblemCode.TRUNCATED]]


def test_crlf_is_kept(tmp_path: Path, read: Read) -> None:
    raw = message(b">From x\n").replace(b"\n", b"\r\n")
    line = FROM.replace(b"\n", b"\r\n")
    (tmp_path / "m").write_bytes(line + raw + b"\r\n" + line + raw + b"\r\n")
    assert [m.raw for m in read(tmp_path / "m")[0]] == [raw.replace(b">From", b"From")] * 2


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"\n\n", b"\0" * 5000, b"\r\n"])
def test_what_may_stand_before_the_first_message(tmp_path: Path, read: Read, start: bytes) -> None:
    write(tmp_path / "m", message())
    (tmp_path / "m").write_bytes(start + (tmp_path / "m").read_bytes())
    messages, problems = read(tmp_path / "m")
    assert ([m.raw for m in messages], problems) == ([message()], [])


def test_bytes_before_the_first_message_are_reported(tmp_path: Path, read: Read) -> None:
    (tmp_path / "m.mbox").write_bytes(b"rest of something\n\n" + FROM + message() + b"\n")
    messages, problems = read(tmp_path / "m.mbox")
    assert [m.raw for m in messages] == [message()]
    assert [p.problem.code for p in problems] == [ProblemCode.NOT_MAIL]


def test_a_run_of_nuls_between_messages_is_damage_and_not_mail(tmp_path: Path, read: Read) -> None:
    (tmp_path / "m").write_bytes(FROM + message() + b"\n" + b"\0" * 4096 + FROM + message(b"two\n") + b"\n")
    assert [m.raw for m in read(tmp_path / "m")[0]] == [message(), message(b"two\n")]


def test_utf16_is_read_as_utf8(tmp_path: Path, read: Read) -> None:
    text = (FROM + message("žluťoučký\n".encode()) + b"\n").decode()
    (tmp_path / "m").write_bytes(text.encode("utf-16"))
    assert [m.raw for m in read(tmp_path / "m")[0]] == [message("žluťoučký\n".encode())]


def test_an_empty_file_has_no_messages_and_no_error(tmp_path: Path, read: Read) -> None:
    (tmp_path / "m.mbox").write_bytes(b"")
    assert read(tmp_path / "m.mbox") == ([], [])


def test_a_message_over_the_limit_is_cut_and_the_next_is_whole(tmp_path: Path, read: Read) -> None:
    big = message(b"x" * 79 + b"\n") + (b"y" * 79 + b"\n") * 50_000
    messages, problems = read(write(tmp_path / "m", message(), big, message(b"three\n")), limit=1_000_000)
    assert [m.raw for m in messages] == [message(), big[:1_000_000], message(b"three\n")]
    assert [[p.code for p in m.problems] for m in messages] == [[], [ProblemCode.TOO_LARGE], []]
    assert problems == []


def test_a_message_of_exactly_the_limit_is_whole(tmp_path: Path, read: Read) -> None:
    raw = message()
    assert read(write(tmp_path / "m", raw, raw), limit=len(raw))[0][0].problems == ()


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        (b"", None),
        (b"Status: RO\n", Flag.SEEN),
        (b"Status: O\n", Flag(0)),
        (b"Status: R\nX-Status: AFTD\n", Flag.SEEN | Flag.ANSWERED | Flag.FLAGGED | Flag.DRAFT | Flag.DELETED),
        (b"X-Spam-Status: RO\n", None),
    ],
)
def test_flags_from_status_fields(tmp_path: Path, read: Read, fields: bytes, flags: object) -> None:
    path = write(tmp_path / "m", b"From: a\nSubject: b\n" + fields + b"\nbody\n")
    assert read(path)[0][0].placements[0].flags == flags


def test_thunderbirds_state(tmp_path: Path, read: Read) -> None:
    def kept(status: bytes, status2: bytes = b"00000000") -> bytes:
        return b"X-Mozilla-Status: %s\nX-Mozilla-Status2: %s\nX-Mozilla-Keys:    \n%s" % (status, status2, message())

    path = write(tmp_path / "m", kept(b"1007"), kept(b"0000", b"00200000"), kept(b"0009"), kept(b"zzzz"))
    assert [m.placements[0].flags for m in read(path)[0]] == [
        Flag.SEEN | Flag.ANSWERED | Flag.FLAGGED | Flag.FORWARDED,
        Flag.DELETED,
        None,
    ]


def test_a_sender_cannot_hide_a_message_with_mozillas_field(tmp_path: Path, read: Read) -> None:
    raw = b"Received: by mx\n" + b"X-Mozilla-Status: 0008\nX-Gmail-Labels: Trash\n" + message()
    messages = read(write(tmp_path / "m", raw))[0]
    assert [(m.raw, m.placements[0].mailbox) for m in messages] == [(raw, "m")]


def test_the_standard_library_finds_the_same_messages(tmp_path: Path, read: Read) -> None:
    raws = [message(b"number %d\n\n" % n + b"line\n" * n) for n in range(50)]
    path = write(tmp_path / "m", *raws)
    box = stdlib_mailbox.mbox(path, create=False)
    try:
        assert [m.raw for m in read(path)[0]] == [box.get_bytes(key) for key in box.iterkeys()] == raws
    finally:
        box.close()


def test_lines_made_to_cost_time_do_not(tmp_path: Path, read: Read) -> None:
    spaces = b" " * 1900
    lines = [
        b"From " + spaces + b"x y" + b" Mon Jan  1 00:00:00 2020",
        b"From " + b"Mon " * 480,
        b"From " + b"1 Jan " * 320,
        b"From a Mon Jan  1 00:00:00" + spaces + b"x",
    ]
    raw = message(b"\n\n".join(lines * 500) + b"\n")
    assert [m.raw for m in read(write(tmp_path / "m", raw))[0]] == [raw]
    top = b"X-Mozilla-a: b\n" * 100_000 + b"X-Gmail-Labels: " + b"=?a?q?" * 100_000 + b"\n"
    assert len(read(write(tmp_path / "m", top + message()))[0]) == 1


def test_memory_stays_flat(tmp_path: Path) -> None:
    one = FROM + message(b"0123456789 abcdefgh\n" * 5000) + b"\n"
    with (tmp_path / "m").open("wb") as file:
        for _ in range(300):
            file.write(one * 10)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (source,) = open_sources(tmp_path / "m")
    assert source.size() > 300_000_000
    assert sum(1 for _ in source) == 3000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000  # KiB

"""Two copies are one message when they differ only in what storing changes."""

from mailquery.domain.identity import FINGERPRINT_BYTES, fingerprint

RAW = b"From: a@b.c\nSubject: Hello\n folded\nMessage-ID: <1@b.c>\n\nThe body.\n\nMore.\n"


def test_line_endings_do_not_matter() -> None:
    assert fingerprint(RAW) == fingerprint(RAW.replace(b"\n", b"\r\n"))


def test_blank_lines_at_the_end_do_not_matter() -> None:
    assert fingerprint(RAW) == fingerprint(RAW + b"\n\n") == fingerprint(RAW.rstrip(b"\n"))


def test_what_mail_programs_add_to_the_header_does_not_matter() -> None:
    for added in (
        b"Status: RO\n",
        b"X-Status: A\nX-Keywords:   \n",
        b"X-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000000\n",
        b"X-GM-THRID: 123\nX-Gmail-Labels: Inbox,\n Important\n",
        b"Content-Length: 17\n",
    ):
        assert fingerprint(added + RAW) == fingerprint(RAW), added
        head, _, body = RAW.partition(b"\n\n")
        assert fingerprint(head + b"\n" + added + b"\n" + body) == fingerprint(RAW), added


def test_a_status_line_in_the_body_matters() -> None:
    assert fingerprint(RAW + b"Status: RO\n") != fingerprint(RAW)


def test_another_body_is_another_message_even_with_the_same_message_id() -> None:
    assert fingerprint(RAW) != fingerprint(RAW.replace(b"More.", b"Less."))


def test_another_header_is_another_message() -> None:
    assert fingerprint(RAW) != fingerprint(b"Received: by x\n" + RAW)


def test_a_header_is_not_mistaken_for_a_body() -> None:
    assert fingerprint(b"A: b\n\nC: d\n") != fingerprint(b"A: b\nC: d\n\n")


def test_any_bytes_have_a_fingerprint() -> None:
    for raw in (b"", b"\n", b"\r\n\r\n", b"\x00\xff", b"no header at all"):
        assert len(fingerprint(raw)) == FINGERPRINT_BYTES

"""Which parts are the text, and that text."""

import base64
import time

import pytest

from mailquery.domain.messages import Link, ProblemCode, SpanKind
from mailquery.parsing.body import MAX_BODY_CHARACTERS
from unit.parsing.messages import HEAD, codes, multipart, only, parse, plain, with_body

PLAIN = b"Content-Type: text/plain; charset=utf-8\n\n"
HTML = b"Content-Type: text/html; charset=utf-8\n\n"
LONG = "The meeting is on Tuesday at three in the big room on the second floor. " * 6


def alternative(text: str, page: str) -> bytes:
    return HEAD + multipart("alternative", PLAIN + text.encode(), HTML + page.encode())


def test_plain_text_is_preferred() -> None:
    message = parse(alternative("Hello plain", "<p>Hello <b>rich</b></p>"))
    assert message.body.text == "Hello plain"
    assert not message.body.from_html


def test_the_links_of_the_page_are_listed_beside_the_plain_text() -> None:
    message = parse(alternative("See https://x.kr/1", '<p>See <a href="https://x.kr/1">the plan</a></p>'))
    assert message.body.text == "See https://x.kr/1"
    assert message.links == (Link("https://x.kr/1", "the plan"),)


@pytest.mark.parametrize(
    "stub",
    ["", "   \n\n", "View this email in your browser: https://x.kr/v", "Your e-mail program does not support HTML.",
     "This is a multi-part message in MIME format.", "브라우저에서 보기", "ブラウザで表示", "在浏览器中查看", "short"],
)  # fmt: skip
def test_a_stub_gives_way_to_the_page(stub: str) -> None:
    message = parse(alternative(stub, f"<p>{LONG}</p>"))
    assert message.body.text == LONG.strip()
    assert message.body.from_html


def test_the_length_of_a_link_does_not_make_a_stub_a_text() -> None:
    stub = f"View this email in your\nbrowser: https://track.example/{'x' * 600}"
    message = parse(alternative(stub, "<p>Your parcel 4711 comes on Friday, please be at home</p>"))
    assert message.body.text == "Your parcel 4711 comes on Friday, please be at home"


def test_a_short_text_with_a_short_page_is_no_stub() -> None:
    assert parse(alternative("Yes.", "<div>Yes.</div>")).body.text == "Yes."


def test_html_in_disguise() -> None:
    message = plain("<html><body><p>Hello <b>you</b></p></body></html>")
    assert message.body.text == "Hello you"
    assert message.body.from_html


def test_several_text_parts_are_joined() -> None:
    raw = HEAD + multipart(
        "mixed", PLAIN + b"one", b"Content-Type: image/png\n\nx", PLAIN + b"two", HTML + b"<p>three</p>"
    )
    message = parse(raw)
    assert message.body.text == "one\n\ntwo\n\nthree"
    assert [attachment.part for attachment in message.attachments] == ["2"]


def test_the_page_of_a_related_part_with_its_pictures() -> None:
    related = multipart(
        "related",
        HTML + b'<p>See <img src="cid:1"></p>',
        b"Content-Type: image/png\nContent-ID: <1>\n\nx",
        boundary=b"rel",
    )
    message = parse(HEAD + multipart("alternative", PLAIN, related))
    assert message.body.text == "See"
    assert [(a.part, a.content_id, a.inline) for a in message.attachments] == [("2.2", "1", True)]


def test_signed_text() -> None:
    signature = b"Content-Type: application/pgp-signature; name=signature.asc\n\n-----BEGIN"
    message = parse(HEAD + multipart("signed", PLAIN + b"hello", signature))
    assert message.body.text == "hello"
    assert [attachment.filename for attachment in message.attachments] == ["signature.asc"]


def test_a_delivery_report() -> None:
    raw = HEAD + multipart(
        "report",
        PLAIN + b"Delivery failed.",
        b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nStatus: 5.1.1\n",
        b"Content-Type: message/rfc822\n\nSubject: Lunch?\n\nsecret inner text",
    )
    message = parse(raw)
    assert message.body.text == "Delivery failed."
    assert [(a.content_type, a.filename) for a in message.attachments] == [
        ("message/delivery-status", "message-2.txt"),
        ("message/rfc822", "Lunch_.eml"),
    ]


def test_an_attached_text_is_no_part_of_the_text() -> None:
    raw = HEAD + multipart(
        "mixed", PLAIN + b"see", b"Content-Type: text/plain; name=log.txt\nContent-Disposition: attachment\n\nlog"
    )
    message = parse(raw)
    assert message.body.text == "see"
    assert [attachment.filename for attachment in message.attachments] == ["log.txt"]


def test_an_invitation_keeps_its_type() -> None:
    invitation = b"Content-Type: text/calendar; method=REQUEST; charset=utf-8\n\nBEGIN:VCALENDAR\nEND:VCALENDAR\n"
    message = parse(HEAD + multipart("alternative", PLAIN + b"Meeting", HTML + b"<p>Meeting</p>", invitation))
    assert message.body.text == "Meeting"
    assert [(a.part, a.content_type, a.filename) for a in message.attachments] == [
        ("3", "text/calendar", "invite-3.ics")
    ]


def test_charset_only_in_the_page() -> None:
    source = (
        '<html><head><meta http-equiv="Content-Type" content="text/html; charset=iso-8859-2"></head><p>Żółć gęślą</p>'
    )
    assert parse(with_body(source.encode("iso8859_2"), b"Content-Type: text/html")).body.text == "Żółć gęślą"
    short = '<meta charset="euc-kr"><p>똠방각하</p>'
    assert parse(with_body(short.encode("cp949"), b"Content-Type: text/html")).body.text == "똠방각하"


def test_flowed_text() -> None:
    raw = with_body(b"one \ntwo\n> quoted \n> on\n", b"Content-Type: text/plain; format=flowed")
    message = parse(raw)
    assert message.body.text == "one two\n> quoted on"
    assert only(message, SpanKind.QUOTE) == "> quoted on"


def test_base64_body_with_a_list_footer() -> None:
    body = base64.encodebytes(LONG.encode()) + b"_______________________________________________\nDev mailing list\n"
    message = parse(with_body(body, b"Content-Transfer-Encoding: BASE64 ", b"Content-Type: text/plain; charset=utf-8"))
    assert only(message, SpanKind.TEXT) == LONG.rstrip() + " "
    assert only(message, SpanKind.SIGNATURE).endswith("Dev mailing list")
    assert message.problems == ()


def test_damage_is_a_problem_and_the_rest_is_read() -> None:
    damaged = parse(with_body(b"50 = 50 =zz caf=C3=A9", b"Content-Transfer-Encoding: quoted-printable"))
    assert damaged.body.text == "50 = 50 =zz café"
    assert codes(damaged) == [ProblemCode.BAD_ENCODING]
    foreign = parse(with_body(b"ok \x81\x20 \xff", b"Content-Type: text/plain; charset=euc-kr"))
    assert foreign.body.text.startswith("ok ")
    assert codes(foreign) == [ProblemCode.BAD_CHARSET]


def test_text_is_composed_and_has_no_control_characters() -> None:
    message = plain("e\u0301 \u1112\u1161\u11ab\r\nnext\x00\x08 \x1b[1mbold\ttab\x0bz\u202e")
    assert message.body.text == "é 한\nnext [1mbold\ttab\nz"


def test_links_of_plain_text() -> None:
    message = plain(
        "See https://x.kr/a?b=1, (http://y.kr/z) and https://x.kr/a?b=1. <https://w.kr/(x)> 주소는https://k.kr입니다。"
    )
    assert [link.url for link in message.links][:3] == ["https://x.kr/a?b=1", "http://y.kr/z", "https://w.kr/(x)"]


def test_the_text_is_bounded() -> None:
    message = plain("word \n" * 400_000)
    assert len(message.body.text) <= MAX_BODY_CHARACTERS
    assert ProblemCode.TOO_LARGE in codes(message)
    assert message.body.spans[-1].end == len(message.body.text)


@pytest.mark.parametrize(
    "text",
    ["http://" * 700_000, "https://" + "a" * 5_000_000, "https://x/" + ")" * 5_000_000, "begin 644 a\n" * 400_000,
     "begin 644 a\nM" * 350_000, " " * 5_000_000, "\n" * 5_000_000, "<html>" * 800_000, "a\u0301" * 1_600_000,
     "\u200c" * 1_600_000, "https://x.kr/" + "." * 5_000_000],
)  # fmt: skip
def test_five_hostile_megabytes_take_no_time(text: str) -> None:
    began = time.process_time()
    plain(text)
    assert time.process_time() - began < 6

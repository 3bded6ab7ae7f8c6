"""Address lists of RFC 5322, section 3.4, and what is sent in their place."""

import base64
import time

import pytest

from mailquery.domain.addresses import Address
from mailquery.parsing.addresses import MAX_ADDRESSES, read_addresses


def encoded(text: str, charset: str = "utf-8") -> str:
    return f"=?{charset}?B?{base64.b64encode(text.encode(charset)).decode()}?="


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("kim@example.kr", [("", "kim@example.kr")]),
        ("Kim Minsu <kim@EXAMPLE.kr>", [("Kim Minsu", "kim@example.kr")]),
        ("Kim.Minsu@Example.KR", [("", "Kim.Minsu@example.kr")]),
        ('"Kim, Minsu" <kim@x.kr>, lee@x.kr', [("Kim, Minsu", "kim@x.kr"), ("", "lee@x.kr")]),
        ("Kim, Minsu <kim@x.kr>", [("Kim, Minsu", "kim@x.kr")]),
        ('"a@b.c" <a@b.c>', [("", "a@b.c")]),
        ('"boss@corp.com" <evil@x.ru>', [("boss@corp.com", "evil@x.ru")]),
        ('"A \\"quoted\\" name" <a@x>', [('A "quoted" name', "a@x")]),
        ("a@x (Kim (Minsu) Esq.)", [("Kim (Minsu) Esq.", "a@x")]),
        ("Kim (home) <a@x>", [("Kim", "a@x")]),
        ("<a@x>", [("", "a@x")]),
        ("Kim a@x", [("Kim", "a@x")]),
        ("Kim <a@x", [("Kim", "a@x")]),
        ("Kim <a@x, Lee <b@x>", [("Kim", "a@x"), ("Lee", "b@x")]),
        ("<<a@x>>", [("", "a@x")]),
        ("Kim <mailto:a@x>", [("Kim", "a@x")]),
        ("<@relay.example,@two:a@x>", [("", "a@x")]),
        ('"john doe"@Example.com', [("", '"john doe"@example.com')]),
        ("undisclosed-recipients:;", []),
        ("Team: Kim <a@x>, b@x; c@x", [("Kim", "a@x"), ("", "b@x"), ("", "c@x")]),
        ("a@x; b@x", [("", "a@x"), ("", "b@x")]),
        ("'Kim' <a@x>", [("Kim", "a@x")]),
        ("Mail Delivery Subsystem", [("Mail Delivery Subsystem", "")]),
        ("Kim, Lee", [("Kim", ""), ("Lee", "")]),
        (",,, ,", []),
        ("", []),
        ("kim@xn--9t4b11yi5a.kr", [("", "kim@xn--9t4b11yi5a.kr")]),
        ("Kim <a @ x.kr>", [("Kim", "a@x.kr")]),
        ("a@[192.168.0.1]", [("", "a@[192.168.0.1]")]),
    ],
)
def test_lists(value: str, expected: list[tuple[str, str]]) -> None:
    assert read_addresses([value.encode()]) == tuple(Address(*pair) for pair in expected)


def test_encoded_names() -> None:
    assert read_addresses([f"{encoded('김민수')} <kim@x.kr>".encode()]) == (Address("김민수", "kim@x.kr"),)
    assert read_addresses([f'"{encoded("김민수")}" <kim@x.kr>'.encode()]) == (Address("김민수", "kim@x.kr"),)
    assert read_addresses([f"{encoded('김')}\r\n {encoded('민수')} <kim@x.kr>".encode()]) == (
        Address("김민수", "kim@x.kr"),
    )


def test_a_comma_inside_an_encoded_word_does_not_divide() -> None:
    assert read_addresses([b"=?utf-8?Q?Kim,_Minsu?= <kim@x.kr>"]) == (Address("Kim, Minsu", "kim@x.kr"),)
    assert read_addresses([f"{encoded('Kim, Minsu')} <kim@x.kr>".encode()]) == (Address("Kim, Minsu", "kim@x.kr"),)


@pytest.mark.parametrize("codec", ["utf-8", "cp949"])
def test_raw_8_bit_names(codec: str) -> None:
    assert read_addresses(["김민수 대리 <kim@x.kr>".encode(codec)], "euc-kr") == (Address("김민수 대리", "kim@x.kr"),)


def test_internationalised_domains_are_lower_case() -> None:
    assert read_addresses(["민수 <민수@BÜCHER.example>".encode()]) == (Address("민수", "민수@bücher.example"),)


def test_several_fields_of_one_name_are_one_list() -> None:
    assert read_addresses([b"a@x", b"b@x"]) == (Address("", "a@x"), Address("", "b@x"))


def test_the_number_of_addresses_is_bounded() -> None:
    value = b", ".join(b"a%d@x" % number for number in range(MAX_ADDRESSES + 500))
    assert len(read_addresses([value])) == MAX_ADDRESSES


@pytest.mark.parametrize(
    "value",
    [b"(" * 1_000_000, b"<" * 1_000_000, b'"' + b'\\"' * 500_000, b"a " * 500_000, b"=?" * 500_000,
     b"(a" * 400_000 + b")",
     b"=?a?b?" * 150_000, b":" * 1_000_000, b"," * 1_000_000, b"<a@b" * 250_000, b"a@" * 400_000, b'"' * 999_999],
)  # fmt: skip
def test_hostile_lists_take_no_time(value: bytes) -> None:
    began = time.process_time()
    read_addresses([value])
    assert time.process_time() - began < 5

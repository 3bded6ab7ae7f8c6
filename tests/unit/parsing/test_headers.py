"""Header values as people wrote them: encoded words, raw bytes, folding, ids."""

import base64

import pytest

from mailquery.parsing.fields import MAX_FIELDS, MAX_HEADER_BYTES, read_header, unfold
from mailquery.parsing.headers import decode_words, list_id, message_id, message_ids, text_of


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_words_split_inside_a_character_are_joined_before_decoding() -> None:
    data = "회의 자료".encode()
    text = f"=?utf-8?B?{b64(data[:4])}?= =?utf-8?B?{b64(data[4:])}?="
    assert decode_words(text) == "회의 자료"


def test_words_split_inside_a_base64_group() -> None:
    digits = b64("내일 회의가 있습니다".encode()).rstrip("=")
    assert decode_words(f"=?utf-8?B?{digits[:7]}?=\t=?UTF-8?b?{digits[7:]}?=") == "내일 회의가 있습니다"


def test_each_word_has_its_own_padding() -> None:
    assert decode_words(f"=?euc-kr?B?{b64('회'.encode('cp949'))}?= =?euc-kr?B?{b64('의'.encode('cp949'))}?=") == "회의"


def test_adjacent_words_without_a_blank() -> None:
    assert decode_words("=?utf-8?Q?a=C3=A9?==?utf-8?Q?=C3=A8b?=") == "aéèb"


def test_words_of_two_charsets_side_by_side() -> None:
    text = f"=?euc-kr?B?{b64('안녕'.encode('cp949'))}?= =?iso-8859-1?Q?_caf=E9?="
    assert decode_words(text) == "안녕 café"


def test_words_of_both_encodings_in_one_run() -> None:
    assert decode_words(f"=?utf-8?Q?=ED=9A?= =?utf-8?B?{b64(bytes([0x8C]))}?=") == "회"


def test_blanks_between_a_word_and_text_stay() -> None:
    assert decode_words("Re: =?utf-8?Q?caf=C3=A9?= now") == "Re: café now"


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        ("=?ks_c_5601-1987?B?" + b64("똠방각하".encode("cp949")) + "?=", "똠방각하"),
        ("=?ISO-2022-JP?B?" + b64(b"\x1b$B$*CN$i$;-!\x1b(B") + "?=", "お知らせ①"),
        ("=?gb2312?B?" + b64("镕基".encode("gbk")) + "?=", "镕基"),
        ("=?x-unknown?B?" + b64("회의".encode()) + "?=", "회의"),
        ("=?utf-8*ko?Q?=ED=9A=8C?=", "회"),
        ("=?iso-8859-1?Q?a b c?=", "a b c"),
        ("=?utf-8?B?!!!?=", ""),
        ("=?utf-8?Q??=", ""),
        ("=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        ("=?utf-8?B?7ZqM", "=?utf-8?B?7ZqM"),
        ("1 =? 2", "1 =? 2"),
    ],
)
def test_single_words(encoded: str, expected: str) -> None:
    assert decode_words(encoded) == expected


@pytest.mark.parametrize("codec", ["utf-8", "cp949"])
def test_raw_8_bit_subject(codec: str) -> None:
    assert text_of("회의 자료를 보내드립니다".encode(codec)) == "회의 자료를 보내드립니다"


def test_raw_8_bit_subject_in_the_charset_of_the_message() -> None:
    assert text_of("Żółć".encode("iso8859_2"), "iso-8859-2") == "Żółć"


def test_raw_iso_2022_jp_subject() -> None:
    assert text_of(b"\x1b$B$*CN$i$;\x1b(B") == "お知らせ"


def test_a_folded_value_is_one_line() -> None:
    assert unfold(b" one\r\n\ttwo\r\n   three ") == b"one two three"
    assert text_of(b" =?utf-8?Q?caf=C3=A9?=\r\n =?utf-8?Q?s?=") == "cafés"


def test_control_and_invisible_characters_leave_a_subject() -> None:
    assert text_of("a\u202eb\x07c\u200bd\ufeff \u2066e".encode()) == "abcd e"


def test_references_in_order_once_each() -> None:
    assert message_ids([b"<a@x> <b@x>\r\n <a@x>", b"<c@x>"]) == ("a@x", "b@x", "c@x")


def test_in_reply_to_with_words_around_it() -> None:
    assert message_ids([b'Your message of "Tue, 1 Jan 2002." <a@x>']) == ("a@x",)
    assert message_ids([b"a@x"]) == ("a@x",)
    assert message_ids([b"no id here"]) == ()


def test_ids_that_were_folded_inside() -> None:
    assert message_ids([b"<abc\r\n def@x>"]) == ("abcdef@x",)
    assert message_id(b" <abc@x> (comment)") == "abc@x"
    assert message_id(b"abc@x") == "abc@x"
    assert message_id(None) == ""


def test_of_many_references_the_first_and_the_last_hundred_are_kept() -> None:
    ids = message_ids([b" ".join(b"<%d@x>" % number for number in range(50_000))])
    assert len(ids) == 200
    assert ids[0] == "0@x"
    assert ids[-1] == "49999@x"


def test_list_id() -> None:
    assert list_id(b'"The List" <Dev.Example.ORG>') == "dev.example.org"
    assert list_id(b"dev.example.org") == "dev.example.org"
    assert list_id(None) == ""


def test_fields_and_the_body_behind_them() -> None:
    raw = b"From: a@x\r\nSubject: one\r\n two\r\n\r\nbody"
    header = read_header(raw, 0, len(raw))
    assert [name for name, _ in header.fields] == ["from", "subject"]
    assert raw[header.body_start :] == b"body"
    assert header.wellformed
    assert header.complete


def test_a_line_of_another_program_above_the_header_is_passed_over() -> None:
    raw = b"From someone@x Tue Jan  1 00:00:00 2002\nFrom: a@x\n\nbody"
    header = read_header(raw, 0, len(raw))
    assert header.first("from") == b" a@x"
    assert header.wellformed


def test_a_forgotten_empty_line_begins_the_body() -> None:
    raw = b"From: a@x\nHello there,\nthis is it"
    header = read_header(raw, 0, len(raw))
    assert raw[header.body_start :] == b"Hello there,\nthis is it"
    assert not header.wellformed


def test_a_value_broken_without_indentation_goes_on() -> None:
    raw = b"Subject: one\ntwo\nFrom: a@x\n\nbody"
    header = read_header(raw, 0, len(raw))
    assert header.first("from") == b" a@x"
    assert text_of(header.first("subject")) == "one two"
    assert not header.wellformed


def test_no_header_at_all() -> None:
    header = read_header(b"\nbody", 0, 5)
    assert header.fields == ()
    assert header.body_start == 1


def test_the_number_of_fields_is_bounded() -> None:
    raw = b"X: y\n" * (MAX_FIELDS + 10) + b"\nbody"
    header = read_header(raw, 0, len(raw))
    assert len(header.fields) == MAX_FIELDS
    assert not header.complete
    assert raw[header.body_start :] == b"body"


def test_the_size_of_a_header_is_bounded() -> None:
    raw = b"Subject: " + b"x" * (MAX_HEADER_BYTES + 10) + b"\n\nbody"
    header = read_header(raw, 0, len(raw))
    assert not header.complete
    assert raw[header.body_start :] == b"body"

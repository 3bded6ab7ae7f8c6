"""Mislabelled and legacy charsets, each with the text that was meant."""

import pytest

from mailquery.parsing.charsets import codec_of, decode
from mailquery.parsing.detection import detect

KOREAN = "안녕하세요. 내일 회의는 오후 세 시에 시작합니다."
CP949_ONLY = "똠방각하 펲시콜라 햏"  # syllables that KS X 1001 does not have
JAPANESE = "お世話になっております。会議の資料をお送りします。"
CHINESE = "您好，请查收附件中的增值税发票，谢谢。"
TRADITIONAL = "您好，請查收附件中的發票，謝謝。我們明天見。"
RUSSIAN = "Привет, завтра в три часа у нас встреча."
THAI = "สวัสดีครับ พรุ่งนี้มีประชุมตอนบ่ายสามโมง"
GERMAN = "Schöne Grüße aus Köln, bis später"


@pytest.mark.parametrize("label", ["ks_c_5601-1987", "KS_C_5601-1989", "ksc5601", "euc-kr", "EUC_KR", "x-windows-949"])
def test_korean_labels_hold_cp949(label: str) -> None:
    assert decode(CP949_ONLY.encode("cp949"), label) == (CP949_ONLY, True)


def test_make_up_sequences_of_ks_x_1001_are_one_syllable() -> None:
    data = CP949_ONLY.encode("euc_kr")
    assert b"\xa4\xd4" in data
    assert decode(data, "ks_c_5601-1987") == (CP949_ONLY, True)


@pytest.mark.parametrize("label", ["gb2312", "GBK", "x-gbk", "gb_2312-80", "cp936"])
def test_gb2312_holds_gbk_and_gb18030(label: str) -> None:
    text = "镕基，喆，€，𠮷"
    assert decode(text.encode("gb18030"), label) == (text, True)


@pytest.mark.parametrize("label", ["iso-2022-jp", "ISO-2022-JP-MS", "us-ascii", ""])
def test_iso_2022_jp_with_vendor_characters(label: str) -> None:
    # NEC row 13: ① is 2D21 and ㈱ is 2D6A in JIS order.
    data = b"\x1b$B$*CN$i$;\x1b(B \x1b$B-!-j\x1b(B end"
    assert decode(data, label) == ("お知らせ ①㈱ end", True)


def test_iso_2022_jp_with_half_width_katakana() -> None:
    assert decode(b"\x1b(I12\x1b(B", "iso-2022-jp") == ("ｱｲ", True)


def test_iso_2022_jp_in_which_a_line_forgets_to_go_back_to_ascii() -> None:
    decoded = decode(b"\x1b$B$*CN$i$;\r\n\x1b(Bnext", "iso-2022-jp")
    assert decoded.text.replace("\r\n", "\n") == "お知らせ\nnext"


def test_iso_2022_jp_cut_inside_a_character_is_not_intact() -> None:
    decoded = decode(b"\x1b$B$*C\x1b(B!", "iso-2022-jp")
    assert decoded.text.startswith("お")
    assert decoded.text.endswith("!")
    assert not decoded.intact


@pytest.mark.parametrize("label", ["shift_jis", "Shift-JIS", "x-sjis", "windows-31j"])
def test_shift_jis_holds_cp932(label: str) -> None:
    text = "①株式会社㈱ 髙橋 ～"
    assert decode(text.encode("cp932"), label) == (text, True)


def test_euc_jp_with_vendor_characters() -> None:
    assert decode(b"\xad\xa1\xa4\xa2", "euc-jp").text == "①あ"


@pytest.mark.parametrize("label", ["iso-8859-1", "ISO_8859-1", "latin1", "windows-1252", "cp1252", "ansi"])
def test_latin_1_holds_windows_1252(label: str) -> None:
    text = "“It’s 5 €” – naïve…"
    assert decode(text.encode("cp1252"), label) == (text, True)


def test_latin_1_that_is_really_utf_8() -> None:
    assert decode("Grüße, 회의".encode(), "iso-8859-1") == ("Grüße, 회의", True)


@pytest.mark.parametrize(
    "label", ["us-ascii", "", "x-foo", "unknown-8bit", "8bit", "nonsense charset", "\x00", "base64"]
)
@pytest.mark.parametrize(
    ("text", "codec"),
    [
        (KOREAN, "utf-8"),
        (KOREAN, "cp949"),
        (KOREAN + CP949_ONLY, "cp949"),
        (KOREAN, "utf-16"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "iso2022_jp"),
        (CHINESE, "gb18030"),
        (TRADITIONAL, "big5"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        (THAI, "cp874"),
        (GERMAN, "cp1252"),
        ("café", "latin-1"),
        ("5 € – “ok”", "cp1252"),
        ("회의", "cp949"),
    ],
)
def test_text_without_a_usable_label_is_recognised(text: str, codec: str, label: str) -> None:
    assert decode(text.encode(codec), label) == (text, True)


@pytest.mark.parametrize(
    ("label", "text", "codec"),
    [
        ("utf8mb4", KOREAN, "utf-8"),
        ("cp-850", "Fußgänger", "cp850"),
        ("windows-874", THAI, "cp874"),
        ("tis-620", THAI, "cp874"),
        ("iso-8859-11", THAI, "cp874"),
        ("utf-7", KOREAN, "utf-7"),
        ("unicode-1-1-utf-7", "Hi Mom -☺-!", "utf-7"),
        ("hz-gb-2312", "你好", "hz"),
        ("iso-2022-kr", KOREAN, "iso2022_kr"),
        ("big5", TRADITIONAL, "big5"),
        ("koi8-r", RUSSIAN, "koi8_r"),
        ("windows-1251", RUSSIAN, "cp1251"),
        ("iso-8859-2", "Příliš žluťoučký kůň", "iso8859_2"),
        ("iso-8859-15", "10 €", "iso8859_15"),
        ("utf-16le", KOREAN, "utf-16-le"),
        ("utf-16", KOREAN, "utf-16"),
        ('"utf-8"', KOREAN, "utf-8"),
        ("utf-8*ko", KOREAN, "utf-8"),
        ("macintosh", "déjà vu", "mac_roman"),
    ],
)
def test_labels_of_every_kind(label: str, text: str, codec: str) -> None:
    assert decode(text.encode(codec), label) == (text, True)


@pytest.mark.parametrize(
    "label", ["base64", "zlib", "rot13", "idna", "punycode", "unicode_escape", "mbcs", "../os", "hex"]
)
def test_codecs_that_are_no_charsets_are_out_of_a_senders_reach(label: str) -> None:
    assert codec_of(label) is None


def test_utf_8_label_on_korean_bytes() -> None:
    assert decode(KOREAN.encode("cp949"), "utf-8") == (KOREAN, True)


def test_utf_8_with_one_damaged_character_stays_utf_8() -> None:
    data = KOREAN.encode()
    decoded = decode(data[:30] + data[31:], "utf-8")
    assert not decoded.intact
    assert decoded.text.endswith("시작합니다.")
    assert decoded.text.count("\ufffd") <= 2


def test_surrogates_never_come_out() -> None:
    for data, label in (
        (b"+2AA-", "utf-7"),
        (b"\xd8\x00", "utf-16"),
        (b"\xed\xa0\x80", "utf-8"),
        (b"\xff\xfe\x00\xd8", ""),
    ):
        decode(data, label).text.encode("utf-8")


def test_detection_gives_the_same_answer_every_time() -> None:
    data = KOREAN.encode("cp949") * 3
    assert {detect(data) for _ in range(5)} == {"cp949"}


def test_every_byte_value_gives_text_under_every_label() -> None:
    data = bytes(range(256)) * 2
    for label in (
        "",
        "utf-8",
        "euc-kr",
        "iso-2022-jp",
        "shift_jis",
        "gb2312",
        "big5",
        "tis-620",
        "utf-16",
        "utf-7",
        "x",
    ):
        decode(data, label).text.encode("utf-8")

"""What the sender wrote, what is quoted, what is a signature."""

import time

import pytest

from mailquery.domain.messages import SpanKind
from mailquery.parsing.quoting import divide
from unit.parsing.messages import only, plain

TEXT, QUOTE, SIGNATURE = SpanKind.TEXT, SpanKind.QUOTE, SpanKind.SIGNATURE


def kinds(text: str) -> list[tuple[SpanKind, str]]:
    return [(span.kind, text[span.start : span.end].strip("\n")) for span in divide(text)]


ATTRIBUTIONS = [
    "On Mon, 15 Jan 2024 at 09:30, Kim Minsu <kim@x.kr> wrote:",
    "On Mon, 15 Jan 2024 at 09:30, Kim Minsu with a Long Name\n<kim@x.kr> wrote:",
    "On Monday, 15 January 2024,\nKim Minsu\n<kim@x.kr> wrote:",
    "Kim Minsu wrote:",
    "kim@x.kr said:",
    '>>>>> "Kim" == Kim Minsu <kim@x.kr> writes:',
    "2024년 1월 2일 (화) 오후 3:00, 홍길동 <hong@x.kr>님이 작성:",
    "2024년 1월 2일 오후 3:00, 홍길동 작성:",
    "홍길동 님이 쓰신 글:",
    "2024年1月2日(火) 15:00 山田太郎 <yamada@x.jp>:",
    "2024年1月2日(火) 15:00 山田太郎 <y@x.jp>:",
    "2024/01/02 15:00、山田太郎 <yamada@x.jp>のメール:",
    "山田さんは書きました:",
    "张三 <zhang@x.cn> 于2024年1月2日周二 15:00写道：",
    "在 2024-01-02 15:00:00，张三 <zhang@x.cn> 写道：",
    "Am 15.01.2024 um 09:30 schrieb Max Müller:",
    "Am Mo., 15. Jan. 2024 um 09:30 Uhr schrieb Max Müller\n<max@x.de>:",
    "Le 15 janvier 2024 à 09:30, Anne Dupont <anne@x.fr> a écrit :",
    "Le lun. 15 janv. 2024 à 09:30, Anne Dupont <anne@x.fr>\na écrit :",
]


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_an_attribution_belongs_to_the_quotation_below_it(attribution: str, gap: str) -> None:
    text = f"Yes, that works.\n\n{attribution}{gap}> Shall we meet?\n>\n> Kim\n"
    parts = kinds(text)
    assert parts[0] == (TEXT, "Yes, that works.")
    assert parts[1] == (QUOTE, f"{attribution}{gap}> Shall we meet?\n>\n> Kim")
    assert len(parts) == 2


@pytest.mark.parametrize("attribution", [line for line in ATTRIBUTIONS if any(digit in line for digit in "0123456789")])
def test_a_full_attribution_needs_no_signs_below_it(attribution: str) -> None:
    text = f"Yes.\n\n{attribution}\n\nShall we meet?\nKim"
    assert kinds(text) == [(TEXT, "Yes."), (QUOTE, f"{attribution}\n\nShall we meet?\nKim")]


def test_saying_that_somebody_wrote_is_no_quotation() -> None:
    text = "Hello,\nhe wrote:\nnothing.\nOn Monday she wrote:\nmore."
    assert kinds(text) == [(TEXT, text)]


def test_answers_between_quotations_are_text() -> None:
    text = "> one?\n\nFirst answer.\n\n> two?\n> three?\n\nSecond answer.\n"
    assert kinds(text) == [
        (QUOTE, "> one?"), (TEXT, "First answer."), (QUOTE, "> two?\n> three?"), (TEXT, "Second answer."),
    ]  # fmt: skip


def test_blank_lines_inside_a_quotation_are_quoted() -> None:
    assert kinds("hi\n> a\n\n> b") == [(TEXT, "hi"), (QUOTE, "> a\n\n> b")]


def test_initials_before_the_sign() -> None:
    assert kinds("KM> Shall we?\nYes.") == [(QUOTE, "KM> Shall we?"), (TEXT, "Yes.")]


def test_an_escaped_from_line_is_no_quotation() -> None:
    assert kinds(">From here on it is text") == [(TEXT, ">From here on it is text")]


BLOCKS = [
    "From: Kim <kim@x.kr>\nSent: Monday, 15 January 2024 09:30\nTo: Lee\nSubject: Plan",
    "*From:* Kim\n*Sent:* Monday\n*To:* Lee\n*Subject:* Plan",
    "Von: Max\nGesendet: Montag, 15. Januar 2024\nAn: Anne\nBetreff: Plan",
    "De : Anne\nEnvoyé : lundi 15 janvier 2024\nÀ : Max\nObjet : Plan",
    "보낸 사람: 홍길동\n보낸 날짜: 2024년 1월 15일\n받는 사람: 이영희\n제목: 계획",
    "差出人: 山田\n送信日時: 2024年1月15日\n宛先: 鈴木\n件名: 計画",
    "发件人: 张三\n发送时间: 2024年1月15日\n收件人: 李四\n主题: 计划",
    "-----Original Message-----\nFrom: Kim\nhello",
    "---- Original Message ----\nhello",
    "-----Ursprüngliche Nachricht-----\nhallo",
    "-----Message d'origine-----\nbonjour",
    "-----원본 메시지-----\n안녕",
    "-----邮件原件-----\n你好",
    "________________________________\nFrom: Kim\nDate: Monday\nTo: Lee\nSubject: Plan",
]


@pytest.mark.parametrize("block", BLOCKS)
def test_an_earlier_message_below_its_header_is_quoted_to_the_end(block: str) -> None:
    text = f"Agreed.\n\n{block}\n\nThe plan is this.\n\nKim"
    assert kinds(text) == [(TEXT, "Agreed."), (QUOTE, f"{block}\n\nThe plan is this.\n\nKim")]


def test_a_message_that_is_nothing_but_an_earlier_one_is_text() -> None:
    text = f"{BLOCKS[0]}\n\nThe plan is this."
    assert kinds(text) == [(TEXT, text)]


FORWARDS = [
    "---------- Forwarded message ---------\nFrom: Kim <kim@x.kr>\nDate: Mon, 15 Jan 2024\nSubject: Plan\nTo: Lee",
    "Begin forwarded message:\n\nFrom: Kim\nSubject: Plan\nDate: Monday\nTo: Lee",
    "-------- Forwarded Message --------\nSubject: Plan\nFrom: Kim",
    "---------- 전달된 메시지 ----------\n보낸사람: 홍길동",
    "-------- Weitergeleitete Nachricht --------\nVon: Max",
    "---------- 转发的邮件 ----------\n发件人: 张三",
]


@pytest.mark.parametrize("forward", FORWARDS)
def test_what_is_forwarded_with_few_words_is_the_text(forward: str) -> None:
    text = f"FYI\n\n{forward}\n\nThe plan is this.\n\n> quoted in it\n"
    assert kinds(text) == [(TEXT, f"FYI\n\n{forward}\n\nThe plan is this."), (QUOTE, "> quoted in it")]


def test_what_is_forwarded_under_a_long_text_is_quoted() -> None:
    own = "This needs a long introduction. " * 20
    assert [kind for kind, _ in kinds(f"{own}\n\n{FORWARDS[0]}\n\nThe plan.")] == [TEXT, QUOTE]


def test_a_forward_by_its_subject() -> None:
    text = f"FYI\n\n{BLOCKS[0]}\n\nThe plan is this."
    assert "The plan is this." in only(plain(text, subject="Fwd: Plan"), TEXT)
    assert "The plan is this." in only(plain(text, subject="[team] FW: Plan"), TEXT)
    assert "The plan is this." in only(plain(text, subject="전달: Plan"), TEXT)
    assert "The plan is this." in only(plain(text, subject="Re: Plan"), QUOTE)


def test_a_signature_and_a_list_footer() -> None:
    text = (
        "Hello\n\n-- \nKim Minsu\nhttps://x.kr\n"
        "_______________________________________________\nDev mailing list\nDev@lists.example.org\n"
    )
    assert kinds(text)[0] == (TEXT, "Hello")
    assert {kind for kind, _ in kinds(text)[1:]} == {SIGNATURE}


def test_a_footer_below_a_quotation_and_a_signature_above_it() -> None:
    text = "Hello\n-- \nKim\n\n> earlier\n\n____________________\nTo unsubscribe, write to x@y\n"
    assert [kind for kind, _ in kinds(text)] == [TEXT, SIGNATURE, QUOTE, SIGNATURE]


@pytest.mark.parametrize(
    "line",
    ["Sent from my iPhone", "Get Outlook for iOS", "나의 iPhone에서 보냄", "iPhoneから送信", "发自我的 iPhone",
     "Von meinem iPhone gesendet", "Envoyé de mon iPhone", "Sent from my Samsung Galaxy smartphone."],
)  # fmt: skip
def test_what_a_telephone_adds(line: str) -> None:
    assert kinds(f"Ok\n\n{line}") == [(TEXT, "Ok"), (SIGNATURE, line)]


def test_dashes_in_a_long_text_are_no_signature() -> None:
    text = "one\n--\n" + "line\n" * 60
    assert [kind for kind, _ in kinds(text)] == [TEXT]


def test_a_rule_without_a_footer_is_text() -> None:
    text = "Title\n====================\nSome text about it."
    assert kinds(text) == [(TEXT, text)]


HOSTILE = {
    "signs": ">" * 1_000_000,
    "signs in lines": "> a\n\n" * 200_000,
    "blank lines in quotations": "> a\n" + "\n" * 500_000 + "> b",
    "attributions": "On 1 x wrote:\n" * 70_000,
    "attribution without signs": ("On 1 " + "x" * 290 + "\n") * 3_300,
    "from lines": "From: x\nTo: y\n" * 70_000,
    "rules": "_" * 1_000_000,
    "rules in lines": "____________\n" * 70_000,
    "rules with blanks": "- " * 500_000,
    "colons": ":\n" * 500_000,
    "digits": ("1 년 " * 60 + ":\n") * 3_000,
    "dashes": "--\n" * 300_000,
    "answers": "> a\nx\n" * 160_000,
    "blank rules": "\n \n" * 300_000 + "From: a\nSent: b\nTo: c\n",
    "sent from": ("Sent from my " + "a " * 50 + "\n") * 8_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_texts_take_no_time(text: str) -> None:
    began = time.process_time()
    spans = divide(text)
    assert time.process_time() - began < 5
    assert spans[-1].end == len(text)

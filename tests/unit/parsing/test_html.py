"""HTML mail as text."""

import time

import pytest

from mailquery.domain.messages import Link, SpanKind
from mailquery.parsing.html import read_html
from mailquery.parsing.taming import MAX_HTML_CHARACTERS
from unit.parsing.messages import only, page


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p>Hello <b>Wor</b>ld</p>", "Hello World"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<div>one</div>\n\n<div>two</div>", "one\ntwo"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("one<br><br>two", "one\n\ntwo"),
        ("<div>one</div><div><br></div><div>two</div>", "one\n\ntwo"),
        ("<div>one<br></div><div>two</div>", "one\ntwo"),
        ("one\n two\t three", "one two three"),
        ("a&nbsp;&nbsp;b &amp; c &lt;d&gt; &#44032; &eacute;", "a b & c <d> 가 é"),
        ("<ul><li>one</li><li>two</li></ul>after", "- one\n- two\n\nafter"),
        ("<ol><li>one<li>two</ol>", "- one\n- two"),
        ("<table><tr><th>Item</th><th>Price</th></tr><tr><td>Tea</td><td>5</td></tr></table>", "Item\tPrice\nTea\t5"),
        ("<pre>  def f():\n      return 1</pre>done", "  def f():\n      return 1\n\ndone"),
        ("<h1>Title</h1>text", "Title\n\ntext"),
        ("<style>p{color:red}</style><script>alert('x')</script>shown", "shown"),
        ("<head><title>T</title></head><body>shown</body>", "shown"),
        ("a<!-- hidden <p>x</p> -->b", "ab"),
        ("<!--[if mso]>outlook<![endif]-->b", "b"),
        ("<!--[if !mso]><!-->shown<!--<![endif]-->", "shown"),
        ("<![CDATA[x]]>b", "b"),
        ('<p style="display:none">no</p>yes', "yes"),
        ('<p style="DISPLAY : NONE !important">no</p>yes', "yes"),
        ('<p style="visibility:hidden">no</p>yes', "yes"),
        ('<span style="font-size:0">no</span>yes', "yes"),
        ('<span style="color:red;font-size:0px;line-height:1">no</span>yes', "yes"),
        ('<span style="font-size:0.8em">small</span>', "small"),
        ('<span style="font-size:10px">ten</span>', "ten"),
        ('<div style="opacity:0">no</div>yes', "yes"),
        ('<div style="opacity:0.5">half</div>', "half"),
        ('<div style="max-height:0;overflow:hidden">no</div>yes', "yes"),
        ("<p hidden>no</p>yes", "yes"),
        ('<p aria-hidden="true">no</p>yes', "yes"),
        ("zero\u200bwidth&#8203;\ufeff&zwnj; done", "zerowidth done"),
        ("preview&nbsp;&zwnj;&nbsp;&zwnj;&nbsp;&zwnj;<p>text</p>", "preview\n\ntext"),
        ("a\u202eb&#x202e;c", "abc"),
        ("<p>unclosed <b>bold <p>next", "unclosed bold\n\nnext"),
        ('<a title="a > b">x</a>', "x"),
        ("a &#1;&#x2; b\x01", "a b"),
        ("", ""),
        ("<html></html>", ""),
        ("plain", "plain"),
        ('<?xml version="1.0" encoding="utf-8"?><p>x</p>', "x"),
        ('<img src="cid:x" alt="Sale ends today">', "Sale ends today"),
        ('<img alt="logo"><p>text</p>', "text"),
        ("<div>" * 2000 + "deep" + "</div>" * 2000, "deep"),
    ],
)
def test_what_is_shown(source: str, expected: str) -> None:
    assert read_html(source).text == expected


def test_links_apart_once_each_with_their_words() -> None:
    links = read_html(
        '<a href="https://x.kr/1">First <b>one</b></a> <a href="https://x.kr/1">again</a>'
        '<a href="mailto:a@x.kr">write</a><a href="#top">top</a><a href="javascript:alert(1)">no</a>'
        '<a href="data:text/html,x">no</a><a href="https://x.kr/2"><img></a><a href="https://x.kr/2">later words</a>'
        '<a href=" https://x.kr/\n3 ">broken</a><p hidden><a href="https://x.kr/4">hidden</a></p>'
    ).links
    assert links == (
        Link("https://x.kr/1", "First one"),
        Link("mailto:a@x.kr", "write"),
        Link("https://x.kr/2", "later words"),
        Link("https://x.kr/3", "broken"),
    )


def test_a_blockquote_is_a_quotation_and_an_answer_between_two_is_text() -> None:
    message = page(
        "<p>Top</p><blockquote>first question</blockquote><p>First answer</p>"
        "<blockquote>second <blockquote>older</blockquote></blockquote><p>Second answer</p>"
    )
    assert only(message, SpanKind.TEXT) == "Top\nFirst answer\nSecond answer"
    assert only(message, SpanKind.QUOTE).split() == ["first", "question", "second", "older"]


def test_gmail() -> None:
    message = page(
        '<div dir="ltr">Yes, at three.</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">'
        "2024년 1월 2일 (화) 오후 3:00, 홍길동 &lt;<a>hong@x.kr</a>&gt;님이 작성:<br></div>"
        '<blockquote class="gmail_quote" style="margin:0"><div>내일 회의 어때요?</div></blockquote></div>'
    )
    assert only(message, SpanKind.TEXT) == "Yes, at three."
    assert only(message, SpanKind.QUOTE).startswith("2024년 1월 2일")
    assert only(message, SpanKind.QUOTE).endswith("내일 회의 어때요?")


OUTLOOK_HEADER = (
    "<p><b>From:</b> Kim &lt;kim@x.kr&gt;<br><b>Sent:</b> Monday, 15 January 2024<br>"
    "<b>To:</b> Lee<br><b>Subject:</b> Plan</p>"
)


@pytest.mark.parametrize(
    "opening",
    [
        '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in">'
        + OUTLOOK_HEADER
        + "</div>",
        '<div id="appendonsend"></div><hr><div id="divRplyFwdMsg">' + OUTLOOK_HEADER + "</div>",
        OUTLOOK_HEADER,
    ],
)
def test_outlook(opening: str) -> None:
    message = page(f"<p>Agreed.</p>{opening}<p>The plan is this.</p>")
    assert only(message, SpanKind.TEXT) == "Agreed."
    assert "The plan is this." in only(message, SpanKind.QUOTE)
    assert "From: Kim <kim@x.kr>" in only(message, SpanKind.QUOTE)


def test_a_page_that_is_one_indented_block_is_text() -> None:
    message = page("<blockquote><p>Dear customer,</p><p>your order has left.</p></blockquote>")
    assert only(message, SpanKind.TEXT) == "Dear customer,\n\nyour order has left."


def test_a_very_long_page_is_cut_and_says_so() -> None:
    read = read_html("<p>x</p>" * (MAX_HTML_CHARACTERS // 8 + 10))
    assert not read.complete


HOSTILE = {
    "deep blocks": "<div>" * 200_000,
    "deep inline": "<span>" * 80_000 + "</foo>" * 80_000,
    "formatting carried on": "".join(f"<b id={i}>" for i in range(40_000)) + "<p>x" * 40_000,
    "formatting and blocks": "".join(f"<font id={i}><p>" for i in range(30_000)),
    "opening signs": "<" * 1_000_000,
    "attributes": "<p " + " ".join(f"a{i}=1" for i in range(100_000)) + ">x",
    "attributes in quotes": "<p ' a=\"' > " + "".join(f' b{i}="<>"' for i in range(60_000)) + ">x",
    "bare attributes": "<p " + " ".join(f"b{i}" for i in range(150_000)),
    "open comments": "<!--" * 250_000,
    "open scripts": "<script>" * 120_000,
    "open pre": "<pre>" * 200_000,
    "cells": "<td>" * 250_000,
    "tables": "<table><td>" * 90_000,
    "misnested": "<div><table><td></div></td></table>" * 30_000,
    "anchors": "".join(f'<a href="http://x.y/{i}"><div>x' for i in range(30_000)),
    "hidden in hidden": '<div style="display:none">' * 30_000,
    "blanks": " " * 1_000_000,
    "hard blanks": "\xa0" * 1_000_000,
    "breaks": "<br>" * 250_000,
    "references": "&#1" * 300_000,
    "styles": '<p style="display:' + "none " * 150_000 + '">',
    "zeros": '<p style="opacity:' + "0" * 900_000 + '">',
    "lists": "<ul><li>" * 120_000,
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_pages_take_no_time(source: str) -> None:
    began = time.process_time()
    read_html(source)
    assert time.process_time() - began < 6

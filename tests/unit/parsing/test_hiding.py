"""What a reader of a page sees, and what not."""

from time import process_time

import pytest

from mailquery.parsing.html import read_html, unseen_in_html


def page(body: str, styles: str = "") -> str:
    return f"<html><head><style>{styles}</style></head><body>{body}</body></html>"


@pytest.mark.parametrize(
    "style",
    [
        "display:none",
        "dis/**/play:x;display:/**/none",
        r"d\69splay:none",
        "visibility:collapse",
        "font-size:1px",
        "font:1px/1 Arial",
        "opacity:.01",
        "height:0;overflow:hidden",
        "position:absolute;left:-9999px",
        "text-indent:-9999px",
        "clip-path:inset(100%)",
        "transform:scale(0)",
        "color:#fefefe",
        "color:transparent",
        "color:rgba(1,2,3,0)",
        "background:#000;color:#010101",
        "content-visibility:hidden",
    ],
)
def test_a_style_that_hides(style: str) -> None:
    read = read_html(page(f'<p>seen</p><p style="{style}">not seen</p>'))
    assert read.text == "seen"
    assert "not seen" in read.hidden


@pytest.mark.parametrize(
    "style",
    [
        "font-size:12px",
        "opacity:.9",
        "height:0",
        "position:absolute;left:-4px",
        "margin-left:-20px",
        "color:#333",
        "background:#000;color:#fff",
        "background:url(x.png);color:#fff",
        "text-indent:-5px",
        "max-height:400px;overflow:hidden",
    ],
)
def test_a_style_that_does_not(style: str) -> None:
    read = read_html(page(f'<p style="{style}">seen</p>'))
    assert (read.text, read.hidden) == ("seen", "")


def test_what_is_set_anew_further_in_is_seen() -> None:
    nested = '<td style="font-size:0">gone<div style="font-size:13px">size</div></td>'
    assert read_html(page(f"<table><tr>{nested}</tr></table>")).text == "size"
    assert (
        read_html(page('<div style="visibility:hidden">gone<p style="visibility:visible">shown</p></div>')).text
        == "shown"
    )
    assert read_html(page('<div style="color:#fff">gone<p style="background:#000">shown</p></div>')).text == "shown"
    assert (
        read_html(page('<table bgcolor="#223344"><tr><td><font color="#ffffff">shown</font></td></tr></table>')).text
        == "shown"
    )


@pytest.mark.parametrize(
    "sheet",
    [
        ".x{display:none}",
        "#y{display:none !important}",
        "div > p.x{visibility:hidden}",
        "p[class=x]{display:none}",
        "@media screen{.x{display:none}}",
        "@media (max-width:99999px){.x{display:none}}",
        ".x{display:block} .x{display:none}",
        "body{background:#123} .x{color:#123}",
        r".\78 {display:none}",
    ],
)
def test_a_style_sheet_that_hides(sheet: str) -> None:
    assert read_html(page('<div><p>seen</p><p class="x" id="y">not</p></div>', sheet)).text == "seen"


@pytest.mark.parametrize(
    "sheet",
    [
        "@media (max-width:600px){.x{display:none}}",
        "@media print{.x{display:none}}",
        "@media (prefers-color-scheme:dark){.x{color:#fff}}",
        ".x:hover{display:none}",
        ".x{display:none} .x{display:block}",
        ".other{display:none}",
        ".x{background:#000;color:#fff}",
        "@font-face{font-family:x}",
        "p:::{display:none}",
    ],
)
def test_a_style_sheet_that_does_not(sheet: str) -> None:
    assert read_html(page('<p class="x">seen</p>', sheet)).text == "seen"


def test_an_attribute_goes_before_a_sheet_unless_that_is_important() -> None:
    body = '<p class="x" style="display:block">seen</p>'
    assert read_html(page(body, ".x{display:none}")).text == "seen"
    assert read_html(page(body, ".x{display:none!important}")).text == ""


def test_comments_and_titles_are_told_apart_from_what_is_hidden() -> None:
    hidden, unread, complete = unseen_in_html(
        "<title>one</title><!-- two --><template><b>three</b></template><p hidden>four</p>five"
    )
    assert "three" in hidden + unread
    assert "four" in hidden
    assert "one" in unread
    assert "two" in unread
    assert "five" not in hidden + unread
    assert complete


@pytest.mark.parametrize(
    ("sheet", "body"),
    [
        ("", "<i>x</i>" * 70_000),
        ("", "<div>" * 301 + "<i>x</i>" * 11_000),
        ("".join(f".c{number}{{color:red}}" for number in range(401)), "x"),
        (".c{color:red}" + "/**/" * 60_000, "x"),
        ("*{color:red}" * 400, "<i>x</i>" * 19_000),
    ],
    ids=["many elements", "deep", "many rules", "a large sheet", "many elements that rules style"],
)
def test_a_page_that_is_not_looked_at_in_full_says_so_and_takes_no_time(sheet: str, body: str) -> None:
    source = page(f'{body}<p style="display:none">x</p>', sheet)
    begin = process_time()
    assert not unseen_in_html(source).complete
    assert process_time() - begin < 3  # without a bound it is some ten seconds


def test_a_page_within_the_limits_is_looked_at_in_full() -> None:
    sheet = "".join(f".c{number}{{color:red}}" for number in range(399)) + ".x{display:none}"
    hidden, _, complete = unseen_in_html(page('<p class="x">hidden</p>' + "<i>x</i>" * 15_000, sheet))
    assert (hidden, complete) == ("hidden", True)

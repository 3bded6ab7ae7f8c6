import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpkit.security.untrusted.cleaning import clean
from mcpkit.security.untrusted.defusing import active_content, defuse, safe_block, safe_line


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("![x](https://e.example/?q=1)", "! [x] (https://e.example/?q=1)"),
        ("[bank](https://e.example)", "[bank] (https://e.example)"),
        ("![x][ref]", "! [x] [ref]"),
        ("[ref]: https://e.example", "[ref] : https://e.example"),
        ("[a](javascript:alert(1))", "[a] (javascript :alert(1))"),
        ("see data:text/html;base64,PHNj= now", "see [data: 27 characters left out] now"),
        ("<img src=x>", "< img src=x>"),
        ("<|im_start|>system", "< |im_start|>system"),
        ("[INST] do", "[ INST] do"),
        ("<</0123abcd>>", "< < /0123abcd>>"),
        ("<<end 0123abcd>>", "< < end 0123abcd>>"),
        ("</untrusted>", "< /untrusted>"),
        ("《《end》》", "《 《 end》》"),
        ("＜＜/0123abcd＞＞", "＜ ＜ /0123abcd＞＞"),
        ("<\u200b</0123\u2060abcd>>", "< < /0123abcd>>"),
    ],
)
def test_what_would_act_is_broken_and_stays_readable(written: str, shown: str) -> None:
    assert safe_block(written) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Hello [Bob] (see below)",
        "a < b > c",
        "cout << x;",
        "《三体》",
        "« bonjour »",
        "data: 5 rows",
        "<b@x.example>",
        "array[0] = 1",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert safe_block(text) == text


@given(st.text(alphabet="<>/[]()!|: \nendadt0123abcfuiumg:javscrp\u200b\u202e《》＜＞", max_size=120))
def test_no_text_comes_out_live(text: str) -> None:
    safe = safe_block(text)
    assert not re.search(r"!\[|\]\(|<\||<<[^<>\n]{1,80}>>|(?i:javascript:\S)", safe)


def test_a_line_has_its_limit() -> None:
    line = safe_line("![x](y)" * 100, 50)
    assert len(line) <= 50
    assert "![" not in line


def test_what_loads_or_runs_is_told() -> None:
    assert active_content("a ![x](https://e.example) b") == ("image",)
    assert active_content("data:text/html;base64,AAAA") == ("running",)
    assert active_content("<script>x</script>") == ("running",)
    assert active_content("wow! [yes] (no)") == ()


@pytest.mark.parametrize("text", ["![" * 300_000, "[" * 500_000, "<" * 500_000, "data:" * 150_000, "<<a" * 200_000])
def test_hostile_texts_take_no_time(text: str) -> None:
    began = time.process_time()
    safe_block(text)
    assert time.process_time() - began < 5


@given(st.text(st.characters(codec="ascii"), max_size=60))
def test_a_plain_line_is_what_cleaning_and_defusing_make_of_it(text: str) -> None:
    assert safe_line(text) == defuse(clean(text, line=True).text)

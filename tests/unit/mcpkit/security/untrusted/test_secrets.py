import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpkit.security.untrusted.secrets import CODE_MASK, hide, mask, may_be_code, opens_account


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("Your verification code is 482913.", ""),
        ("482913 is your Google verification code", ""),
        ("Use 482913 to sign in", "Your login code"),
        ("Hi\n\n482913\n\nThis is your one-time passcode.", ""),
        ("인증번호는 [482913] 입니다.", ""),
        ("認証コード：482913 を入力してください", ""),
        ("您的验证码是482913，5分钟内有效", ""),
        ("Ihr Sicherheitscode lautet: 482913", "Einmalcode"),
        ("Votre code de vérification : 482913", ""),
        ("Tu código de verificación es G-482913", ""),
        ("Код подтверждения: 482913", ""),
    ],
)
def test_codes_are_masked(text: str, context: str) -> None:
    masked = mask(text, context=context)
    assert "482913" not in masked.text
    assert CODE_MASK in masked.text
    assert any("482913" in value for value in masked.values)


def test_codes_of_letters_and_groups_are_masked() -> None:
    assert "8F3K2L" not in mask("Your access code:\n\n   8F3K2L\n").text
    assert "482 913" not in mask("Votre code de sécurité : 482 913").text


@pytest.mark.parametrize(
    "text",
    [
        "Order number 48291377 of 2026-03-09, total $1234.56",
        "Confirmation code QX7K2M for your flight NW204",
        "Your code review is at 14:30 in room 4021",
        "Call +82 2 555 1234 about the access code of the building",
        "Account number ending in 97740. We never ask for your PIN.",
        "Invoice no. 20260331; your customer number is 4829133",
        "Your Acme security code expired in 2026.",
        "The ZIP code is 94105",
        "Save $300. Use priority code P062405.",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert mask(text).text == text


TOKEN = "abcdef0123456789abcdef"


@pytest.mark.parametrize(
    "text",
    [
        f"To reset your password: https://acme.example/reset?token={TOKEN}",
        f"Sign in with this magic link: https://acme.example/m/{TOKEN}",
        f"비밀번호를 재설정하세요: https://acme.example/p/{TOKEN}",
        f"https://acme.example/verify-email/{TOKEN}",
    ],
)
def test_links_that_open_an_account_are_masked_and_their_host_stays(text: str) -> None:
    masked = mask(text).text
    assert TOKEN not in masked
    assert "https://acme.example/[link hidden]" in masked


def test_other_links_stay() -> None:
    assert not opens_account("https://shop.example/orders/123456789012?ref=mail20260309abcdef", "View your order")
    assert not opens_account("https://acme.example/login", "Sign in")
    assert opens_account(f"https://click.example/ls?u={TOKEN}", "Reset password")


def test_a_value_is_hidden_wherever_it_stands_as_a_word() -> None:
    assert hide("482913, 482 913 and 14829134", ("482913",)) == f"{CODE_MASK}, {CODE_MASK} and 14829134"


@pytest.mark.parametrize(
    "text", ["code 1" * 80_000, "1" * 400_000, "your code is " * 40_000, "https://" * 60_000, "1 2 " * 100_000]
)
def test_long_texts_take_no_time(text: str) -> None:
    began = time.process_time()
    mask(text)
    assert time.process_time() - began < 6


@given(st.lists(st.text(alphabet="0123456789ABZ-.:/ a코드：。", max_size=14), max_size=4))
def test_several_texts_on_lines_of_their_own_have_what_each_of_them_has(texts: list[str]) -> None:
    assert may_be_code("\n".join(texts)) == any(map(may_be_code, texts))

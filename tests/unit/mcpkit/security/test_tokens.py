import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.tokens import KEY_BYTES, SignedTokens, load_or_create_key

TOKENS = SignedTokens(b"k" * KEY_BYTES)


def refused(token: str, purpose: str = "cursor", tokens: SignedTokens = TOKENS) -> None:
    with pytest.raises(Fault) as caught:
        tokens.open(purpose, token)
    assert caught.value.code is ErrorCode.INVALID_FORMAT


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.integers() | st.text(st.characters(codec="utf-8"))))
def test_what_was_sealed_opens(payload: dict[str, object]) -> None:
    assert TOKENS.open("cursor", TOKENS.seal("cursor", payload)) == payload


def test_a_token_is_short_and_safe_in_a_url() -> None:
    token = TOKENS.seal("cursor", {"a": 1})
    assert len(token) == 31
    assert token.replace("-", "").replace("_", "").isalnum()


def test_every_change_is_noticed() -> None:
    token = TOKENS.seal("cursor", {"after": 12345})
    for place in range(len(token)):
        for letter in "AB-_z9":
            if token[place] != letter:
                refused(token[:place] + letter + token[place + 1 :])
    for changed in (
        token[:-1],
        token + "A",
        token + "=",
        token + "\n",
        " " + token,
        token.swapcase(),
        "",
        "x",
        "é" * 30,
    ):
        refused(changed)
    refused("A" * 1_000_000)


def test_a_token_opens_for_its_purpose_and_key_alone() -> None:
    token = TOKENS.seal("cursor", {"a": 1})
    refused(token, "consent")
    refused(token, tokens=SignedTokens(b"l" * KEY_BYTES))


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        SignedTokens(b"short")


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    key = load_or_create_key(tmp_path)
    assert len(key) == KEY_BYTES
    assert load_or_create_key(tmp_path) == key
    assert [path.name for path in tmp_path.iterdir()] == ["token.key"]
    assert stat.S_IMODE((tmp_path / "token.key").stat().st_mode) == 0o600


def test_processes_that_start_at_once_agree_on_the_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _: load_or_create_key(tmp_path), range(32)))
    assert len(keys) == 1


def test_a_damaged_key_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "token.key").write_bytes(b"short")
    with pytest.raises(Fault, match=r"token\.key") as caught:
        load_or_create_key(tmp_path)
    assert caught.value.code is ErrorCode.CONFIGURATION
    assert str(tmp_path) not in caught.value.message
    assert str(tmp_path / "token.key") in caught.value.told_here

import pytest

from mailquery.sources.discovery.addresses import MailAddress, host_name, mail_address
from mcpkit.errors import ErrorCode, Fault


@pytest.mark.parametrize(
    ("given", "local", "domain"),
    [
        ("ana@example.com", "ana", "example.com"),
        (" Ana.Souza+mail@Example.COM \n", "Ana.Souza+mail", "example.com"),
        ("ana@bücher.example", "ana", "xn--bcher-kva.example"),
        ("지우@메일.한국", "지우", "xn--h32bq4v.xn--3e0b707e"),
        ("ana@straße.example", "ana", "xn--strae-oqa.example"),
        ("ana@Bücher.example.", "ana", "xn--bcher-kva.example"),
        ("ana@localhost", "ana", "localhost"),
    ],
)
def test_an_address_is_taken_apart(given: str, local: str, domain: str) -> None:
    assert mail_address(given) == MailAddress(given.strip(), local, domain)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "ana",
        "@example.com",
        "ana@",
        "ana@@example.com",
        "a@b@example.com",
        "Ana <ana@example.com>",
        "ana souza@example.com",
        "ana@exa mple.com",
        "ana@example..com",
        "ana@-example.com",
        "ana@[127.0.0.1]",
        "ana@example.com/x",
        "ana@example.com\x1b[31m",
        "ana\u202e@example.com",
        f"{'a' * 65}@example.com",
        f"ana@{'a' * 64}.com",
        f"ana@{'é' * 70}.com",
        "ana@xn--\u00e9.com",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it_as_our_own_words(given: str) -> None:
    with pytest.raises(Fault) as caught:
        mail_address(given)
    assert caught.value.code is ErrorCode.VALIDATION_ERROR
    assert caught.value.others == given[:100]  # which are shown as others' words


@pytest.mark.parametrize("given", ["", ".", "a..b", "a b", "-a", "a:b", "a/b", "é\u2028b"])
def test_what_is_no_name_of_a_host(given: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which library says so is no matter
        host_name(given)

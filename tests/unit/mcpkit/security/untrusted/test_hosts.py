import pytest

from mcpkit.security.untrusted import hosts


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://www.bank.example/x", "www.bank.example"),
        ("https://www.paypal.com@evil.example/", "evil.example"),
        ("HTTPS://EVIL.example:8080", "evil.example"),
        ("https://xn--mller-kva.example/", "müller.example"),
        ("https:evil.example", "evil.example"),
        ("nothing", ""),
    ],
)
def test_where_an_address_leads(url: str, host: str) -> None:
    assert hosts.host_of(url) == host


@pytest.mark.parametrize("host", ["pаypal.com", "gοοgle.com", "аррle.com"])
def test_scripts_that_no_language_mixes(host: str) -> None:
    assert hosts.mixes_scripts(host)
    assert hosts.written(host).startswith("xn--")


@pytest.mark.parametrize(
    "host", ["müller.de", "пример.рф", "한국.kr", "東京タワー.jp", "日本abc.jp", "例子.cn", "plain.example"]
)
def test_names_of_one_language_are_no_deception(host: str) -> None:
    assert not hosts.mixes_scripts(host)
    assert not hosts.imitates_latin(host)
    assert hosts.written(host) == host


def test_a_name_of_another_script_that_looks_latin() -> None:
    assert hosts.imitates_latin("xn--80ak6aa92e.com")
    assert hosts.written("аррӏе.com") == "xn--80ak6aa92e.com"


@pytest.mark.parametrize(
    ("one", "other"), [("paypa1.com", "paypal.com"), ("rnicrosoft.com", "microsoft.com"), ("g00gle.com", "google.com")]
)
def test_names_that_are_mistaken_for_each_other(one: str, other: str) -> None:
    assert hosts.skeleton(one) == hosts.skeleton(other)
    assert other in hosts.look_alikes(one)


def test_names_that_are_not() -> None:
    assert hosts.skeleton("acme.example") != hosts.skeleton("acne.example")


def test_the_registered_part() -> None:
    assert [hosts.site(host) for host in ("a.b.example.com", "shop.example.co.uk", "x.or.kr")] == [
        "example.com",
        "example.co.uk",
        "x.or.kr",
    ]

import pytest

from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.policy import NO_POLICY, Facts, HeaderRule, HeaderTest, Place, Policy, compile_pattern

INBOX = Place("home", "INBOX", MailboxRole.INBOX)


def facts(
    *,
    senders: tuple[str, ...] = ("ana@acme.example",),
    others: tuple[str, ...] = ("bo@home.example",),
    date: int = 1_000,
    places: tuple[Place, ...] = (INBOX,),
    headers: tuple[tuple[str, str], ...] = (),
) -> Facts:
    return Facts(senders, others, date, places, lambda: headers)


def test_no_rule_withholds_nothing_and_has_no_fingerprint() -> None:
    assert not NO_POLICY.withholds(facts())
    assert NO_POLICY.fingerprint == ""
    assert Policy(attachment_types=("pdf",)).fingerprint == ""


def test_a_fingerprint_tells_rules_apart() -> None:
    policies = [
        Policy(senders=("a@x.example",)),
        Policy(domains=("a@x.example",)),
        Policy(date_floor=0),
        Policy(headers=(HeaderRule("X", HeaderTest.EXACT, "1"),)),
        Policy(headers=(HeaderRule("X", HeaderTest.CONTAINS, "1"),)),
    ]
    assert len({policy.fingerprint for policy in policies}) == len(policies)
    assert Policy(senders=("a@x.example",)).fingerprint == policies[0].fingerprint


@pytest.mark.parametrize(
    ("address", "covered"),
    [
        ("ana@acme.example", True),
        ("ana@ACME.example", True),
        ("ana@mail.acme.example", True),
        ("ana@acme.example.", True),
        ("ana@" + "x." * 600 + "acme.example", True),
        ("ana@notacme.example", False),
        ("ana@acme.example.org", False),
        ("acme.example", False),
        ("shop@bücher.example", True),
        ("shop@xn--bcher-kva.example", True),
        ("shop@bucher.example", False),
    ],
)
def test_a_domain_covers_itself_and_those_below_it_in_every_role(address: str, covered: bool) -> None:
    policy = Policy(domains=("acme.example", "bücher.example"))
    assert policy.withholds(facts(senders=(address,))) is covered
    assert policy.withholds(facts(senders=(), others=(address,))) is covered


def test_a_sender_is_one_address_whatever_its_case_and_no_recipient() -> None:
    policy = Policy(senders=("Ana@acme.example",))
    assert policy.withholds(facts(senders=("ANA@acme.example",)))
    assert not policy.withholds(facts(senders=("joanna@acme.example",), others=("ana@acme.example",)))


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        ("Private", True),
        ("private", True),
        ("Work/Private", True),
        ("Private/2026/March", True),
        ("Work/Private/2026", True),
        ("Privately", False),
        ("Work/Unprivate", False),
    ],
)
def test_a_mailbox_is_named_as_in_a_query_and_covers_what_lies_below(name: str, covered: bool) -> None:
    policy = Policy(mailboxes=("private",))
    assert policy.withholds(facts(places=(INBOX, Place("home", name, MailboxRole.NONE)))) is covered


def test_a_mailbox_is_named_by_its_role_too() -> None:
    assert Policy(mailboxes=("trash",)).withholds(facts(places=(Place("home", "Papierkorb", MailboxRole.TRASH),)))


def test_an_account_covers_what_lies_in_another_one_too() -> None:
    policy = Policy(accounts=("Work",))
    assert policy.withholds(facts(places=(INBOX, Place("work", "INBOX", MailboxRole.INBOX))))
    assert not policy.withholds(facts())


def test_the_date_floor_is_the_first_second_that_is_shown() -> None:
    assert not Policy(date_floor=1_000).withholds(facts())
    assert Policy(date_floor=1_001).withholds(facts())


@pytest.mark.parametrize(
    ("test", "value", "covered"),
    [
        (HeaderTest.EXACT, "top secret", True),
        (HeaderTest.EXACT, "secret", False),
        (HeaderTest.CONTAINS, "SECRET", True),
        (HeaderTest.CONTAINS, "public", False),
        (HeaderTest.REGEX, "^Top", True),
        (HeaderTest.REGEX, "^top", False),
        (HeaderTest.REGEX, "(?i)^top", True),
    ],
)
def test_a_header_rule_looks_at_every_field_of_its_name(test: HeaderTest, value: str, covered: bool) -> None:
    policy = Policy(headers=(HeaderRule("x-class", test, value),))
    assert policy.withholds(facts(headers=(("X-Class", "none"), ("X-Class", "Top Secret")))) is covered
    assert not policy.withholds(facts(headers=(("X-Other", "Top Secret"),)))


@pytest.mark.timeout(10)
def test_no_value_makes_a_pattern_slow() -> None:
    rule = HeaderRule("X", HeaderTest.REGEX, "^(a+)+$")
    assert not rule.covers("X", "a" * 200_000 + "!")


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(?<=a)b", "[z-a]"])
def test_what_is_no_pattern_of_linear_time_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("content_type", "filename", "withheld"),
    [
        ("application/zip", "x", True),
        ("application/octet-stream", "x.ZIP", True),
        ("text/plain", "x.zip", True),
        ("IMAGE/PNG", "x", True),
        ("application/x-msdownload", "x", True),
        ("application/pdf", "x.pdf", False),
    ],
)
def test_attachment_types_are_kinds_types_and_families(content_type: str, filename: str, withheld: bool) -> None:
    policy = Policy(attachment_types=("archive", "image/*", "application/x-msdownload"))
    assert policy.withholds_content(content_type, filename) is withheld

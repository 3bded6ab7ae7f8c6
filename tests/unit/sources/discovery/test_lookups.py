import time
from collections.abc import Callable

import pytest

from mailquery.domain.accounts import Security, Server
from mailquery.sources.discovery.lookups import Lookups, NoAnswer, Services
from support.dns_server import DnsServer

IMAPS, IMAP = ("_imaps._tcp.example.com", "SRV"), ("_imap._tcp.example.com", "SRV")


def lookups(dns: DnsServer, chance: Callable[[], float] = lambda: 0.0) -> Lookups:
    return Lookups((dns.address,), timeout=1.0, chance=chance)


async def test_services_come_by_priority_and_weight_with_encryption_from_the_first_byte_first(dns: DnsServer) -> None:
    dns.records = {
        IMAPS: ["20 0 993 late.example.com.", "10 0 993 light.example.com.", "10 60 9930 heavy.example.com."],
        IMAP: ["10 5 143 plain.example.com.", "0 1 143 first.example.com."],
    }
    assert (await lookups(dns, lambda: 0.5).services("example.com")).servers == (
        Server("first.example.com", 143, Security.STARTTLS),
        Server("heavy.example.com", 9930),
        Server("light.example.com", 993),
        Server("plain.example.com", 143, Security.STARTTLS),
        Server("late.example.com", 993),
    )


async def test_a_record_of_weight_0_is_chosen_by_chance_too(dns: DnsServer) -> None:
    dns.records = {IMAPS: ["10 60 993 heavy.example.com.", "10 0 993 light.example.com."]}
    found = await lookups(dns, lambda: 0.0).services("example.com")
    assert found.servers[0].host == "light.example.com"


async def test_a_domain_that_says_that_it_has_none_is_told_from_one_that_says_nothing(dns: DnsServer) -> None:
    dns.records = {IMAPS: ["0 0 0 ."], IMAP: ["0 0 0 ."]}
    assert await lookups(dns).services("example.com") == Services((), none=True)
    dns.records = {}
    assert await lookups(dns).services("example.com") == Services(())


async def test_what_is_not_offered_with_encryption_may_be_offered_with_starttls(dns: DnsServer) -> None:
    dns.records = {IMAPS: ["0 0 0 ."], IMAP: ["0 0 143 imap.example.com."]}
    found = await lookups(dns).services("example.com")
    assert found == Services((Server("imap.example.com", 143, Security.STARTTLS),))


async def test_records_that_name_no_host_or_port_are_passed_over(dns: DnsServer) -> None:
    dns.records = {IMAPS: ["0 0 0 imap.example.com.", "0 0 993 a\\032b.example.com.", "5 0 993 good.example.com."]}
    assert (await lookups(dns).services("example.com")).servers == (Server("good.example.com", 993),)


async def test_the_first_servers_of_very_many_are_taken(dns: DnsServer) -> None:
    dns.records = {IMAPS: [f"0 0 993 a{number}.example.com." for number in range(20)]}
    assert len((await lookups(dns).services("example.com")).servers) == 16


async def test_mail_exchangers_come_by_preference(dns: DnsServer) -> None:
    dns.records = {("example.com", "MX"): ["20 b.example.com.", "5 A.Example.com."]}
    assert await lookups(dns).mail_exchangers("example.com") == ("a.example.com", "b.example.com")


async def test_a_server_that_does_not_answer_is_waited_for_as_long_as_was_said(dns: DnsServer) -> None:
    dns.silent = {"example.com"}
    began = time.monotonic()
    with pytest.raises(NoAnswer, match="does not answer"):
        await lookups(dns).services("example.com")
    assert time.monotonic() - began < 5.0


async def test_a_server_that_refuses_is_no_answer(dns: DnsServer) -> None:
    dns.refuses = True
    with pytest.raises(NoAnswer):
        await lookups(dns).mail_exchangers("example.com")


@pytest.mark.parametrize("given", ["dns.example.com", "127.0.0.1#port", ""])
def test_what_is_no_address_of_a_name_server_is_refused(given: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the standard library says it
        Lookups((given,), timeout=1.0)

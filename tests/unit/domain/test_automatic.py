import pytest

from mailquery.domain.automatic import is_automatic_answer, is_automatic_sender, is_bulk


@pytest.mark.parametrize(
    "local", ["no-reply", "noreply", "do_not_reply", "shop.noreply", "MAILER-DAEMON", "bounces-17", "notifications+ab"]
)
def test_programs_are_known_by_their_addresses(local: str) -> None:
    assert is_automatic_sender(f"{local}@x.example")


@pytest.mark.parametrize("local", ["ana", "info", "norbert.reply", "rooter", "a" * 5_000 + "-noreply"])
def test_people_are_not_taken_for_programs(local: str) -> None:
    assert not is_automatic_sender(f"{local}@x.example")


def test_automatic_answers_are_known_by_their_subjects() -> None:
    assert is_automatic_answer("Automatic reply: Offer")
    assert is_automatic_answer("자동 회신: 견적")
    assert not is_automatic_answer("Re: Automatic reply to customers")


def test_bulk_mail_says_so_in_its_header() -> None:
    assert is_bulk([("List-Unsubscribe", "<mailto:x@x>")])
    assert is_bulk([("Auto-Submitted", "auto-replied")])
    assert is_bulk([("precedence", "Bulk")])
    assert not is_bulk([("Auto-Submitted", "no"), ("Subject", "bulk"), ("Precedence", "first-class")])

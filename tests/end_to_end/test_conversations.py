"""mailquery response-times and mailquery awaiting, on an archive with conversations in it."""

from pathlib import Path

import pytest

from end_to_end.conftest import Archives, CommandLine, write_mbox

ADA, BEN = "Ada Example <ada@example.org>", "Ben Sample <ben@example.com>"


def _letter(name: str, sender: str, to: str, when: str, subject: str, text: str, after: str = "") -> bytes:
    reply = f"In-Reply-To: <{after}@example.org>\n" if after else ""
    return (
        f"From: {sender}\nTo: {to}\nSubject: {subject}\nDate: {when} +0000\nMessage-ID: <{name}@example.org>\n{reply}"
        f"\n{text}\n"
    ).encode()


@pytest.fixture
def bens(mailquery: CommandLine, tmp_path: Path, archives: Archives) -> CommandLine:
    """Ben's archive: he answered Ada after one hour and after three, and owes her one answer."""
    letters = [
        _letter("a", ADA, BEN, "Mon, 02 Mar 2026 10:00:00", "Boats", "Which boats leave today?"),
        _letter("b", BEN, ADA, "Mon, 02 Mar 2026 11:00:00", "Re: Boats", "Both of them.", "a"),
        _letter("c", ADA, BEN, "Tue, 03 Mar 2026 10:00:00", "Harbour", "Is the harbour open?"),
        _letter("d", BEN, ADA, "Tue, 03 Mar 2026 13:00:00", "Re: Harbour", "It is.", "c"),
        _letter("e", ADA, BEN, "Wed, 04 Mar 2026 10:00:00", "Offer", "Can you send the offer?"),
        _letter("f", BEN, ADA, "Thu, 05 Mar 2026 10:00:00", "Keys", "Where did you put the keys?"),
    ]

    def fill(mailquery: CommandLine) -> None:
        done = mailquery("import", write_mbox(tmp_path / "ben.mbox", letters), "--no-embed")
        assert done.code == 0, done.err

    archives.give(mailquery, "ben", fill)
    mailquery.environment["MAILQUERY_ME"] = "ben@example.com"
    return mailquery


def test_response_times_are_told_of_each_person(bens: CommandLine) -> None:
    found = bens("response-times", "--json").json
    assert found["ours"] == ["ben@example.com"]
    assert (found["we_answer"]["answers"], found["they_answer"]) == (2, None)
    (ada,) = found["people"]
    assert ada["address"] == "ada@example.org"
    assert [answer["seconds"] for answer in ada["we_answer"]["slowest"]] == [3 * 3600, 3600]
    assert ada["we_answer"]["fastest"]["seconds"] == 3600
    question = ada["we_answer"]["fastest"]["question"]
    assert "Which boats leave today?" in bens("show", question).text
    shown = bens("response-times")
    assert (shown.code, "ada@example.org" in shown.text) == (0, True)
    assert "1 of 1 person, for ben@example.com" in shown.err


def test_response_times_keep_to_the_query_and_the_limit(bens: CommandLine) -> None:
    found = bens("response-times", "--json", "--slowest", "1", "subject:harbour").json
    assert found["we_answer"]["answers"] == 1
    assert [answer["seconds"] for answer in found["people"][0]["we_answer"]["slowest"]] == [3 * 3600]
    assert bens("response-times", "--json", "subject:nothing").json["people"] == []


def test_what_awaits_an_answer_is_told_with_the_side_that_owes_it(bens: CommandLine) -> None:
    found = bens("awaiting", "--json").json
    waiting = {thread["subject"]: (thread["waits_for"], thread["asks"]) for thread in found["threads"]}
    assert waiting["Offer"] == ("us", "Can you send the offer?")
    theirs = {subject for subject, (side, _) in waiting.items() if side == "them"}
    assert (theirs, len(waiting)) == ({"Keys", "Re: Harbour", "Re: Boats"}, 4)  # the last word there is ours
    assert found["cursor"] is None
    shown = bens("awaiting")
    assert (shown.code, "Can you send the offer?" in shown.text) == (0, True)
    assert "4 threads" in shown.err


def test_awaiting_keeps_to_a_direction_and_goes_on_behind_a_page(bens: CommandLine) -> None:
    assert [each["subject"] for each in bens("awaiting", "--json", "--direction", "us").json["threads"]] == ["Offer"]
    first = bens("awaiting", "--json", "--limit", "3").json
    rest = bens("awaiting", "--json", "--limit", "3", "--cursor", first["cursor"]).json
    pages = [[each["subject"] for each in page["threads"]] for page in (first, rest)]
    assert pages == [["Keys", "Offer", "Re: Harbour"], ["Re: Boats"]]
    assert rest["cursor"] is None


def test_whose_mail_it_is_must_be_known(bens: CommandLine) -> None:
    for command in ("response-times", "awaiting"):
        done = bens(command, MAILQUERY_ME="")
        assert done.code != 0
        assert "MAILQUERY_ME=" in done.err

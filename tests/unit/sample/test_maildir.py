"""The sample mailbox: the same each time, readable by anybody, with the answers that its first users ask for."""

import mailbox
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from mailquery.sample import write_maildir
from mailquery.sample.maildir import letters


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sample") / "Maildir"
    write_maildir(place)
    return place


@pytest.fixture(scope="module")
def messages(folder: Path) -> list[EmailMessage]:
    return [message_from_bytes(raw, policy=default) for raw in files_below(folder).values()]


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def saying(messages: list[EmailMessage], words: str) -> Iterator[EmailMessage]:
    return (message for message in messages if words in text_of(message))


def test_the_same_bytes_are_written_each_time(folder: Path, tmp_path: Path) -> None:
    count = write_maildir(tmp_path / "again")
    again = files_below(tmp_path / "again")
    assert again == files_below(folder)
    assert len(again) == count


def test_a_folder_that_holds_a_mailbox_is_not_written_over(folder: Path) -> None:
    before = files_below(folder)
    with pytest.raises(FileExistsError):
        write_maildir(folder)
    assert files_below(folder) == before


def test_it_is_a_maildir_with_folders_and_flags(folder: Path) -> None:
    box = mailbox.Maildir(folder, create=False)
    assert sorted(box.list_folders()) == ["Archive", "Receipts", "Sent"]
    flags = Counter(letter for message in box for letter in message.get_flags())
    assert flags["S"] > 50
    assert flags["R"] > 20
    assert flags["F"] >= 1
    assert any(message.get_subdir() == "new" for message in box)


def test_every_message_parses_without_defects_and_has_an_id_of_its_own(messages: list[EmailMessage]) -> None:
    assert [message["Subject"] for message in messages if any(part.defects for part in message.walk())] == []
    assert len({message["Message-ID"] for message in messages}) == len(messages)


def test_it_spans_eighteen_months(messages: list[EmailMessage]) -> None:
    dates = [parsedate_to_datetime(message["Date"]) for message in messages]
    assert timedelta(days=500) < max(dates) - min(dates) < timedelta(days=560)


def test_replies_come_after_what_they_answer_and_quote_it() -> None:
    replies = [letter for letter in letters() if letter.answers is not None]
    assert len(replies) > 50
    assert [reply.subject for reply in replies if reply.answers is not None and reply.at <= reply.answers.at] == []


def test_text_is_readable_in_every_language_and_in_old_charsets(messages: list[EmailMessage]) -> None:
    for words, charset in (
        ("우전 200kg을", "euc-kr"),
        ("玉露のサンプル", "iso-2022-jp"),
        ("增值税发票", "gb2312"),
        ("นัดประชุม", "tis-620"),
        ("Mit freundlichen Grüßen", "iso-8859-1"),
        ("nos clients en redemandent", "iso-8859-1"),
        ("미역국", "utf-8"),
    ):
        found = list(saying(messages, words)) or [m for m in messages if words in str(m["Subject"])]
        assert charset in {part.get_content_charset() for message in found for part in message.walk()}, words


def test_the_newest_word_on_the_flight_is_when_it_leaves(messages: list[EmailMessage]) -> None:
    booking = [message for message in messages if "QX7K2M" in message["Subject"] and "nordwind" in message["From"]]
    newest = max(booking, key=lambda message: parsedate_to_datetime(message["Date"]))
    assert "leaves on Thursday 3 December 2026 at 13:40" in text_of(newest)


def test_exactly_one_freight_invoice_is_unpaid(messages: list[EmailMessage]) -> None:
    subjects = [str(message["Subject"]) for message in messages]
    billed = {subject.split()[1] for subject in subjects if subject.startswith("Rechnung NL-")}
    paid = {subject.split()[-1] for subject in subjects if subject.startswith("Zahlungseingang")}
    assert billed - paid == {"NL-2026-1047"}
    assert [m["Subject"] for m in saying(messages, "this invoice is unpaid")] == [
        "Zahlungserinnerung: Rechnung NL-2026-1047 ist noch offen"
    ]


def test_the_agreement_with_kim_is_from_march(messages: list[EmailMessage]) -> None:
    agreed = [message for message in saying(messages, "38 EUR per kilo") if "kim" in str(message["To"]).lower()]
    assert {parsedate_to_datetime(message["Date"]).strftime("%Y-%m") for message in agreed} == {"2026-03"}


def test_attachments_are_real_files(messages: list[EmailMessage]) -> None:
    files = [part for message in messages for part in message.iter_attachments()]
    assert {part.get_content_type() for part in files} == {
        "application/pdf",
        "image/png",
        "text/calendar",
        "text/plain",
    }
    for part in files:
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_content_type() == "application/pdf":
            start = int(content.rsplit(b"startxref\n", 1)[1].split()[0])
            assert content[start:].startswith(b"xref")
            first = int(content[start:].splitlines()[3].split()[0])
            assert content[first:].startswith(b"1 0 obj")
        elif part.get_content_type() == "image/png":
            data = content[content.index(b"IDAT") + 4 :]
            assert len(zlib.decompressobj().decompress(data)) == 40 * (8 * 3 * 3 + 1)
        elif part.get_content_type() == "text/calendar":
            assert content.startswith(b"BEGIN:VCALENDAR\r\n")

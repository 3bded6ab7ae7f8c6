"""The synthetic archive: the same bytes from the same seed, streamed, well-formed, and its truth is true."""

import mailbox
import unicodedata
from collections import Counter
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from itertools import islice
from pathlib import Path

import pytest

from mailbench.archive import BLOCK, MAILBOXES, Plan, SyntheticMessage, write_maildir
from mailbench.vocabulary import LANGUAGES, TERMS

PLAN = Plan(1_100, seed=5)

# What the bytes of a part really are, by its label: mail of these charsets holds their supersets.
CODECS = {label: codec for language in LANGUAGES for label, codec, _ in language.charsets}


@pytest.fixture(scope="module")
def made() -> list[SyntheticMessage]:
    return [message for number in PLAN.blocks() for message in PLAN.block(number)]


def decoded(part: Message) -> str:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode(CODECS[str(part.get_content_charset())])


def visible_text(message: Message) -> str:
    """Subject and body as the standard library reads them, without quotation marks at the line starts."""
    (body, *_) = [p for p in message.walk() if p.get_content_maintype() == "text" and p.get_filename() is None]
    subject = "".join(
        text.decode(CODECS[charset or "us-ascii"]) if isinstance(text, bytes) else text
        for text, charset in decode_header(str(message["Subject"]))
    )
    return subject + "\n" + decoded(body)


def test_the_same_seed_gives_the_same_messages(made: list[SyntheticMessage]) -> None:
    assert [m for number in PLAN.blocks() for m in Plan(1_100, seed=5).block(number)] == made


def test_another_seed_gives_other_messages(made: list[SyntheticMessage]) -> None:
    other = next(Plan(1_100, seed=6).block(0))
    assert other.raw != made[0].raw


def test_a_block_is_made_without_those_before_it(made: list[SyntheticMessage]) -> None:
    assert list(PLAN.block(2)) == made[2 * BLOCK : 3 * BLOCK]


def test_messages_are_made_one_at_a_time() -> None:
    first = list(islice(Plan(10_000_000).block(39_999), 2))
    assert len(first) == 2


def test_there_are_as_many_as_asked_for_and_every_one_has_an_id(made: list[SyntheticMessage]) -> None:
    assert len(made) == 1_100
    assert len({message_from_bytes(m.raw)["Message-ID"] for m in made}) == 1_100


def test_every_message_parses_and_its_text_comes_back(made: list[SyntheticMessage]) -> None:
    for one in made:
        message = message_from_bytes(one.raw)
        assert [part.defects for part in message.walk() if part.defects] == []
        text = visible_text(message)
        for line in one.text.splitlines()[1:4]:
            assert line.strip() in unescaped(text)


def unescaped(text: str) -> str:
    return text.replace("&#x27;", "'").replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">")


def test_every_header_decodes(made: list[SyntheticMessage]) -> None:
    for one in made[:300]:
        for value in message_from_bytes(one.raw).values():
            for text, charset in decode_header(value):
                if isinstance(text, bytes) and charset in CODECS:
                    assert "\ufffd" not in text.decode(CODECS[charset])
                elif charset is not None:
                    assert str(make_header([(text, charset)]))


def test_the_truth_is_what_the_standard_library_reads(tmp_path: Path) -> None:
    written = write_maildir(PLAN, tmp_path / "Maildir", processes=1)
    counted: Counter[str] = Counter(dict.fromkeys(TERMS, 0))
    for path in (tmp_path / "Maildir").rglob("*.mailbench*"):
        text = visible_text(message_from_bytes(path.read_bytes()))
        counted.update(term for term in TERMS if term in text)
    assert written.truth == dict(counted)
    assert written.truth["회의"] > 50
    assert set(written.truth) == set(TERMS)


def test_the_shares_of_kinds_are_those_of_real_mail(made: list[SyntheticMessage]) -> None:
    kinds: Counter[str] = Counter()
    for one in made:
        message = message_from_bytes(one.raw)
        attached = any(part.get_content_disposition() == "attachment" for part in message.walk())
        kinds["attached" if attached else message.get_content_type()] += 1
    share = {kind: count / len(made) for kind, count in kinds.items()}
    assert share["text/plain"] == pytest.approx(0.46, abs=0.06)
    assert share["multipart/alternative"] == pytest.approx(0.40, abs=0.06)
    assert share["attached"] == pytest.approx(0.09, abs=0.04)
    assert share["text/html"] == pytest.approx(0.05, abs=0.03)


def test_threads_have_a_few_messages_each(made: list[SyntheticMessage]) -> None:
    opened = sum("In-Reply-To" not in message_from_bytes(one.raw) for one in made)
    assert len(made) / opened == pytest.approx(3.3, abs=0.5)


def test_a_maildir_has_folders_and_flags(tmp_path: Path) -> None:
    plan = Plan(600, seed=9)
    written = write_maildir(plan, tmp_path / "Maildir", processes=2)
    box = mailbox.Maildir(tmp_path / "Maildir", create=False)
    assert {*box.list_folders(), "INBOX"} == set(MAILBOXES)
    folders = [box, *(box.get_folder(name) for name in box.list_folders())]
    stored = {message.as_bytes() for folder in folders for message in folder}
    assert len(stored) == written.messages == 600
    flags = Counter(flag for folder in folders for message in folder for flag in message.get_flags())
    assert flags["S"] > 400
    assert {"R", "F"} < set(flags)
    assert sum(len(m.raw) for number in plan.blocks() for m in plan.block(number)) == written.bytes


def test_processes_do_not_change_what_is_written(tmp_path: Path) -> None:
    plan = Plan(600, seed=9)
    folders = [tmp_path / "alone", tmp_path / "together"]
    alone, together = (write_maildir(plan, folder, processes) for processes, folder in enumerate(folders, 1))
    assert alone == together
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in folders
    )
    assert first == second


def test_text_is_composed_so_that_substring_truth_is_unambiguous(made: list[SyntheticMessage]) -> None:
    assert all(unicodedata.is_normalized("NFC", one.text) for one in made)

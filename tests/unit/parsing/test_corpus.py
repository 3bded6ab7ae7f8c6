"""Thousands of real messages, with the standard library's parser as the judge where it can be trusted."""

import mailbox
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import cast

import pytest

from mailquery.domain.messages import DateSource
from mailquery.parsing.message import parse_message
from mailquery.parsing.structure import read_structure
from unit.parsing.messages import NOW
from unit.parsing.test_any_bytes import check

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="the real mail lies outside the project, at ../shared/corpus"),
]


def real_messages() -> Iterator[bytes]:
    for path in sorted((CORPUS / "easy-ham").glob("*.eml")):
        yield path.read_bytes()
    box = mailbox.mbox(CORPUS / "easy-ham-2.mbox")
    try:
        for key in box.iterkeys():
            yield box.get_bytes(key)
    finally:
        box.close()


def test_every_message_can_be_read() -> None:
    count = without_text = without_date = 0
    for raw in real_messages():
        message = check(raw)
        count += 1
        without_text += not message.body.text.strip()
        without_date += message.date_source is not DateSource.DATE
        assert message.from_
        assert message.message_id
    assert count == 3_900
    assert without_text <= count // 200
    assert without_date <= count // 100


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", re.sub("[\x00-\x08\x0e-\x1f\x7f\ufffd]", "", text))


def test_the_standard_library_agrees() -> None:
    """Its structure for all; subject, addresses, date and text wherever it raises nothing and sees no defect."""
    compared = 0
    for index, raw in enumerate(real_messages()):
        theirs = message_from_bytes(raw, policy=policy.default)
        structure = read_structure(raw)
        if not structure.faults and not structure.truncated:
            ours = [part.content_type for part in structure.root.leaves()]
            assert ours == _types(theirs), index
        if index % 4 or theirs.defects or not raw.isascii():
            continue
        message = parse_message(raw, source_date=None, now=NOW)
        compared += 1
        assert message.subject == " ".join(str(theirs["subject"] or "").split()), index
        if message.date_source is DateSource.DATE and theirs["date"].datetime is not None:
            assert message.date.timestamp() == theirs["date"].datetime.timestamp(), index
        sender = theirs["from"]
        if sender is not None and not sender.defects and len(sender.addresses) == 1:
            assert message.from_[0].address.lower() == sender.addresses[0].addr_spec.lower(), index
        flowed = structure.root.parameters.get("format", "").lower() == "flowed"
        if theirs.get_content_type() == "text/plain" and not flowed and not message.body.from_html:
            assert _words(message.body.text) == _words(theirs.get_content()), index
    assert compared > 500


def _types(message: EmailMessage) -> list[str]:
    """The types of the leaves; a nested message is one leaf."""
    if message.get_content_maintype() != "multipart":
        return [message.get_content_type()]
    return [kind for part in message.iter_parts() for kind in _types(cast(EmailMessage, part))]

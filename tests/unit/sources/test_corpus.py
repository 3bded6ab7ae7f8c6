"""The real mail, against a splitter that is written as plainly as can be."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mailquery.sources.interfaces import SourceMessage, UnreadablePlace

Read = Callable[..., tuple[list[SourceMessage], list[UnreadablePlace]]]

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the real mail is not at {CORPUS}"),
]


def test_the_folder(read: Read) -> None:
    messages, problems = read(CORPUS / "easy-ham")
    assert (len(messages), problems) == (2500, [])
    files = sorted((CORPUS / "easy-ham").iterdir())
    assert all(m.raw == path.read_bytes() for m, path in zip(messages, files, strict=True))


def test_the_mbox(read: Read) -> None:
    messages, problems = read(CORPUS / "easy-ham-2.mbox", format="mboxo")
    assert (len(messages), problems) == (1400, [])
    expected: list[bytes] = []
    before = b"\n"
    for line in (CORPUS / "easy-ham-2.mbox").read_bytes().splitlines(keepends=True):
        if line.startswith(b"From ") and before == b"\n":
            expected.append(b"")
        else:
            expected[-1] += line[1:] if line.startswith(b">From ") else line
        before = line
    assert [m.raw for m in messages] == [raw.removesuffix(b"\n") for raw in expected]

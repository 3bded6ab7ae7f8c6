"""Properties: what any writer of an mbox wrote comes back, and no bytes make a reader fail."""

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailquery.sources.detection import open_sources
from mailquery.sources.interfaces import SourceMessage
from mailquery.sources.splitting import Splitter
from mcpkit.errors import Fault

FROM = b"From a@example.org Mon Mar  1 10:00:00 2021\n"
LINES = st.one_of(
    st.sampled_from(
        [
            b"",
            b"",
            b"From ",
            FROM[:-1],
            b">From x",
            b">>From y",
            b"text",
            b"From: a",
            b"Content-Length: 20",
            b"\r",
            b">",
        ]
    ),
    st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"").replace(b"\0", b"")),
)
BODIES = st.lists(LINES, max_size=12).map(lambda lines: b"".join(line + b"\n" for line in lines))
MESSAGES = st.lists(BODIES.map(lambda body: b"Subject: x\n\n" + body), max_size=6)


def without_counts(raw: bytes) -> bytes:
    return raw.replace(b"Content-Length", b"Content-Something")


def rd(raw: bytes) -> bytes:
    return re.sub(rb"(?m)^(>*From )", rb">\1", raw)


def o(raw: bytes) -> bytes:
    return re.sub(rb"(?m)^From ", rb">From ", raw)


def with_count(raw: bytes) -> bytes:
    head, _, body = raw.partition(b"\n\n")
    return head + b"\nContent-Length: %d\n\n" % len(body) + body


def read_back(data: bytes, form: str | None) -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.mbox"
        path.write_bytes(data)
        return [
            item.raw for source in open_sources(path, format=form) for item in source if isinstance(item, SourceMessage)
        ]


@settings(max_examples=150, deadline=None)
@given(MESSAGES)
@pytest.mark.parametrize("form", [None, "mboxrd"])
def test_mboxrd_comes_back(form: str | None, raws: list[bytes]) -> None:
    raws = [without_counts(raw) for raw in raws]
    assert read_back(b"".join(FROM + rd(raw) + b"\n" for raw in raws), form) == raws


@settings(max_examples=150, deadline=None)
@given(MESSAGES)
def test_mboxo_comes_back_but_for_lines_that_were_quoted_already(raws: list[bytes]) -> None:
    raws = [re.sub(rb"(?m)^>From ", b"> From ", without_counts(raw)) for raw in raws]
    assert read_back(b"".join(FROM + o(raw) + b"\n" for raw in raws), "mboxo") == raws


@settings(max_examples=150, deadline=None)
@given(MESSAGES)
def test_mboxcl_comes_back(raws: list[bytes]) -> None:
    raws = [without_counts(raw) for raw in raws]
    written = [with_count(rd(raw)) for raw in raws]
    assert read_back(b"".join(FROM + w + b"\n" for w in written), "mboxcl") == [
        re.sub(rb"(?m)^>(>*From )", rb"\1", w) for w in written
    ]


@settings(max_examples=150, deadline=None)
@given(MESSAGES)
def test_mboxcl2_comes_back(raws: list[bytes]) -> None:
    written = [with_count(without_counts(raw)) for raw in raws]
    assert read_back(b"".join(FROM + w + b"\n" for w in written), "mboxcl2") == written


class InSteps:
    """A stream that gives a few bytes at a time, to meet every border between two blocks."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data, self._step = data, step

    def read(self, _size: int, /) -> bytes:
        given, self._data = self._data[: self._step], self._data[self._step :]
        return given


@settings(max_examples=150, deadline=None)
@given(MESSAGES, st.integers(1, 60), st.binary(max_size=5))
def test_where_blocks_end_makes_no_difference(raws: list[bytes], step: int, start: bytes) -> None:
    data = start + b"".join(FROM + with_count(raw) + b"\n" for raw in raws)
    for lengths in (False, True):
        whole = list(Splitter(InSteps(data, len(data) + 1), limit=1 << 20, sure_lengths=lengths))
        assert list(Splitter(InSteps(data, step), limit=1 << 20, sure_lengths=lengths)) == whole


FORMATS = st.sampled_from([None, "mbox", "mboxo", "mboxrd", "mboxcl", "mboxcl2", "maildir", "eml", "emlx"])
MAGIC = st.sampled_from(
    [b"", FROM, b"\x1f\x8b\x08", b"PK\x03\x04", b"BZh91AY&SY", b"\xff\xfe", b"12\nFrom: a\n\n", b"X-GM-THRID: 1\n"]
)
NAMES = st.sampled_from(["a", "a.eml", "a.emlx", "a.mbox", "a.gz", "a.zip", "a.partial.emlx", "cur"])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600), MAGIC, NAMES, FORMATS)
def test_any_bytes_are_read_or_refused(data: bytes, magic: bytes, name: str, form: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(magic + data)
        for path in (Path(folder) / name, Path(folder)):
            try:
                sources = open_sources(path, format=form, limit=200)
            except Fault:
                continue
            for source in sources:
                for item in source:
                    assert not isinstance(item, SourceMessage) or len(item.raw) <= 200

"""Reading a path whole, as every test here does."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mailquery.sources.detection import open_sources
from mailquery.sources.interfaces import SourceMessage, UnreadablePlace

Reading = tuple[list[SourceMessage], list[UnreadablePlace]]


@pytest.fixture
def read() -> Callable[..., Reading]:
    def read_all(path: Path, **options: object) -> Reading:
        messages: list[SourceMessage] = []
        unreadable: list[UnreadablePlace] = []
        for source in open_sources(path, **options):  # type: ignore[arg-type]  # passed on as they are
            for item in source:
                if isinstance(item, SourceMessage):
                    messages.append(item)
                else:
                    unreadable.append(item)
            assert 0 <= source.position() <= source.size()
        return messages, unreadable

    return read_all

"""EPUB books (EPUB 3.3): the chapters in the order of the spine."""

import posixpath
from collections.abc import Iterator
from urllib.parse import unquote

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.compressed import open_zip, read_entry
from mailquery.extraction.interfaces import Budget, Damaged, Encrypted, Inner
from mailquery.extraction.markup import Kind, events
from mailquery.parsing.charsets import decode_unlabelled
from mailquery.parsing.html import read_html

_CONTAINER = "META-INF/container.xml"


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del inner
    with open_zip(data) as archive:
        names = set(archive.namelist())
        if _CONTAINER not in names:
            raise Damaged("it does not say where its book is")
        package = next(
            (
                event.attribute("full-path")
                for event in events(read_entry(archive, archive.getinfo(_CONTAINER), budget))
                if event.kind is Kind.BEGINS and event.name == "rootfile"
            ),
            "",
        )
        if package not in names:
            raise Damaged("its book is not where it says")
        chapters = _spine(read_entry(archive, archive.getinfo(package), budget), package, facts)
        for number, name in enumerate(chapters, 1):
            if name in names:
                source = decode_unlabelled(read_entry(archive, archive.getinfo(name), budget)).text
                yield Section(SectionKind.PAGE, str(number), read_html(source).text)
        if "META-INF/rights.xml" in names:
            raise Encrypted("its text is protected against copying")


def _spine(package: bytes, place: str, facts: dict[str, str]) -> list[str]:
    """The chapters' paths."""
    folder = posixpath.dirname(place)
    files: dict[str, str] = {}
    order: list[str] = []
    for event in events(package):
        match event.kind, event.name:
            case Kind.BEGINS, "item":
                target = unquote(event.attribute("href"))
                files[event.attribute("id")] = posixpath.normpath(posixpath.join(folder, target))
            case Kind.BEGINS, "itemref":
                order.append(event.attribute("idref"))
            case Kind.TEXT, "title" | "creator" if event.text.strip():
                facts.setdefault("title" if event.name == "title" else "author", event.text.strip())
    return [files[name] for name in order if name in files]

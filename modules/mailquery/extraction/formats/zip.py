"""ZIP archives (APPNOTE.TXT): their listing, and the text of what is in them."""

from collections.abc import Iterator
from zipfile import ZipInfo

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.compressed import open_zip, read_entry
from mailquery.extraction.interfaces import Budget, Damaged, Encrypted, Inner
from mailquery.extraction.nested import read_inner
from mailquery.parsing.charsets import decode_unlabelled

_UTF8 = 0x800  # the flag that the name is in it


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    with open_zip(data) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        facts["files"] = str(len(entries))
        locked = 0
        for entry in entries:
            budget.entry()
            name = _name(entry)
            try:
                content = read_entry(archive, entry, budget)
            except Encrypted:
                locked += 1
                yield Section(SectionKind.ENTRY, name, f"{name} ({entry.file_size:,} bytes, encrypted)")
            except Damaged:
                yield Section(SectionKind.ENTRY, name, f"{name} ({entry.file_size:,} bytes, damaged)")
            else:
                yield from read_inner(content, name, budget, inner)
    if locked:
        raise Encrypted(f"{locked} of {len(entries)} files in it are protected by a password")


def _name(entry: ZipInfo) -> str:
    """Old programs write names in the charset of their system, without saying which; the library takes it for CP437."""
    if entry.flag_bits & _UTF8:
        return entry.filename
    try:
        return decode_unlabelled(entry.filename.encode("cp437")).text
    except UnicodeEncodeError:
        return entry.filename

"""7z archives, by py7zr."""

import io
from collections.abc import Iterator

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.interfaces import Budget, Damaged, Encrypted, Inner, LimitReached
from mailquery.extraction.nested import read_inner


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    import py7zr
    from py7zr.exceptions import ArchiveError, DecompressionBombError, PasswordRequired
    from py7zr.io import BytesIOFactory

    try:
        with py7zr.SevenZipFile(io.BytesIO(data)) as archive:
            if archive.needs_password():
                raise Encrypted
            listed = [entry for entry in archive.list() if not entry.is_directory]
            facts["files"] = str(len(listed))
            for entry in listed:
                budget.entry()
                budget.expand(0, entry.uncompressed)
            budget.expand(len(data), 0)
            factory = BytesIOFactory(budget.limits.expanded)
            archive.extractall(factory=factory)
    except PasswordRequired as error:  # already for the names of what is in it
        raise Encrypted from error
    except DecompressionBombError as error:
        raise LimitReached("a 7z file may give for its size") from error
    except (ArchiveError, EOFError, ValueError, OSError, NotImplementedError) as error:
        if "password" in str(error).lower():
            raise Encrypted from error
        raise Damaged("it is no whole 7z file") from error
    for entry in listed:
        product = factory.products.get(entry.filename)
        if product is None:
            yield Section(
                SectionKind.ENTRY, entry.filename, f"{entry.filename} ({entry.uncompressed:,} bytes, damaged)"
            )
            continue
        product.seek(0)
        yield from read_inner(product.read(), entry.filename, budget, inner)

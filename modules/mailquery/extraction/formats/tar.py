"""TAR archives (POSIX.1-2017, pax), which hold files as they are."""

import io
import tarfile
from collections.abc import Iterator

from mailquery.domain.extraction import Section
from mailquery.extraction.interfaces import Budget, Damaged, Inner, LimitReached
from mailquery.extraction.nested import read_inner


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    count = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for entry in archive:
                if not entry.isreg():
                    continue  # links and devices have no content of their own
                budget.entry()
                if entry.size > len(data):
                    raise LimitReached("the archive's own size for one file in it")  # a sparse file
                stream = archive.extractfile(entry)
                content = stream.read() if stream is not None else b""
                count += 1
                facts["files"] = str(count)
                yield from read_inner(content, entry.name, budget, inner)
    except (tarfile.TarError, EOFError, ValueError, OSError) as error:
        raise Damaged("it is no whole TAR file") from error

"""Opening the archive."""

from pathlib import Path

from mailquery.domain.stemming import stem
from mailquery.domain.words import is_named_word
from mcpkit.database.migrations import load_migrations
from mcpkit.database.sqlite import READ_TIMEOUT, Database

_PACKAGE = "mailquery.repositories.sqlite"


async def open_archive(path: Path, *, readers: int | None = None, read_timeout: float = READ_TIMEOUT) -> Database:
    """The archive in the file `path`, created where there is none. Raises what `Database.open` raises."""
    return await Database.open(
        path,
        migrations=load_migrations(_PACKAGE),
        functions={"stem": stem, "is_word": is_named_word},
        readers=readers,
        read_timeout=read_timeout,
    )

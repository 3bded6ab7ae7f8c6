"""What an answer that is a page of something larger says of the rest."""

from collections.abc import Callable
from typing import Any, Protocol

from mailquery.repositories.records import Total
from mcpkit.protocol.declarations import Truncated


class Page(Protocol):
    """What the services give: `given_before` counts the rows of earlier pages, `more` says whether any follow."""

    @property
    def total(self) -> Total: ...
    @property
    def given_before(self) -> int: ...
    @property
    def more(self) -> bool: ...
    @property
    def cursor_after(self) -> Callable[[int], str]: ...


def continuation(page: Page, shown: int, rows: int, unit: str, *, besides: int = 0) -> dict[str, Any]:
    """The fields `truncated` and `cursor` where the first `shown` of the page's `rows` are given. `besides` is how many
    rows there are in all that `total` does not count."""
    if shown == rows and not page.more:
        return {"truncated": None, "cursor": None}
    omitted = max(1, page.total.value + besides - page.given_before - shown)
    truncated = Truncated(unit=unit, returned=shown, omitted=omitted, next="pass `cursor`")
    return {"truncated": truncated, "cursor": page.cursor_after(shown)}


def rest_as_text(truncated: Truncated | None, cursor: str | None, *, at_least: bool | None) -> list[str]:
    """The line of text that says the same, if there is anything to say."""
    if truncated is None or cursor is None:
        return []
    return [f"{'at least ' if at_least else ''}{truncated.omitted:,} more: cursor={cursor}"]

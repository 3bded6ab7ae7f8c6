"""What a jailed child does with an attachment (`mcpkit.sandbox.child`)."""

import json
from collections.abc import Iterator
from typing import Any

from mailquery.extraction.budget import Spending
from mailquery.extraction.interfaces import Limits, Scan
from mailquery.extraction.pictures import as_json
from mailquery.extraction.reading import Reading


def work(data: bytes, options: dict[str, Any]) -> Iterator[bytes]:
    """Results are JSON: the type, each section, and at the end what came of it. `options` are the file's `name` and
    its `limits`, as `Limits` has them."""
    budget = Spending(Limits(**options["limits"]))
    reading = Reading(data, options["name"], budget)
    yield _json({"type": reading.type})
    for section in reading:
        shown: dict[str, Any] = {"kind": section.kind.value, "label": section.label}
        shown |= {"text": section.text, "depth": section.depth}
        if isinstance(section, Scan) and section.picture is not None:
            shown["picture"] = as_json(section.picture)
        yield _json(shown)
    came = {"state": reading.state.value, "detail": reading.detail, "facts": reading.shown_facts()}
    yield _json({**came, "pictures_left_out": budget.pictures_left_out})


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")

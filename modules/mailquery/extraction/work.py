"""What a jailed child does with an attachment (`mcpkit.sandbox.child`)."""

import json
from collections.abc import Iterator
from typing import Any

from mailquery.extraction.budget import Spending
from mailquery.extraction.interfaces import Limits
from mailquery.extraction.reading import Reading


def work(data: bytes, options: dict[str, Any]) -> Iterator[bytes]:
    """Results are JSON: the type, each section, and at the end what came of it. `options` are the file's `name` and
    its `limits`, as `Limits` has them."""
    reading = Reading(data, options["name"], Spending(Limits(**options["limits"])))
    yield _json({"type": reading.type})
    for section in reading:
        yield _json({"kind": section.kind.value, "label": section.label, "text": section.text, "depth": section.depth})
    yield _json({"state": reading.state.value, "detail": reading.detail, "facts": reading.shown_facts()})


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")

import json

import pytest

from mailquery.cli.output.plain import safe_json


@pytest.mark.parametrize(
    "text",
    ["\x1b[31m", "\x9b2J", "a\u202egnp.exe", "\u2066x\u2069", "\u200b\ufeff", "\x7f", "tag \U000e0041", "\ud800 alone"],
)
def test_json_holds_no_active_character_and_still_says_the_same(text: str) -> None:
    written = safe_json({"subject": text})
    assert written.isprintable()
    assert json.loads(written) == {"subject": text}


@pytest.mark.parametrize("text", ["계약서", "Größe", "emoji 👩‍👩‍👧", "مرحبا", "line\nfeed"])
def test_json_keeps_every_script_readable(text: str) -> None:
    assert safe_json(text) == json.dumps(text, ensure_ascii=False)

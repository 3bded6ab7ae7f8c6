"""Tables line up whatever stands in them, and JSON is JSON."""

import json
from pathlib import Path

import pytest

from mailbench.report import table, write_json


def test_columns_line_up_for_wide_and_combining_characters() -> None:
    lines = table("T", ("term", "n"), [("회의", 7), ("ที่", 1234), ("plain", None)]).splitlines()[4:]
    assert lines == [
        "-----  -----",
        "회의       7",
        "ที่      1,234",
        "plain      -",
    ]


@pytest.mark.parametrize(("value", "shown"), [(0.0412, "0.0412"), (12.345, "12.3"), (345.6, "346"), (2048.4, "2,048")])
def test_numbers_have_three_digits_that_matter(value: float, shown: str) -> None:
    assert table("T", ("a", "b"), [("x", value)]).splitlines()[-1].split() == ["x", shown]


def test_json_goes_to_a_file_or_to_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"term": "회의"}, "-")
    write_json({"term": "회의"}, str(tmp_path / "out.json"))
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "out.json").read_text("utf-8"))

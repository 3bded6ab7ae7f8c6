"""The table of faults in docs/resilience.md names tests that are there, and has all of the chaos tests."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "resilience.md"
TEST = re.compile(r"`(tests/[\w/.]+\.py)::(\w+)`")


def rows() -> list[list[str]]:
    _, _, table = PAGE.read_text("utf-8").partition("## Faults\n")
    lines = [line for line in table.splitlines() if line.startswith("|")]
    assert lines[0] == "| fault | what holds | test |"
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def found_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name for node in functions if node.name.startswith("test_")}


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:50])
def test_a_fault_has_what_holds_and_tests_that_exist(row: list[str]) -> None:
    fault, holds, tests = row
    assert fault
    assert holds
    named = TEST.findall(tests)
    assert "<br>".join(f"`{path}::{name}`" for path, name in named) == tests
    assert named
    for path, name in named:
        assert name in found_in(ROOT / path), f"{path} has no {name}"


def test_each_chaos_test_is_in_the_table() -> None:
    named = {(ROOT / path, name) for row in rows() for path, name in TEST.findall(row[2])}
    there = {(path, name) for path in (ROOT / "tests" / "chaos").glob("test_*.py") for name in found_in(path)}
    assert there <= named

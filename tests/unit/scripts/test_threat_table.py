"""The table of threats in docs/security.md names a test for each threat, and the test is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "security.md"
TEST = re.compile(r"`(tests/[\w/.]+\.py)::(\w+)`")
LINK = re.compile(r"\]\(([\w/.-]+\.md)\)")
STAGES = {
    "the door",
    "who calls",
    "rate limit",
    "policy",
    "parameters",
    "consent",
    "run",
    "mail",
    "errors",
    "audit",
    "secrets",
}


def rows() -> list[list[str]]:
    _, _, table = PAGE.read_text("utf-8").partition("## Threats\n")
    lines = [line for line in table.splitlines() if line.startswith("|")]
    assert lines[0] == "| at | STRIDE | threat | control | test |"
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@cache
def functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[2][:50])
def test_a_threat_has_a_control_and_tests_that_exist(row: list[str]) -> None:
    stage, letter, threat, control, tests = row
    assert stage in STAGES
    assert letter in tuple("STRIDE")
    assert threat
    assert control
    named = TEST.findall(tests)
    assert ", ".join(f"`{path}::{name}`" for path, name in named) == tests.replace("<br>", ", ")
    assert named
    for path, name in named:
        assert name in functions(path), f"{path} has no {name}"


def test_each_stage_and_each_letter_has_its_threats_and_none_is_there_twice() -> None:
    found = rows()
    assert {row[0] for row in found} == STAGES
    assert {row[1] for row in found} == set("STRIDE")
    assert len({row[2] for row in found}) == len(found)


def test_every_page_of_a_topic_is_linked_to_and_keeps_no_table_of_its_own() -> None:
    linked = {(PAGE.parent / target).resolve() for target in LINK.findall(PAGE.read_text("utf-8"))}
    topics = set((ROOT / "docs" / "security").glob("*.md"))
    assert topics <= linked
    assert all(target.exists() for target in linked)
    assert not [topic.name for topic in topics if "## Threats" in topic.read_text("utf-8")]

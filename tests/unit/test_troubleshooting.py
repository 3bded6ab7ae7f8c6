"""The page on troubleshooting quotes messages as the program writes them."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
QUOTED = sorted(set(re.findall(r'"([^"\n]{10,})"', "\n".join(line for line in PAGE.splitlines() if line[:1] == "|"))))


@pytest.fixture(scope="module")
def written() -> str:
    """Every string of the source, those of one expression together."""
    found: list[str] = []
    for source in (*(ROOT / "modules").rglob("*.py"), *(ROOT / "infra").rglob("*.py")):
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append(
                    "".join(str(each.value) if isinstance(each, ast.Constant) else "\0" for each in node.values)
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


@pytest.mark.parametrize("message", QUOTED)
def test_a_message_that_is_quoted_is_written_so(message: str, written: str) -> None:
    assert message in written

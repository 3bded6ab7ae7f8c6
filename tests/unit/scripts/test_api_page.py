from pathlib import Path
from types import ModuleType

import pytest

from unit.scripts.written import ROOT, program


@pytest.fixture(scope="module")
def page() -> ModuleType:
    return program("api_page")


def test_the_page_on_the_api_is_what_is_declared(page: ModuleType) -> None:
    assert page.main(["--check", str(ROOT / "docs" / "api.md")]) == 0, "run ./scripts/docs"


def test_a_stale_page_is_seen_and_left(page: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stale = tmp_path / "api.md"
    stale.write_text("# The API\n", "utf-8")
    assert page.main(["--check", str(stale)]) == 1
    assert "is not what is declared" in capsys.readouterr().err
    assert stale.read_text("utf-8") == "# The API\n"

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_page_of_providers_is_what_the_code_says() -> None:
    written = subprocess.run(
        [sys.executable, ROOT / "scripts" / "lib" / "provider_table.py"], capture_output=True, text=True, check=True
    )
    assert (ROOT / "docs" / "providers.md").read_text("utf-8") == written.stdout

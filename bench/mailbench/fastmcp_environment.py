"""FastMCP, which is compared and never needed: installed into an environment of its own beside the project's tools."""

import subprocess
import sys
from pathlib import Path

from mailbench.report import say

_VERSION = "4.1.6"
_ROOT = Path(__file__).resolve().parents[2]
_FOLDER = _ROOT / ".tools" / f"fastmcp-{_VERSION}"


def fastmcp_python() -> Path:
    """The Python that has it, which is made on first use. Ends the program where that fails."""
    python = _FOLDER / "bin" / "python"
    complete = _FOLDER / "complete"
    if not complete.exists():
        say(f"installing fastmcp {_VERSION} into .tools ...")
        try:
            script = _ROOT / "scripts" / "lib" / "environment.py"
            uv = subprocess.run(
                [sys.executable, script, "uv"], check=True, capture_output=True, text=True
            ).stdout.strip()
            subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, _FOLDER], check=True)
            subprocess.run([uv, "pip", "install", "--quiet", "--python", python, f"fastmcp=={_VERSION}"], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemExit(
                f"FastMCP could not be installed ({error}). Leave it out: bench/load --peers starlette echo, or "
                "bench/start without --peers"
            ) from error
        complete.touch()
    return python

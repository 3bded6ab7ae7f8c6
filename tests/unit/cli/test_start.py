import subprocess
import sys

HEAVY = ("mcp", "mcp_types", "starlette", "uvicorn", "httpx2", "jwt", "prometheus_client", "throttled", "numpy")


def test_commands_start_without_what_only_a_server_needs() -> None:
    asking = f"import sys, mailquery.cli.app; print([name for name in {HEAVY} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"

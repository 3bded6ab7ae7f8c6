import subprocess
import sys

_LEAN = "from mcpkit.transport.stdio.lean_sdk import import_only_what_is_used; import_only_what_is_used(); import sys\n"


def run(code: str) -> None:
    ended = subprocess.run([sys.executable, "-c", _LEAN + code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_a_server_is_to_be_had_without_the_clients() -> None:
    run("import mcp.server.lowlevel as m; m.Server; assert 'mcp.client.client' not in sys.modules")


def test_whoever_asks_for_a_name_of_the_package_gets_it() -> None:
    run("import mcp.server.lowlevel; import mcp; mcp.ClientSession; from mcp.server import MCPServer; MCPServer('x')")


def test_a_name_that_there_is_not_is_an_attribute_error() -> None:
    run("import mcp\ntry:\n    mcp.nothing_like_it\nexcept AttributeError:\n    pass\nelse:\n    sys.exit(1)")


def test_what_is_imported_already_stays_as_it_is() -> None:
    run("import mcp; first = mcp.Client; import_only_what_is_used(); import mcp as again; assert again.Client is first")

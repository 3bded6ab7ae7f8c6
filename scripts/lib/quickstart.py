"""What `scripts/run` does once the environment is there: an archive, a server, and what to do next."""

import argparse
import errno
import json
import os
import shlex
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from mailquery.sample import write_maildir
from mailquery.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_HOME = ROOT / ".mailquery" / "sample"
SAMPLE_ACCOUNT = "sample"
# Nobody's mail: there is nobody to be asked.
SAMPLE_CONSENT = {
    "MAILQUERY_CONSENT__HTTP": "granted",
    "MAILQUERY_CONSENT__TAINT_HTTP": "false",
    "MAILQUERY_CONSENT__GRANTED_BY": "scripts/run",
    "MAILQUERY_CONSENT__REASON": "the sample mailbox is invented",
}
MAILQUERY = ROOT / ".venv" / "bin" / "mailquery"


def main() -> None:
    options = read_options()
    refuse_taken_port(options.host, options.port)
    settings = load_settings()
    if options.paths:
        home, what = settings.home, "your archive"
        import_into(home, options.paths)
    elif not options.sample and settings.archive_path.exists():
        home, what = settings.home, "your archive"
    else:
        home, what = SAMPLE_HOME, "a sample mailbox; all of its people are invented"
        build_sample(home)
    print(next_steps(home, what, options.host, options.port), flush=True)
    os.environ["MAILQUERY_HOME"] = str(home)
    if home == SAMPLE_HOME:
        os.environ.update(SAMPLE_CONSENT)
    os.execv(MAILQUERY, [str(MAILQUERY), *serve_arguments(options)])


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/run",
        description="Serves MCP over HTTP: your archive, or a sample mailbox as long as you have none.",
        epilog="Your archive is in MAILQUERY_HOME, else in your user data folder; `mailquery config show` says where.",
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="mail to import first: mbox, Maildir, .eml")
    parser.add_argument("--sample", action="store_true", help="the sample mailbox, even if you have an archive")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8765, help="port to listen on (%(default)s)")
    return parser.parse_args()


def serve_arguments(options: argparse.Namespace) -> list[str]:
    return ["serve", "--transport", "http", "--host", options.host, "--port", str(options.port)]


def refuse_taken_port(host: str, port: int) -> None:
    """Before the import, which can take long."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            if getattr(error, "errno", None) == errno.EADDRINUSE:
                sys.exit(
                    f"Port {port} is in use, perhaps by another ./scripts/run. Stop that, or give --port {port + 1}."
                )
            sys.exit(f"Cannot listen on {host} port {port}: {error}.")


def build_sample(home: Path) -> None:
    done = home / "complete"
    if done.exists():
        return
    print("Building the sample archive.", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="mailquery-sample-") as folder:
        write_maildir(Path(folder) / "Maildir")
        import_into(home, [Path(folder) / "Maildir"], "--account", SAMPLE_ACCOUNT)
    done.touch()


def import_into(home: Path, paths: list[Path], *options: str) -> None:
    command = [str(MAILQUERY), "import", *options, "--", *map(str, paths)]
    imported = subprocess.run(command, env={**os.environ, "MAILQUERY_HOME": str(home)}, stdout=sys.stderr)
    if imported.returncode != 0:
        sys.exit(imported.returncode)


def next_steps(home: Path, what: str, host: str, port: int) -> str:
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/mcp"
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "search_messages", "arguments": {"query": "invoice OR flight", "limit": 3}},
    }
    arguments = ["serve", "--transport", "stdio"]
    entry = {"command": str(MAILQUERY), "args": arguments, "env": {"MAILQUERY_HOME": str(home)}}
    add = ["claude", "mcp", "add", "mailquery", "--env", f"MAILQUERY_HOME={home}", "--", str(MAILQUERY), *arguments]
    grant = shlex.join(
        ["env", f"MAILQUERY_HOME={home}", str(MAILQUERY), "consent", "grant", "--capability", "mail:read"]
    )
    consent = (
        ""
        if home == SAMPLE_HOME
        else f"""
What comes over HTTP is answered after you have consented: in a dialog of your assistant, or for 30 days by

  {grant}
"""
    )
    return f"""
mailquery serves {what}
  archive  {home}
  MCP      {url}
{consent}
Ask it something from another terminal:

  curl -s {url} -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(call))}

Let your assistant use it, without this server, over STDIO. For Claude Desktop (claude_desktop_config.json), Kiro
(~/.kiro/settings/mcp.json) and Cursor (~/.cursor/mcp.json):

{json.dumps({"mcpServers": {"mailquery": entry}}, indent=2, ensure_ascii=False)}

For Claude Code:

  {shlex.join(add)}

Import your own mail (mbox, Maildir, Google Takeout, .eml) and serve it:

  {shlex.quote(str(ROOT / "scripts" / "run"))} PATH...

Ctrl-C ends the server.
"""


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)

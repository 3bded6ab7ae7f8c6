"""mailquery health"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from mailquery.cli.output.exits import ExitCode
from mailquery.cli.output.printing import JsonFlag, print_json, print_rows
from mailquery.settings import load_settings
from mcpkit.errors import ErrorCode, Fault

HELP = """Ask a running HTTP server whether it is ready to answer: its database, disk, mail servers and workers. It ends
with exit code 0 where it is (also in part: `degraded`), 4 where it is not, and 3 where it cannot be reached.

Without --url the server is that of the settings, on this machine.

Examples:

```
mailquery health
mailquery health --alive
mailquery health --url https://mail.example.com --json
```
"""

_LONGEST_ANSWER = 100_000  # bytes
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - it is looked up, not listened at


def register(app: typer.Typer) -> None:
    app.command("health", help=HELP)(health)


def health(
    url: Annotated[str | None, typer.Option("--url", help="The server's address, without a path.")] = None,
    alive: Annotated[
        bool, typer.Option("--alive", help="Ask only whether it runs (/health), not whether it is ready (/ready).")
    ] = False,
    seconds: Annotated[float, typer.Option("--timeout", min=0.1, max=60, help="Seconds to wait.")] = 5.0,
    as_json: JsonFlag = False,
) -> None:
    answer = _ask(url or _own_url(), "/health" if alive else "/ready", seconds)
    if as_json:
        print_json(answer.body)
    else:
        print_rows(("check", "status", "detail"), [("server", answer.status, ""), *answer.checks()])
    if not answer.is_well:
        raise typer.Exit(ExitCode.UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class _Answer:
    is_well: bool
    body: Mapping[str, Any]

    @property
    def status(self) -> str:
        return str(self.body.get("status", "unknown"))

    def checks(self) -> list[tuple[str, str, str]]:
        checks = self.body.get("checks")
        if not isinstance(checks, Mapping):
            return []
        return [
            (str(name), str(found.get("status", "")), str(found.get("detail") or ""))
            for name, found in checks.items()
            if isinstance(found, Mapping)
        ]


def _own_url() -> str:
    http_settings = load_settings().http
    host = _EVERY_ADDRESS.get(http_settings.host, http_settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{http_settings.port}"


def _ask(base: str, path: str, seconds: float) -> _Answer:
    """Raises Fault: VALIDATION_ERROR where `base` is no address, SOURCE_UNAVAILABLE where no such server answers."""
    host, port, secure = _parts(base)
    # Never by way of a proxy: what is asked about is this server.
    connection = (http.client.HTTPSConnection if secure else http.client.HTTPConnection)(host, port, timeout=seconds)
    try:
        connection.request("GET", path, headers={"Accept": "application/json"})
        response = connection.getresponse()
        status, text = response.status, response.read(_LONGEST_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        reason = str(error) or type(error).__name__
        raise Fault(ErrorCode.SOURCE_UNAVAILABLE, f"No server answers at {base}: {reason}") from error
    finally:
        connection.close()
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if status not in (200, 503) or not isinstance(body, dict) or "status" not in body:
        raise Fault(
            ErrorCode.SOURCE_UNAVAILABLE,
            f"What answers at {base} is no mailquery server: it gave HTTP {status} for {path}.",
        )
    return _Answer(status == 200, body)


def _parts(base: str) -> tuple[str, int | None, bool]:
    try:
        parts = urlsplit(base)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or parts.path not in ("", "/") or parts.query:
        raise Fault(
            ErrorCode.VALIDATION_ERROR, "--url must be an address such as http://127.0.0.1:8765, without a path."
        )
    return host, port, parts.scheme == "https"

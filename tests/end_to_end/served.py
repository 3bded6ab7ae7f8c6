"""The product over HTTP, in a process of its own, and calls of those who have a key."""

import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2

from end_to_end.conftest import CommandLine


@contextmanager
def serving(mailquery: CommandLine, *options: str, **environment: str) -> Iterator[str]:
    process = subprocess.Popen(
        mailquery.command("serve", "--transport", "http", *(options or ("--port", "0"))),
        env=mailquery.environment | environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        # Each call is a line in its log: it would wait for ever for room in a pipe that nobody reads.
        reading = threading.Thread(target=process.stderr.read, daemon=True)
        try:
            announced = (re.search(r"MCP at (http://\S+/mcp)", line) for line in process.stderr)
            found = next(match for match in announced if match is not None)
            reading.start()
            yield found[1].replace("0.0.0.0", "127.0.0.1")
        finally:
            process.terminate()
            if reading.ident is not None:
                reading.join()


def call(url: str, credential: str, tool: str, headers: Mapping[str, str] | None = None, /, **arguments: object) -> Any:
    params = {"name": tool, "arguments": arguments}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    sent = {"Authorization": f"Bearer {credential}", **(headers or {})}
    answer = httpx2.post(url, json=body, headers=sent, timeout=60)
    assert answer.status_code in (200, 400), answer.text
    return answer.json()


def created(mailquery: CommandLine, *options: str) -> Any:
    done = mailquery("keys", "create", *options, "--json")
    assert done.code == 0, done.err
    return done.json

"""Writes docs/errors.md from the code: `python scripts/lib/error_table.py > docs/errors.md`."""

from mailquery.cli.output.exits import exit_code_for
from mcpkit.errors import ErrorCode
from mcpkit.protocol.mapping import json_rpc_code

HEAD = """\
# Errors

<!-- Written by scripts/lib/error_table.py; change infra/mcpkit/errors.py instead. -->

A failure has a stable `code`, a `number`, a `category` (`client`: the caller can mend it; `server`: the operator can;
`external`: something that the server depends on), a `message` that says what is wrong and what helps, and where there
are any, `details` and `retry_after` (seconds).

- A tool's failure is a result with `isError: true`. Its text begins with the code, and
  `structuredContent.error` holds the fields above.
- A failure of a resource, prompt or completion is a JSON-RPC error. Its `data` holds the fields above, and its code is
  the standard's where it has one that fits, else the number. A resource that is not there is -32002 up to the protocol
  of 2025-11-25, and -32602 from 2026-07-28 on.
- A tool, prompt or resource that does not exist, or that the caller may never use, is the JSON-RPC error -32602
  (resources as above).
- An error that nobody expected tells nothing but an `error_id`; the server's log has the rest under it.
- Over HTTP, what is refused before it is a call has the status 401 (who calls is not known), 403 (Origin, or a token
  without any scope for this server), 404 (a session that is gone), 408 (too slow), 413 (body too large), 415 (no JSON),
  421 (Host), 429 with `Retry-After` (an address that asks too much), 431 (too many header fields), 503 (too many
  connections or sessions). Everything that is a call has the status 200, or 400 and 404 where the protocol says so: 400
  (-32600) also for a request with the id of one that has no answer yet in its session. The status 500 is an error that
  nobody expected, and has an error id like any other.
- A command of `mailquery` prints the message and ends with the exit code below.

| code | number | category | JSON-RPC | exit | what it means | what helps |
|---|---|---|---|---|---|---|
"""


def table() -> str:
    rows = [
        f"| `{code.name}` | {code.number} | {code.category} | {json_rpc_code(code)} | {exit_code_for(code).value} "
        f"| {code.meaning} | {code.remedy} |\n"
        for code in ErrorCode
    ]
    return HEAD + "".join(rows)


if __name__ == "__main__":
    print(table(), end="")

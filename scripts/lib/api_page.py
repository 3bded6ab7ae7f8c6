"""Writes docs/api.md from the declarations: `python scripts/lib/api_page.py docs/api.md`.

With `--check` nothing is written, and the exit code is 1 where the page is not as the code says.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mailquery.bootstrap import open_application
from mailquery.mcp.arguments import SCOPES
from mailquery.mcp.catalogue import catalogue
from mailquery.settings import Settings
from mcpkit.protocol.declarations import Catalogue, Prompt, Resource, Tool
from mcpkit.protocol.schemas import input_schema, output_schema

HEAD = """\
# The API

<!-- Written by scripts/lib/api_page.py; change the declarations in modules/mailquery/mcp instead. -->

mailquery speaks the Model Context Protocol (MCP), 2024-11-05 to 2026-07-28, over STDIO and over HTTP. What a server
offers to a caller is what the caller's scopes, `policy.allowed_tools` and consent leave of the following. Clients learn
all of it from `tools/list`, `resources/list`, `resources/templates/list` and `prompts/list`; this page is for people.

## Over HTTP

| | |
|---|---|
| `POST /mcp` | JSON-RPC: Streamable HTTP with sessions (`Mcp-Session-Id`), or single requests, answered in JSON |
| `GET /mcp` | the stream of a session, for what the server announces |
| `DELETE /mcp` | ends a session |
| `GET /attachments/TICKET` | an attachment that is too large for an answer, which has the link; it lasts for minutes |
| `GET /health` | 200 while the process answers. Without a credential |
| `GET /ready` | 200 or 503, and the checks. Without a credential, and nothing private in it |
| `GET /.well-known/oauth-protected-resource` | where tokens are to be had (RFC 9728), where OAuth is set |
| `GET /metrics` | figures for Prometheus, on a port of their own (`metrics.port`) |

A call of a tool in a session is answered in JSON too, or by a stream where something comes before the answer: progress
that was asked for, a question to the person, signs of life every 15 seconds.

Who calls is told by `Authorization: Bearer ...`: an API key (`mailquery keys create`) or a token of an OAuth
authorization server ([identity](security/identity.md)). One call, with nothing but a key:

```sh
curl -s https://mail.example.com/mcp -H "Authorization: Bearer $KEY" \\
  -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \\
  -d '{"jsonrpc": "2.0", "id": 1, "method": "tools/call",
       "params": {"name": "search_messages", "arguments": {"query": "from:kim budget"}}}'
```

Statuses, codes and what helps: [errors](errors.md).

## Answers

A tool's answer holds the same twice: `structuredContent`, by the schema below, and compact text. What others wrote
stands in marks that change with every answer; it is data, never instructions. A field that has nothing to say is left
out. The whole answer keeps to `max_chars` characters (`answers.max_chars` where the caller does not say); what was left
out stands in `truncated`: `unit`, `returned`, `omitted` and, in words, how to get the rest in `next`. A failure has
`isError` and `error` with `code`, `message` and what [errors](errors.md) lists.

Arguments that are not known are refused. Those marked \\* can be set beforehand: by a person with `set_default` or
`mailquery defaults`, by the operator with a variable such as `MAILQUERY_SEARCH_MESSAGES_LIMIT=50`.
"""


async def declared() -> Catalogue:
    with tempfile.TemporaryDirectory() as folder:
        async with open_application(Settings(home=Path(folder))) as application:
            return catalogue(application.services, application.resolver())


def page(offered: Catalogue) -> str:
    return "".join(
        [
            HEAD,
            "\n## Scopes\n\nOf a key or token, and what consent is given to.\n\n| scope | opens |\n|---|---|\n",
            *(f"| `{name}` | {_cell(about)} |\n" for name, about in SCOPES.items()),
            "\n## Tools\n\n| tool | scope | |\n|---|---|---|\n",
            *(f"| [`{each.name}`](#{each.name}) | `{each.permission}` | {each.title} |\n" for each in offered.tools),
            *(part for each in offered.tools for part in _tool(each)),
            "\n## Resources\n\n| URI | scope | type | |\n|---|---|---|---|\n",
            *map(_resource, offered.resources),
            "\nA client may subscribe to those marked †, and is told when they give something else "
            "([live questions](live-questions.md)).\n",
            "\n## Prompts\n\n| prompt | arguments | |\n|---|---|---|\n",
            *map(_prompt, offered.prompts),
            "\n## Completions\n\nValues are completed of ",
            ", ".join(f"`{each.argument}` of `{each.reference}`" for each in offered.completions),
            ".\n\n## Instructions\n\nEvery client is given these for its model:\n\n",
            "".join(f"> {line}\n" if line else ">\n" for line in offered.instructions.splitlines()),
        ]
    )


def _tool(tool: Tool[Any, Any]) -> Iterator[str]:
    yield f"\n### {tool.name}\n\n{tool.description}\n"
    traits = [
        "reads only" if tool.read_only else "changes what this server has stored",
        "calls mail servers" if tool.open_world else "",
        "gives text that others wrote" if tool.untrusted else "",
        "needs consent" if tool.needs_consent else "needs no consent",
    ]
    yield f"\n*{', '.join(filter(None, traits))}*\n"
    schema = input_schema(tool.arguments)
    required = schema.get("required", ())
    if schema["properties"]:
        yield "\n| argument | type | default | |\n|---|---|---|---|\n"
    for name, about in schema["properties"].items():
        marks = ("\\*" if name in tool.preset else "") + (" (required)" if name in required else "")
        default = f"`{json.dumps(about['default'])}`" if "default" in about else ""
        yield f"| `{name}`{marks} | {_type(about)} | {default} | {_cell(about.get('description', ''))} |\n"
    schema = output_schema(tool.result)
    definitions = schema.get("$defs", {})
    yield "\n| result | type | |\n|---|---|---|\n"
    shown: set[str] = set()
    yield from _fields(schema, "", definitions, shown)


def _fields(schema: Mapping[str, Any], above: str, definitions: Mapping[str, Any], shown: set[str]) -> Iterator[str]:
    for name, about in schema.get("properties", {}).items():
        if not above and name == "error":
            continue
        yield f"| `{above}{name}` | {_type(about)} | {_cell(about.get('description', ''))} |\n"
        if not above and name == "truncated":
            continue
        step, inner = ("[].", about["items"]) if "items" in about else (".", about)
        named = inner.get("$ref", "").rpartition("/")[2]
        if named in shown:  # a type that holds others of its kind, or is used twice
            continue
        shown |= {named} - {""}
        yield from _fields(definitions.get(named, inner), f"{above}{name}{step}", definitions, shown)


def _type(about: Mapping[str, Any]) -> str:
    if "enum" in about:
        return ", ".join(f"`{each}`" for each in about["enum"])
    if "const" in about:
        return f"`{json.dumps(about['const'])}`"
    if "$ref" in about:
        return str(about["$ref"]).rpartition("/")[2]
    if "anyOf" in about:
        return " or ".join(map(_type, about["anyOf"]))
    if "items" in about:
        return f"list of {_type(about['items'])}"
    kind = str(about.get("type", "any"))
    least, most = about.get("minimum"), about.get("maximum")
    if least is not None and most is not None:
        return f"{kind} {least:,} to {most:,}"
    if "maxLength" in about:
        return f"{kind}, at most {about['maxLength']:,} characters"
    if "maxItems" in about:
        return f"{kind}, at most {about['maxItems']:,}"
    return kind


def _resource(resource: Resource) -> str:
    mark = " †" if resource.subscribable else ""
    return (
        f"| `{resource.uri}`{mark} | `{resource.permission}` | {resource.mime_type} | {_cell(resource.description)} |\n"
    )


def _prompt(prompt: Prompt) -> str:
    arguments = [f"`{each.name}`{' (required)' if each.required else ''}" for each in prompt.arguments]
    return f"| `{prompt.name}` | {', '.join(arguments)} | {_cell(prompt.description)} |\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: list[str]) -> int:
    (path,) = (Path(each) for each in arguments if each != "--check")
    text = page(asyncio.run(declared()))
    if "--check" not in arguments:
        path.write_text(text, "utf-8")
    elif not path.is_file() or path.read_text("utf-8") != text:
        print(f"{path} is not what is declared: python scripts/lib/api_page.py {path}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The product as a user starts it, on an archive of its own, with secrets wherever an operator keeps some."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mailbench.fuzzing.arguments import Known
from mailbench.fuzzing.messages import ENVELOPE, request
from mailbench.fuzzing.wire import LARGEST_BODY
from mailquery.sample import write_maildir

_SETTINGS = f"""
http:
  max_body_bytes: {LARGEST_BODY}
  body_seconds: 2
  max_sessions: 100
  session_idle_seconds: 10
limits:
  principal: {{requests_per_minute: 100000000, burst: 100000000, concurrent: null, characters_per_hour: null}}
policy:
  denied_accounts: [hidden]
consent: {{http: granted, granted_by: the fuzzer, reason: malformed requests are what is looked at, taint_http: false}}
meaning:
  model: openai
  name: none
  base_url: http://127.0.0.1:9/v1
log:
  level: info
  form: json
"""
_SIGNING_KEY = b"planted-key-that-signs-cursors-1"
_HIDDEN = b"planted-in-mail-that-is-denied-a91c"
_HIDDEN_MAIL = (
    b"""From: Hidden Person <hidden.person@example.org>
To: me@example.com
Subject: invoice and flight """
    + _HIDDEN
    + b"""
Date: Wed, 11 Mar 2026 09:00:00 +0000
Message-ID: <hidden@example.org>

The invoice of the flight: """
    + _HIDDEN
    + b"\n"
)
_STARTS_WITHIN = 60.0  # seconds


@dataclass(frozen=True)
class Product:
    folder: Path
    environment: Mapping[str, str]
    planted: Mapping[str, bytes]  # what must never come out, by where it is
    hidden: str  # the id of a message that the policy denies

    def secrets(self) -> dict[str, bytes]:
        """What was planted, and the keys that the product has made by now."""
        made = {f"the key in {path.name}": path.read_bytes() for path in (self.folder / "home").glob("*.key")}
        return {**made, **self.planted}

    def command(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, "-m", "mailquery", *map(str, arguments)]

    def run(self, *arguments: str | Path, given: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
        """What a command prints. Raises CalledProcessError."""
        done = subprocess.run(
            self.command(*arguments),
            input=given,
            env={**self.environment, **(environment or {})},
            cwd=self.folder,
            check=True,
            stdout=subprocess.PIPE,
        )
        return done.stdout


def make_product(folder: Path) -> Product:
    """Imports the sample mailbox into an archive in `folder`, which is empty. Raises CalledProcessError."""
    home, config = folder / "home", folder / "config"
    home.mkdir()
    config.mkdir()
    (config / "base.yaml").write_text(_SETTINGS, encoding="utf-8")
    secrets = {
        "mail that the policy denies": _HIDDEN,
        "a file beside the archive": b"planted-in-a-file-7d1f",
        "the key of the embeddings' endpoint": b"sk-planted-embeddings-93ab",
        "the password of Redis": b"planted-redis-password-51ce",
        "another program's variable": b"planted-in-the-environment-20e4",
    }
    (home / "token.key").write_bytes(_SIGNING_KEY)
    (folder / "secret.txt").write_bytes(secrets["a file beside the archive"])
    (home / "secret.txt").write_bytes(secrets["a file beside the archive"])
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MAILQUERY_")},
        "MAILQUERY_HOME": str(home),
        "MAILQUERY_CONFIG_DIR": str(config),
        "MAILQUERY_MEANING__API_KEY": secrets["the key of the embeddings' endpoint"].decode(),
        "MAILQUERY_LIMITS__REDIS_URL": f"redis://:{secrets['the password of Redis'].decode()}@127.0.0.1:9/0",
        "DATABASE_PASSWORD": secrets["another program's variable"].decode(),
        "HOME": str(folder),
    }
    undenied = {"MAILQUERY_POLICY__DENIED_ACCOUNTS": "[]"}
    product = Product(folder, environment, secrets, "")
    write_maildir(folder / "mail")
    (folder / "hidden.eml").write_bytes(_HIDDEN_MAIL)
    product.run("import", folder / "mail", "--no-embed", environment=undenied)
    product.run("import", folder / "hidden.eml", "--account", "hidden", "--no-embed", environment=undenied)
    found = json.loads(product.run("search", "account:hidden", "--json", environment=undenied))
    product.run("policy", "apply")
    return replace(product, hidden=found["messages"][0]["id"])


def look_around(product: Product) -> Known:
    """What a client of the product sees, asked over STDIO. Raises CalledProcessError, KeyError."""

    def call(tool: str, **arguments: object) -> dict[str, Any]:
        return {"name": tool, "arguments": arguments}

    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "tools": ("tools/list", {}),
        "prompts": ("prompts/list", {}),
        "found": ("tools/call", call("search_messages", query="", limit=20)),
        "files": ("tools/call", call("list_attachments", limit=5)),
        "accounts": ("tools/call", call("list_accounts")),
        "mailboxes": ("tools/call", call("list_mailboxes")),
    }
    lines = [
        json.dumps(request(name, method, {**params, "_meta": ENVELOPE})) for name, (method, params) in asked.items()
    ]
    told = product.run("serve", "--transport", "stdio", given="\n".join(lines).encode() + b"\n")
    answers = {answer["id"]: answer["result"] for answer in map(json.loads, told.splitlines())}
    found, files, accounts, mailboxes = (
        answers[name]["structuredContent"] for name in ("found", "files", "accounts", "mailboxes")
    )
    messages = [row["id"] for row in found["rows"]]
    threads = [row["thread_id"] for row in found["rows"]]
    attachments = [row["id"] for row in files["rows"]]
    tools = {tool["name"]: tool["inputSchema"] for tool in answers["tools"]["tools"]}
    ids = [*messages, *threads, *attachments, product.hidden, f"t{product.hidden[1:]}"]
    return Known(
        tools=tools,
        texts={
            "": ["invoice", "flight", "회의", "Mon"],
            "id": ids,
            "cursor": [found["cursor"], files["cursor"]],
            "query": [
                "invoice",
                "has:attachment",
                "from:a OR subject:b -c",
                '"a phrase"',
                "회의",
                "newer_than:90d",
                "planted",
            ],
            "account": [*(each["name"] for each in accounts["accounts"]), "hidden"],
            "mailbox": [each["name"] for each in mailboxes["mailboxes"]],
            "after": ["2026", "2026-03", "7d"],
            "before": ["2026-03-15", "yesterday"],
            "tool": list(tools),
            "argument": ["limit", "max_chars", "sort", "order"],
            "value": ["20", "newest"],
        },
        uris=[
            "mail://accounts",
            "mail://status",
            f"mail://message/{product.hidden}",
            *(f"mail://message/{each}" for each in messages[:5]),
            *(f"mail://thread/{each}" for each in threads[:5]),
            *(f"mail://attachment/{each}" for each in attachments[:5]),
        ],
        prompts={
            prompt["name"]: [argument["name"] for argument in prompt.get("arguments", ())]
            for prompt in answers["prompts"]["prompts"]
        },
    )


class Running:
    """A server's process, whose standard error is kept."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log = bytearray()
        self._port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read())

    @property
    def is_alive(self) -> bool:
        return self.process.returncode is None

    async def port(self) -> int:
        """That it listens at. Raises TimeoutError, EOFError."""
        return await asyncio.wait_for(self._port, _STARTS_WITHIN)

    async def ended(self, within: float) -> int | None:
        """The exit code; None where it has not ended, and is killed."""
        code: int | None = None
        try:
            code = await asyncio.wait_for(self.process.wait(), within)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        await self._reading
        return code

    async def _read(self) -> None:
        assert self.process.stderr is not None
        while chunk := await self.process.stderr.read(65_536):
            self.log += chunk
            announced = re.search(rb"http://127\.0\.0\.1:(\d+)/mcp", self.log) if not self._port.done() else None
            if announced:
                self._port.set_result(int(announced[1]))
        if not self._port.done():
            self._port.cancel()


async def start(product: Product, *arguments: str) -> Running:
    process = await asyncio.create_subprocess_exec(
        *product.command("serve", *arguments),
        env=product.environment,
        cwd=product.folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=64 * 1024 * 1024,
    )
    return Running(process)


def memory_of(pid: int) -> int | None:
    """Resident bytes; None where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else None

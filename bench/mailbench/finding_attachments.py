"""Whether search_messages finds what stands in attachments: a phrase on every page, sheet, slide, note and entry of a
file of every format, imported, extracted, and asked for over STDIO by the official client, as an assistant does it."""

import asyncio
import json
import mailbox
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters

from mailbench import commands
from mailbench.planted_files import MAKERS


@dataclass(frozen=True, slots=True)
class Recall:
    """Of one format: phrases that there are, that found their message, and that named their attachment too. `missed`
    are some of those that did not."""

    format: str
    phrases: int
    found: int
    named: int
    missed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    recalls: tuple[Recall, ...]
    seconds_for_reading: float
    seconds_for_asking: float


def recall() -> Asked:
    """Raises CalledProcessError where a command fails."""
    with tempfile.TemporaryDirectory(prefix="mailbench-") as folder:
        home = Path(folder) / "home"
        environment = commands.environment(home) | {"MAILQUERY_EXTRACTION__ENABLED": "false"}
        phrases = _write(Path(folder) / "planted.mbox")
        program = [sys.executable, "-m", "mailquery"]
        started = time.perf_counter()
        for command in (["import", folder + "/planted.mbox", "--no-embed"], ["extract"]):
            subprocess.run([*program, *command], env=environment, check=True, stdout=subprocess.DEVNULL)
        read = time.perf_counter()
        recalls = asyncio.run(_ask(environment, phrases))
        return Asked(recalls, read - started, time.perf_counter() - read)


def _write(path: Path) -> dict[str, tuple[str, ...]]:
    """A message for each format; the phrases of each."""
    phrases = {}
    box = mailbox.mbox(path)
    for name, make in MAKERS.items():
        planted = make(secrets.token_hex(6))
        phrases[name] = planted.phrases
        message = EmailMessage()
        message["From"], message["To"] = "Ana <ana@acme.example>", "Bo <bo@home.example>"
        message["Subject"], message["Message-ID"] = _subject(name), f"<planted-{name}@acme.example>"
        message["Date"] = "Mon, 09 Mar 2026 14:05:00 +0900"
        message.set_content("See the attached file.")
        message.add_attachment(planted.data, maintype="application", subtype="octet-stream", filename=f"planted.{name}")
        box.add(message)
    box.close()
    return phrases


def _subject(name: str) -> str:
    return f"A file of the format {name}"


async def _ask(environment: Mapping[str, str], phrases: Mapping[str, tuple[str, ...]]) -> tuple[Recall, ...]:
    command = commands.serve_command()
    server = StdioServerParameters(command=command[0], args=command[1:], env=dict(environment))
    recalls = []
    async with Client(server) as client:
        for name, wanted in phrases.items():
            found = named = 0
            missed = []
            for phrase in wanted:
                answer = await client.call_tool("search_messages", {"query": phrase, "limit": 5})
                rows = _rows(answer.structured_content, _subject(name))
                in_file = any(
                    each["name"] == f"planted.{name}" and phrase in each["snippet"]
                    for row in rows
                    for each in row.get("attachment_matches") or ()
                )
                found += bool(rows)
                named += in_file
                if not in_file:
                    missed.append(phrase)
            recalls.append(Recall(name, len(wanted), found, named, tuple(missed[:3])))
    return tuple(recalls)


def _rows(content: object, subject: str) -> list[dict[str, Any]]:
    """The rows that have the phrase; none where another message has it too. What is only near in meaning stands behind
    them, and is marked."""
    rows: list[dict[str, Any]] = json.loads(json.dumps(content))["rows"]
    exact = [row for row in rows if "match" not in row]
    return exact if all(row["subject"] == subject for row in exact) else []

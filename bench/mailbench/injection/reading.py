"""Everything that a client can read of a message, through the official client in memory."""

import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference

from mailbench.injection.judge import Answer
from mailbench.injection.letters import Letter
from mailquery.application import Application
from mailquery.bootstrap import open_application
from mailquery.serving import Serving
from mailquery.settings import Settings
from mailquery.settings.access import Consent

_PERSON = PromptReference(type="ref/prompt", name="everything_with")
PARTS = ("text", "html", "headers", "raw")


@contextlib.asynccontextmanager
async def archive_of(home: Path, letters: Sequence[Letter]) -> AsyncIterator["Reader"]:
    """An archive of these letters in `home`, imported as mail is, with a client of its server."""
    box = home / "letters"
    box.mkdir(parents=True)
    for number, letter in enumerate(letters):
        (box / f"{number:04}.eml").write_bytes(letter.raw)
    # Consent is not what is looked at here: codes are shown where a call asks for them.
    settings = Settings(home=home, me=("bo@home.example",), consent=Consent(always_ask=()))
    async with open_application(settings) as application:
        await application.import_mail([box], account="home")
        async with Client(Serving(application).server()) as client:
            yield Reader(application, client)


@dataclass(slots=True)
class Reader:
    application: Application
    client: Client

    async def call(self, tool: str, **arguments: Any) -> tuple[Answer, dict[str, Any]]:
        result = await self.client.call_tool(tool, arguments)
        texts = []
        for block in result.content:
            if block.type == "text":
                texts.append(block.text)
            elif block.type == "resource" and hasattr(block.resource, "text"):
                texts.append(block.resource.text)
        structured = result.structured_content or {}
        written = json.dumps(structured, ensure_ascii=False, separators=(",", ":"))
        return Answer(
            tool, tuple(texts), "" if result.is_error else written, str(arguments.get("part", ""))
        ), structured

    async def resource(self, uri: str) -> Answer:
        try:
            result = await self.client.read_resource(uri)
        except MCPError as error:
            return Answer(uri, (error.message,))
        return Answer(uri, tuple(each.text for each in result.contents if hasattr(each, "text")))

    async def everything(self, message: str, words: Sequence[str]) -> list[Answer]:
        """Every answer that has to do with one message."""
        answers = [(await self.call("read_message", id=message, part=part))[0] for part in PARTS]
        answers.append((await self.call("read_message", id=message, include_quoted=True))[0])
        thread, _ = await self.call("read_thread", id=message)
        answers.append(thread)
        attached, found = await self.call("list_attachments", query=f"thread:{message}")
        answers.append(attached)
        for row in found.get("rows", ()):
            answers.append((await self.call("get_attachment", id=row["id"]))[0])
            answers.append(await self.resource(f"mail://attachment/{row['id']}"))
        answers.append((await self.call("search_messages", query=f"thread:{message}", explain=True))[0])
        for word in words:
            answers.append((await self.call("search_messages", query=word))[0])
            answers.append((await self.call("find_people", text=word))[0])
            completion = await self.client.complete(_PERSON, {"name": "person", "value": word})
            # A completion is a list of values and has no place for more: only its characters are judged.
            answers.append(Answer("completion", (), f'"untrusted":true{json.dumps(completion.completion.values)}'))
        answers.append(await self.resource(f"mail://message/{message}"))
        answers.append(await self.resource(f"mail://thread/{message}"))
        return answers

    async def rows_of(self, query: str) -> Answer:
        """The rows alone that a query finds: the rest of the answer repeats the query."""
        _, found = await self.call("search_messages", query=query)
        return Answer("search_messages", (), json.dumps(found.get("rows", []), ensure_ascii=False))

    async def over_all(self) -> list[Answer]:
        """Answers about the whole archive."""
        answers = []
        for group in ("sender", "domain", "recipient", "list", "attachment_type", "mailbox"):
            answers.append((await self.call("mail_statistics", group_by=group, limit=500, max_chars=100_000))[0])
        for tool in ("list_accounts", "list_mailboxes"):
            answers.append((await self.call(tool))[0])
        for tool in ("awaiting_reply", "response_times"):
            answers.append((await self.call(tool, max_chars=100_000))[0])
        answers += [await self.resource(uri) for uri in ("mail://accounts", "mail://status")]
        return answers

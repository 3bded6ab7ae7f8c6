"""Two users of one server, at once: nothing of one ever reaches the other."""

import asyncio
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest

from end_to_end.conftest import CONSENTED, CommandLine, write_mbox
from end_to_end.served import created, serving

CALLS = 1_000
AT_ONCE = 8  # of each user
LETTERS = 30
ACCOUNTS = {"ana": "garden", "ben": "harbour"}
# In every text of an account's mail, and nowhere else.
MARKS = {"ana": "peony", "ben": "anchor"}
UNLIMITED = {
    "MAILQUERY_LIMITS__PRINCIPAL__REQUESTS_PER_MINUTE": "1000000",
    "MAILQUERY_LIMITS__PRINCIPAL__BURST": "1000000",
}
SCOPES = ("mail:read", "mail:attachments", "mail:statistics")


def letter(owner: str, number: int) -> bytes:
    mark = MARKS[owner]
    return (
        f"From: {mark.title()} {number % 5} <{mark}{number % 5}@{mark}.example>\n"
        f"To: {mark} list <{mark}-team@{mark}.example>\n"
        f"Date: Mon, {number % 28 + 1:02} Mar 2026 10:{number:02}:00 +0000\n"
        f"Message-ID: <{mark}-{number}@{mark}.example>\n"
        + (f"References: <{mark}-{number - 1}@{mark}.example>\n" if number % 3 else "")
        + f"Subject: {mark} report {number}\n"
        "MIME-Version: 1.0\n"
        "Content-Type: multipart/mixed; boundary=b\n\n"
        f"--b\nContent-Type: text/plain\n\nThe shared word invoice, and {mark} text {number}. Can you answer?\n"
        f'--b\nContent-Type: text/plain; name="{mark}-{number}.txt"\n'
        f'Content-Disposition: attachment; filename="{mark}-{number}.txt"\n\n{mark} file\n--b--\n'
    ).encode()


@pytest.fixture(scope="module")
def keys_and_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], str]]:
    folder: Path = tmp_path_factory.mktemp("two")
    mailquery = CommandLine(folder)
    for user, account in ACCOUNTS.items():
        mbox = write_mbox(folder / f"{account}.mbox", [letter(user, number) for number in range(LETTERS)])
        done = mailquery("import", mbox, "--account", account)
        assert done.code == 0, done.err
    mailquery.environment |= (
        UNLIMITED
        | CONSENTED
        | {
            "MAILQUERY_AUTH__STRATEGIES": "api-keys",
            "MAILQUERY_AUTH__USERS": json.dumps({user: [account] for user, account in ACCOUNTS.items()}),
        }
    )
    scopes = [option for scope in SCOPES for option in ("--scope", scope)]
    keys = {user: created(mailquery, "--user", user, *scopes)["key"] for user in ACCOUNTS}
    with serving(mailquery) as url:
        yield keys, url


class User:
    """Somebody who calls everything there is, with all that they have been given and all that the other has."""

    def __init__(self, name: str, url: str, http: httpx2.AsyncClient, seed: int) -> None:
        self.name = name
        self.other: User
        self.given: set[str] = set()  # ids, cursors and names out of own answers
        self.cursors: set[str] = set()
        self.answered = self.refused = 0
        self._url = url
        self._http = http
        self._random = random.Random(seed)

    async def ask(self, method: str, params: Mapping[str, object]) -> Any:
        answer = await self._http.post(self._url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        text = answer.text
        assert answer.status_code in (200, 400, 404), text
        assert MARKS[self.other.name] not in text.lower(), f"{self.name} was shown what is {self.other.name}'s: {text}"
        return answer.json()

    async def call(self) -> None:
        stranger = self._random.random() < 0.4
        source = self.other if stranger else self
        method, params = self._request(sorted(source.given), sorted(source.cursors))
        sent = json.dumps(params)
        if MARKS[self.other.name] in sent.lower():
            return  # an answer may repeat what was asked
        answer = await self.ask(method, params)
        result = answer.get("result", {})
        if "error" in answer or result.get("isError"):
            self.refused += 1
            return
        self.answered += 1
        content = result.get("structuredContent") or {}
        self._remember(content)
        if cursor := content.get("cursor"):
            self.cursors.add(cursor)

    def _request(self, ids: Sequence[str], cursors: Sequence[str]) -> tuple[str, dict[str, object]]:
        choose = self._random.choice
        messages = [each for each in ids if each.startswith("m") and "-" not in each] or ["m0000000000000"]
        files = [each for each in ids if "-" in each] or ["m0000000000000-1"]
        threads = [each for each in ids if each.startswith("t")] or ["t0000000000000"]
        query = choose(["invoice", "report", "text answer", "", "subject:report", "invoce", "-invoice", "is:unread"])
        tools: list[tuple[str, dict[str, object]]] = [
            ("search_messages", {"query": query, "limit": choose([1, 3, 20]), "explain": choose([True, False])}),
            ("search_messages", {"query": "invoice", "limit": 1, **({"cursor": choose(cursors)} if cursors else {})}),
            ("search_messages", {"account": choose(list(ACCOUNTS.values()))}),
            ("read_message", {"id": choose(messages)}),
            ("read_thread", {"id": choose(threads)}),
            ("find_similar", {"id": choose(messages)}),
            ("list_mailboxes", {}),
            ("list_accounts", {}),
            ("list_attachments", {"limit": choose([1, 20])}),
            ("get_attachment", {"id": choose(files)}),
            ("read_attachment", {"id": choose(files)}),
            ("mail_statistics", {"group_by": choose(["sender", "mailbox", "recipient", "month"])}),
            ("response_times", {}),
            ("awaiting_reply", {}),
            ("find_people", {"text": choose(["example", "team", "e"])}),
            ("get_defaults", {}),
            ("set_default", {"tool": "search_messages", "argument": "limit", "value": choose([2, 20])}),
        ]
        kind = self._random.random()
        if kind < 0.75:
            name, arguments = choose(tools)
            return "tools/call", {"name": name, "arguments": arguments}
        if kind < 0.9:
            uri = choose(
                [
                    "mail://accounts",
                    "mail://status",
                    f"mail://message/{choose(messages)}",
                    f"mail://thread/{choose(threads)}",
                    f"mail://attachment/{choose(files)}",
                ]
            )
            return "resources/read", {"uri": uri}
        argument, value = choose([("account", ""), ("mailbox", ""), ("person", "example"), ("person", "e")])
        prompt = choose(["catch_up", "find_document", "person_summary"])
        reference = {"type": "ref/prompt", "name": prompt}
        return "completion/complete", {"ref": reference, "argument": {"name": argument, "value": value}}

    def _remember(self, value: object) -> None:
        if isinstance(value, Mapping):
            for name, inner in value.items():
                if isinstance(inner, str) and (name == "id" or name.endswith("_id")) and name != "message_id":
                    self.given.add(inner)
                else:
                    self._remember(inner)
        elif isinstance(value, list):
            for inner in value:
                self._remember(inner)


async def test_nothing_of_one_user_reaches_the_other_in_a_thousand_interleaved_calls(
    keys_and_url: tuple[dict[str, str], str],
) -> None:
    keys, url = keys_and_url
    users = []
    for seed, (name, key) in enumerate(keys.items()):
        http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60)
        users.append(User(name, url, http, seed))
    users[0].other, users[1].other = users[1], users[0]
    left = iter(range(CALLS))

    async def work(user: User) -> None:
        for _ in left:
            await user.call()

    await asyncio.gather(*(work(user) for user in users for _ in range(AT_ONCE)))
    for user in users:
        # It was really asked, and really answered: both kinds are many.
        assert user.answered > CALLS / 5
        assert user.refused > CALLS / 100
        assert user.given
        await user._http.aclose()


async def test_what_is_another_users_is_told_apart_from_nothing_by_no_word(
    keys_and_url: tuple[dict[str, str], str],
) -> None:
    keys, url = keys_and_url
    ana, ben = (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {keys[name]}"}, timeout=60) for name in ("ana", "ben")
    )

    async def ask(http: httpx2.AsyncClient, method: str, params: Mapping[str, object]) -> str:
        answer = await http.post(url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        return answer.text

    async def first(tool: str) -> dict[str, str]:
        found = await ask(ana, "tools/call", {"name": tool, "arguments": {"limit": 1}})
        content = json.loads(found)["result"]["structuredContent"]
        row: dict[str, str] = (content.get("rows") or content["attachments"])[0]
        return row

    message, attachment = await first("search_messages"), await first("list_attachments")
    ids = {"message": message["id"], "thread": message["thread_id"], "attachment": attachment["id"]}
    theirs: dict[str, tuple[str, ...]] = {}
    nothing: dict[str, tuple[str, ...]] = {}
    tools = {
        "message": ["read_message"],
        "thread": ["read_thread"],
        "attachment": ["get_attachment", "read_attachment"],
    }
    for kind, known in ids.items():
        made_up = known[0] + ("0" if known[1] != "0" else "1") * 3 + known[4:]
        for asked, kept in ((known, theirs), (made_up, nothing)):
            called = [await ask(ben, "tools/call", {"name": tool, "arguments": {"id": asked}}) for tool in tools[kind]]
            read = await ask(ben, "resources/read", {"uri": f"mail://{kind}/{asked}"})
            kept[kind] = tuple(answer.replace(asked, "ID") for answer in (*called, read))
    assert theirs == nothing
    assert "NOT_FOUND" in theirs["message"][0]
    await ana.aclose()
    await ben.aclose()

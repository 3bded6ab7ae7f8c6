"""Large attachments over HTTP: fetched once, by whom they were given to, and never through the model."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client

from end_to_end.conftest import CONSENTED, CommandLine
from end_to_end.served import call, created, serving
from support.archives import Mail

LARGE = bytes(range(256)) * 600
NAME = '견적서 "\r\nX-Evil: 1.bin'
SETTINGS = {**CONSENTED, "MAILQUERY_ANSWERS__ATTACHMENT_BYTES": "50000"}


@pytest.fixture
def id(mailquery: CommandLine, tmp_path: Path) -> str:
    file = tmp_path / "letter.eml"
    mail = Mail(files=(("large.bin", "application/octet-stream", LARGE),))
    named = mail.as_bytes().replace(
        b'filename="large.bin"',
        b"filename*=utf-8''%EA%B2%AC%EC%A0%81%EC%84%9C%20%22%0D%0AX-Evil%3A%201.bin",
    )
    file.write_bytes(named)
    done = mailquery("import", file, "--account", "garden")
    assert done.code == 0, done.err
    return f"{Mail(raw=named).id}-2"


def link_of(answer: Any) -> str:
    content = answer["result"]["structuredContent"]
    assert content["size"] == len(LARGE)
    # The bytes are not in the answer.
    assert [block["type"] for block in answer["result"]["content"]] == ["text"]
    link: str = content["download"]
    return link


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def records(mailquery: CommandLine) -> list[Any]:
    done = mailquery("audit", "export")
    lines = [json.loads(line) for line in done.text.splitlines()]
    return [each for each in (line.get("record", line) for line in lines) if each.get("kind") == "download"]


@pytest.fixture
def guarded(mailquery: CommandLine, id: str) -> Iterator[tuple[str, Callable[..., str]]]:
    """The server's URL, and what makes a key."""
    mailquery.environment |= SETTINGS | {
        "MAILQUERY_AUTH__STRATEGIES": "api-keys",
        "MAILQUERY_AUTH__USERS": json.dumps({"ana": ["garden"], "ben": ["garden"], "eva": []}),
    }

    def key(user: str, scope: str = "mail:attachments") -> str:
        made: str = created(mailquery, "--user", user, "--scope", scope, "--scope", "mail:read")["key"]
        return made

    with serving(mailquery) as url:
        yield url, key


def test_a_link_gives_the_bytes_once_and_says_how_to_keep_them(
    mailquery: CommandLine, guarded: tuple[str, Callable[..., str]], id: str
) -> None:
    url, key = guarded
    ana = key("ana")
    link = link_of(call(url, ana, "get_attachment", id=id))
    assert link.startswith(url.removesuffix("/mcp") + "/attachments/")
    head = httpx2.head(link, headers=bearer(ana))
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(LARGE)), b"")
    got = httpx2.get(link, headers=bearer(ana))
    assert got.status_code == 200
    assert got.content == LARGE
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"].startswith("attachment; filename=")
    assert "filename*=UTF-8''%EA%B2%AC%EC%A0%81%EC%84%9C%20_" in got.headers["content-disposition"]
    assert "x-evil" not in got.headers
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert got.headers["cache-control"] == "no-store"
    assert got.headers["referrer-policy"] == "no-referrer"
    again = httpx2.get(link, headers=bearer(ana))
    assert again.status_code == 404
    kept = records(mailquery)
    assert sorted(each["decision"] for each in kept) == ["allowed", "allowed", "failed"]
    assert [each["disclosed"] for each in kept if "disclosed" in each] == [[id]]
    assert {each["user"] for each in kept} == {"ana"}


def test_nobody_else_gets_anything_by_it_and_all_refusals_are_alike(
    guarded: tuple[str, Callable[..., str]], id: str
) -> None:
    url, key = guarded
    ana, other, ben = key("ana"), key("ana"), key("ben")
    link = link_of(call(url, ana, "get_attachment", id=id))
    assert httpx2.get(link).status_code == 401
    assert httpx2.get(link, headers=bearer("mq_wrong")).status_code == 401
    base, _, ticket = link.rpartition("/")
    refused = [
        httpx2.get(link, headers=bearer(ben)),
        httpx2.get(link, headers=bearer(other)),  # another key of the same user
        httpx2.get(f"{base}/{ticket[:-1]}{'A' if ticket[-1] != 'A' else 'B'}", headers=bearer(ana)),
        httpx2.get(f"{base}/x", headers=bearer(ana)),
    ]
    assert {each.status_code for each in refused} == {404}
    assert len({each.content for each in refused}) == 1
    assert httpx2.post(link, headers=bearer(ana)).status_code == 405
    evil = httpx2.get(link, headers={**bearer(ana), "Host": "evil.example"})
    assert evil.status_code in (403, 421)
    assert httpx2.get(link, headers=bearer(ana)).content == LARGE  # none of that used it up


def test_of_many_at_once_one_succeeds_in_whatever_process(
    mailquery: CommandLine, guarded: tuple[str, Callable[..., str]], id: str
) -> None:
    url, key = guarded
    ana = key("ana")
    link = link_of(call(url, ana, "get_attachment", id=id))
    with serving(mailquery) as second, ThreadPoolExecutor(8) as pool:
        path = link.removeprefix(url.removesuffix("/mcp"))
        bases = [each.removesuffix("/mcp") for each in (url, second)]
        got = list(pool.map(lambda number: httpx2.get(bases[number % 2] + path, headers=bearer(ana)), range(12)))
    assert sorted(each.status_code for each in got) == [200, *[404] * 11]


def test_policy_and_keys_are_looked_at_again_when_it_is_fetched(
    mailquery: CommandLine, guarded: tuple[str, Callable[..., str]], id: str
) -> None:
    url, key = guarded
    ana = key("ana")
    link = link_of(call(url, ana, "get_attachment", id=id))
    path = link.removeprefix(url.removesuffix("/mcp"))
    denied = {"MAILQUERY_POLICY__DENIED_ATTACHMENT_TYPES": '["application/octet-stream"]'}
    with serving(mailquery, **denied) as strict:
        assert httpx2.get(strict.removesuffix("/mcp") + path, headers=bearer(ana)).status_code == 404
    without = {"MAILQUERY_POLICY__ALLOWED_TOOLS": '["read_message"]'}
    with serving(mailquery, **without) as strict:
        assert httpx2.get(strict.removesuffix("/mcp") + path, headers=bearer(ana)).status_code == 404
    (shown,) = [each for each in mailquery("keys", "list", "--json").json["keys"] if each["user"] == "ana"]
    assert mailquery("keys", "revoke", shown["id"]).code == 0
    assert httpx2.get(link, headers=bearer(ana)).status_code == 401


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_client_without_authentication_fetches_it_from_this_machine(
    mailquery: CommandLine, id: str, mode: str
) -> None:
    with serving(mailquery, **SETTINGS, MAILQUERY_HTTP__TRUSTED_PROXIES='["127.0.0.1"]') as url:
        through_tls = call(url, "unused", "get_attachment", {"X-Forwarded-Proto": "https"}, id=id)
        assert link_of(through_tls).startswith("https://127.0.0.1:")
        async with Client(url, mode=mode) as client:
            result = await client.call_tool("get_attachment", {"id": id})
            assert result.structured_content is not None
            link = result.structured_content["download"]
            read = await client.call_tool("read_attachment", {"id": id})
            assert read.structured_content is not None
            assert read.structured_content["state"] == "unsupported"
        assert httpx2.get(link).content == LARGE
        assert httpx2.get(link).status_code == 404
        foreign = httpx2.get(link, headers={"Origin": "https://evil.example"})
        assert foreign.status_code == 403

"""The operator's policy, from the settings to what a client of a running server sees."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from end_to_end.conftest import CommandLine, letter, write_mbox
from end_to_end.test_serving import HANDSHAKE, message, post

ADA, EVE = b"Ada Example <ada@example.org>", b"Eve <eve@evil.example>"
SEARCH = {"name": "search_messages", "arguments": {"query": "badgers"}}


@pytest.fixture
def configured(mailquery: CommandLine, tmp_path: Path) -> CommandLine:
    """Four messages of Ada and two of Eve, and a settings folder of their own."""
    (tmp_path / "config").mkdir()
    mailquery.environment["MAILQUERY_CONFIG_DIR"] = str(tmp_path / "config")
    raws = [letter(n) for n in range(4)] + [letter(n).replace(ADA, EVE) for n in (4, 5)]
    done = mailquery("import", "--no-embed", write_mbox(tmp_path / "mail.mbox", raws))
    assert done.code == 0, done.err
    return mailquery


def write_policy(mailquery: CommandLine, text: str) -> None:
    (Path(mailquery.environment["MAILQUERY_CONFIG_DIR"]) / "base.yaml").write_text(text)


NO_EVE = "policy: {denied_domains: [evil.example]}"
NO_ADA = "policy: {denied_senders: [ada@example.org], allowed_tools: [search_messages]}"


def wait_for(stream: IO[bytes], text: str) -> None:
    for line in stream:
        if text in line.decode():
            return
    raise AssertionError(f"the server never said {text!r}")


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("policy: {denied_sender: [a@x.example]}", "did you mean `denied_senders`?"),
        ("policy: {allowed_tools: [serch_messages]}", "did you mean search_messages?"),
        ("policy: {denied_headers: [{name: X-Class, regex: '('}]}", "regex"),
        ("policy: {denied_headers: [{name: X-Class}]}", "exactly one of exact, contains and regex"),
        ("policy: {denied_headers: [{name: X-Class, exakt: a}]}", "denied_headers"),
        ("policy: {denied_headers: [{name: 'X Class', exact: a}]}", "denied_headers"),
        ("policy: {denied_senders: [evil.example]}", "denied_domains"),
        ("policy: {denied_domains: [a@evil.example]}", "denied_domains"),
        ("policy: {denied_attachment_types: [archiv]}", "did you mean archive?"),
        ("policy: {date_floor: yesterday}", "date_floor"),
    ],
)
def test_a_mistake_stops_the_start(configured: CommandLine, policy: str, said: str) -> None:
    write_policy(configured, policy)
    for command in (("search", "badgers"), ("serve", "--transport", "stdio")):
        done = configured(*command)
        assert done.code != 0
        assert said in done.err
        assert "Traceback" not in done.err
        assert not done.out


def test_commands_show_nothing_until_the_policy_is_applied(configured: CommandLine) -> None:
    write_policy(configured, NO_EVE)
    refused = configured("search", "badgers")
    assert refused.code != 0
    assert "mailquery policy apply" in refused.err
    assert configured("policy", "show", "--json").json["in_force"] is False
    applied = configured("policy", "apply", "--json")
    assert applied.json == {"in_force": True, "messages": 6, "withheld": 2, "waiting": 0, "unknown": []}
    assert len(configured("search", "badgers", "--json").json["messages"]) == 4
    assert configured.count() == 4
    write_policy(configured, "")
    assert configured("stats", "--json").code != 0


@pytest.fixture
def served(configured: CommandLine) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    write_policy(configured, NO_EVE)
    process = configured.start("serve", "--transport", "http", "--port", "0", stderr=subprocess.PIPE)
    assert process.stderr is not None
    url = None
    for line in process.stderr:
        if found := re.search(rb"http://127\.0\.0\.1:\d+/mcp", line):
            url = found[0].decode()
            break
    assert url is not None
    yield url, process
    process.kill()
    process.wait()
    process.stderr.close()


def found(answer: Any) -> int:
    total: int = answer["result"]["structuredContent"]["total"]
    return total


def ask_until_judged(url: str) -> Any:
    while True:
        _, answer = post(url, message(1, "tools/call", SEARCH))
        coverage = answer["result"]["structuredContent"]["coverage"]
        if not any("being applied" in note for note in coverage.get("notes", ())):
            return answer


def test_a_running_http_server_takes_up_a_changed_policy(
    configured: CommandLine, served: tuple[str, "subprocess.Popen[bytes]"]
) -> None:
    url, process = served
    assert process.stderr is not None
    assert found(ask_until_judged(url)) == 4
    write_policy(configured, NO_ADA)
    process.send_signal(signal.SIGHUP)
    wait_for(process.stderr, "the policy of the settings is in force")
    assert found(ask_until_judged(url)) == 2
    _, listed = post(url, message(2, "tools/list", {}))
    assert [tool["name"] for tool in listed["result"]["tools"]] == ["search_messages"]

    write_policy(configured, "policy: {allowed_tools: [nonsense]}")
    process.send_signal(signal.SIGHUP)
    wait_for(process.stderr, "the policy stays as it was")
    assert found(ask_until_judged(url)) == 2
    assert configured("policy", "show").code != 0


def test_a_running_stdio_server_takes_up_a_changed_policy(configured: CommandLine) -> None:
    assert configured("policy", "apply").code == 0
    process = configured.start(
        "serve", "--transport", "stdio", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(HANDSHAKE)
        process.stdin.flush()
        process.stdout.readline()

        def ask(number: int) -> Any:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(message(number, "tools/call", SEARCH))
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        assert found(ask(2)) == 6
        write_policy(configured, NO_EVE)
        process.send_signal(signal.SIGHUP)
        wait_for(process.stderr, "the policy of the settings is in force")
        number = 3
        while found(answer := ask(number)) != 4:
            assert "being applied" in json.dumps(answer)
            number += 1
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()

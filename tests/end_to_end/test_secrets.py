"""The master key and the secrets of the settings, as commands show them."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from end_to_end.conftest import CONSENTED, CommandLine
from end_to_end.test_serving import HANDSHAKE, message
from support import planted


def begin(mailquery: CommandLine) -> None:
    done = mailquery("defaults", "set", "search_messages.limit", "7")
    assert done.code == 0, done.err


def test_the_master_key_is_rotated_in_its_file(mailquery: CommandLine) -> None:
    begin(mailquery)
    ids = []
    for _ in range(2):
        done = mailquery("keys", "rotate-master", "--json", MAILQUERY_MASTER_KEY="")  # an empty variable is none
        assert done.code == 0, done.err
        ids.append(done.json["key"])
    assert ids[0] != ids[1]
    key = mailquery.home / "master.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_text().split()) == 1
    key.chmod(0o640)
    refused = mailquery("keys", "rotate-master", MAILQUERY_MASTER_KEY="")  # an empty variable is none
    assert (refused.code, "chmod 600" in refused.err) == (2, True)
    assert key.read_text().strip() not in refused.err


def test_a_master_key_in_the_environment_is_its_owners_to_change(mailquery: CommandLine) -> None:
    begin(mailquery)
    refused = mailquery("keys", "rotate-master")
    assert (refused.code, "MAILQUERY_MASTER_KEY" in refused.err) == (2, True)
    assert planted.MASTER_KEY not in refused.err
    done = mailquery(
        "keys", "rotate-master", MAILQUERY_MASTER_KEY="0f" * 32, MAILQUERY_PREVIOUS_MASTER_KEY=planted.MASTER_KEY
    )
    assert done.code == 0, done.err
    assert not (mailquery.home / "master.key").exists()


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_the_settings_show_no_secret(mailquery: CommandLine, options: tuple[str, ...]) -> None:
    shown = mailquery("config", "show", *options)
    assert "master_key" in shown.text
    assert not [what for what, value in planted.PLANTED.items() if value in shown.text + shown.err]


@pytest.mark.parametrize(
    "arguments", [("keys", "rotate-master"), ("config", "show"), ("--debug", "keys", "rotate-master")]
)
def test_a_master_key_that_is_none_is_refused_without_being_shown(
    mailquery: CommandLine, arguments: tuple[str, ...]
) -> None:
    begin(mailquery)
    done = mailquery(*arguments, MAILQUERY_MASTER_KEY="quince-marmalade")
    assert "quince" not in done.text + done.err
    assert done.code == (0 if "config" in arguments else 2)


def _open_to_others(key: Path) -> None:
    key.chmod(0o640)


def _no_key(key: Path) -> None:
    key.write_text("quince-marmalade")


def _lost(key: Path) -> None:
    key.unlink()


@pytest.mark.parametrize("spoil", [_open_to_others, _no_key, _lost])
def test_a_caller_is_told_of_a_master_key_and_not_where_it_lies(
    mailquery: CommandLine, spoil: Callable[[Path], None]
) -> None:
    mailquery.environment |= {"MAILQUERY_MASTER_KEY": "", "MAILQUERY_SYNC__BACKGROUND": "false"}
    added = mailquery(
        *("accounts", "add", "ana@example.com", "--name", "work", "--host", "127.0.0.1", "--port", "9"),
        *("--security", "none", "--no-test", "--password-stdin"),
        stdin=f"{planted.PASSWORD}\n".encode(),
    )
    assert added.code == 0, added.err
    spoil(mailquery.home / "master.key")
    calls = [
        message(2, "tools/call", {"name": "sync_account", "arguments": {"account": "work"}}),
        message(3, "tools/call", {"name": "sync_status", "arguments": {}}),
    ]
    done = mailquery("serve", "--transport", "stdio", stdin=HANDSHAKE + b"".join(calls), **CONSENTED)
    assert done.code == 0, done.err
    answers = {answer["id"]: answer["result"] for answer in map(json.loads, done.text.splitlines())}
    assert "master.key" in json.dumps(answers[2])
    assert str(mailquery.home) not in done.text
    here = mailquery("accounts", "test", "work")
    assert str(mailquery.home / "master.key") in here.err  # whoever runs it is told where

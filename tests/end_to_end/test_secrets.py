"""The master key and the secrets of the settings, as commands show them."""

import stat

import pytest

from end_to_end.conftest import CommandLine
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

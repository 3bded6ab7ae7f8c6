"""docs/configuration.md and .env.example have every setting, as the code has it."""

import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from dotenv import dotenv_values

from mailquery.settings import Settings
from mcpkit.config import load_settings
from mcpkit.errors import Fault
from unit.scripts.written import ROOT, program

NOT_SETTINGS = {
    "MAILQUERY_CONFIG_DIR",
    "MAILQUERY_ACCOUNT_PASSWORD",
    "MAILQUERY_ENVIRONMENT",
    "MAILQUERY_SEARCH_MESSAGES_LIMIT",
}


@pytest.fixture(scope="module")
def table() -> ModuleType:
    return program("settings_table")


def test_the_pages_are_what_the_code_says(table: ModuleType) -> None:
    assert table.main(["--check", str(ROOT / "docs" / "configuration.md"), str(ROOT / ".env.example")]) == 0, (
        "run ./scripts/docs"
    )


def test_every_setting_is_in_both(table: ModuleType) -> None:
    loaded = load_settings(Settings, Path("/nonexistent"), dotenv=None, environ={})
    keys = {each.key for each in loaded.effective()} - {"environment"}
    assert {each.key for section in table.sections() for each in section.settings} == keys


def test_the_example_can_be_used_as_it_is(tmp_path: Path) -> None:
    """With every line of a setting taken in, the defaults come out."""
    example = (ROOT / ".env.example").read_text("utf-8")
    written = tmp_path / ".env"
    written.write_text(re.sub(r"^#(MAILQUERY_\w+=)", r"\1", example, flags=re.MULTILINE), "utf-8")
    variables = {name: value or "" for name, value in dotenv_values(written).items() if name not in NOT_SETTINGS}
    loaded = load_settings(Settings, Path("/nonexistent"), dotenv=None, environ=variables).settings
    plain = load_settings(Settings, Path("/nonexistent"), dotenv=None, environ={}).settings
    assert loaded == plain


def test_the_base_file_says_the_defaults() -> None:
    from_file = load_settings(Settings, ROOT / "config", dotenv=None, environ={}).settings
    assert from_file == load_settings(Settings, Path("/nonexistent"), dotenv=None, environ={}).settings


def test_what_the_base_file_has_commented_out_is_known(tmp_path: Path) -> None:
    """Some of these lines are examples, whose values must be understood; none may name what there is not."""
    base = (ROOT / "config" / "base.yaml").read_text("utf-8")
    _, _, settings = base.partition("\n\n")
    lines = re.sub(r"^( *)# ", r"\1", settings, flags=re.MULTILINE)
    (tmp_path / "base.yaml").write_text(lines, "utf-8")
    assert yaml.safe_load(lines)["http"]["port"] == 8765
    needed = {
        "MAILQUERY_AUTH__INTROSPECTION__CLIENT_SECRET": "x",
        "MAILQUERY_CONSENT__GRANTED_BY": "ana",
        "MAILQUERY_CONSENT__REASON": "a test",
    }
    try:
        load_settings(Settings, tmp_path, dotenv=None, environ=needed)
    except Fault as fault:
        pytest.fail(fault.message)


@pytest.mark.parametrize("environment", ["development", "staging", "production"])
def test_every_environment_can_be_chosen(environment: str) -> None:
    chosen = {"MAILQUERY_ENVIRONMENT": environment}
    settings = load_settings(Settings, ROOT / "config", dotenv=None, environ=chosen).settings
    assert settings.auth.strategies == (() if environment == "development" else ("api-keys",))

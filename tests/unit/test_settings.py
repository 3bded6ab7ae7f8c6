"""Which settings of authentication belong together, and which cannot be meant."""

from pathlib import Path

import pytest

from mailquery import settings
from mailquery.settings import Settings
from mcpkit.config import load_settings
from mcpkit.errors import Fault

ISSUER = {"MAILQUERY_AUTH__ISSUER": "https://login.example.com"}


def loaded(**variables: str) -> Settings:
    return load_settings(Settings, Path("/nonexistent"), dotenv=None, environ=variables).settings


def test_nothing_is_on_by_default() -> None:
    assert loaded().auth.strategies == ()
    assert loaded().http.host == "127.0.0.1"


@pytest.mark.parametrize("written", ["api-keys,jwt", "api-keys jwt", '["api-keys", "jwt"]'])
def test_strategies_are_words(written: str) -> None:
    auth = loaded(MAILQUERY_AUTH__STRATEGIES=written, MAILQUERY_AUTH__USERS='{"ana": ["*"]}', **ISSUER).auth
    assert auth.strategies == ("api-keys", "jwt")
    assert auth.users == {"ana": ("*",)}
    assert auth.uses_oauth


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"MAILQUERY_AUTH__STRATEGIES": "api-key"}, "strategies"),
        ({"MAILQUERY_AUTH__STRATEGIES": "jwt"}, "issuer"),
        ({"MAILQUERY_AUTH__STRATEGIES": "introspection", **ISSUER}, "client_id"),
        ({"MAILQUERY_AUTH__STRATEGIES": "jwt", "MAILQUERY_AUTH__ALGORITHMS": "none", **ISSUER}, "algorithms"),
        ({"MAILQUERY_AUTH__STRATEGIES": "jwt", "MAILQUERY_AUTH__ALGORITHMS": "RS256,HS256", **ISSUER}, "algorithms"),
        ({"MAILQUERY_AUTH__STRATEGIES": "jwt", "MAILQUERY_AUTH__ALGORITHMS": "[]", **ISSUER}, "algorithms"),
        ({"MAILQUERY_AUTH__ISSUER": "http://login.example.com"}, "https"),
        ({"MAILQUERY_AUTH__JWKS_URL": "file:///etc/passwd"}, "jwks_url"),
        ({"MAILQUERY_AUTH__INTROSPECTION__URL": "http://10.0.0.1/introspect"}, "url"),
        ({"MAILQUERY_AUTH__RESOURCE": "https://mail.example.com/mcp#x"}, "resource"),
        ({"MAILQUERY_AUTH__STRATEGY": "jwt"}, "STRATEGIES"),
        ({"MAILQUERY_AUTH__CLOCK_SKEW_SECONDS": "86400"}, "clock_skew_seconds"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_stops_the_start(variables: dict[str, str], said: str) -> None:
    with pytest.raises(Fault, match=said):
        loaded(**variables)


def test_the_clients_secret_is_in_no_listing() -> None:
    variables = {
        "MAILQUERY_AUTH__STRATEGIES": "introspection",
        "MAILQUERY_AUTH__INTROSPECTION__CLIENT_ID": "rs",
        "MAILQUERY_AUTH__INTROSPECTION__CLIENT_SECRET": "swordfish",
        **ISSUER,
    }
    assert "swordfish" not in repr(loaded(**variables))


def test_what_is_no_setting_may_stand_in_the_file_of_variables_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "team.yaml").write_text("log: {level: debug}\n", "utf-8")
    (tmp_path / ".env").write_text(
        f"MAILQUERY_CONFIG_DIR={tmp_path}\nMAILQUERY_ENVIRONMENT=team\nMAILQUERY_SEARCH_MESSAGES_LIMIT=5\n"
        "MAILQUERY_ACCOUNT_PASSWORD=swordfish\n",
        "utf-8",
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAILQUERY_CONFIG_DIR", "")
    assert settings.load_settings().log.level == "debug"
    assert settings.environment()["MAILQUERY_SEARCH_MESSAGES_LIMIT"] == "5"
    monkeypatch.setenv("MAILQUERY_SEARCH_MESSAGES_LIMIT", "6")
    assert settings.environment()["MAILQUERY_SEARCH_MESSAGES_LIMIT"] == "6"


def test_a_variable_that_is_nothing_at_all_is_an_error_there_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("MAILQUERY_SERCH_MESSAGES_LIMIT=5\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Fault, match=r"unknown variable MAILQUERY_SERCH_MESSAGES_LIMIT in \.env"):
        settings.load_settings()

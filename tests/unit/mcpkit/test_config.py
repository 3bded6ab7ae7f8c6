from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import BaseModel, Field, SecretStr

from mcpkit.config import DEFAULT_LAYER, MASK, LayeredSettings, Loaded, load_settings
from mcpkit.errors import ErrorCode, Fault


class Http(BaseModel):
    port: int = Field(default=8765, ge=1)
    allowed_hosts: list[str] = []


class Settings(LayeredSettings):
    prefix: ClassVar[str] = "SAMPLE_"

    home: str = "here"
    token: SecretStr | None = None
    http: Http = Http()


def load(folder: Path, **environ: str) -> Loaded[Settings]:
    return load_settings(Settings, folder, dotenv=folder / ".env", environ=environ)


def problems(folder: Path, **environ: str) -> str:
    with pytest.raises(Fault) as caught:
        load(folder, **environ)
    assert caught.value.code is ErrorCode.CONFIGURATION
    return caught.value.message


def test_without_any_layer_the_defaults_are_in_force(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    assert loaded.settings.http.port == 8765
    assert {setting.layer for setting in loaded.effective()} == {DEFAULT_LAYER}


def test_later_layers_win_and_each_value_tells_its_layer(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("home: base\nhttp:\n  port: 1\n  allowed_hosts: [a]\n")
    (tmp_path / "team.yaml").write_text("home: team\nhttp: {port: 2}\n")
    (tmp_path / ".env").write_text("SAMPLE_ENVIRONMENT=team\nSAMPLE_HTTP__PORT=3\nOTHER=1\n")
    loaded = load(tmp_path, SAMPLE_HTTP__PORT="4", UNRELATED="x")
    assert loaded.settings == Settings(environment="team", home="team", http=Http(port=4, allowed_hosts=["a"]))
    layers = {setting.key: setting.layer for setting in loaded.effective()}
    assert layers == {
        "environment": "SAMPLE_ENVIRONMENT in .env",
        "home": str(tmp_path / "team.yaml"),
        "token": DEFAULT_LAYER,
        "http.port": "SAMPLE_HTTP__PORT",
        "http.allowed_hosts": str(tmp_path / "base.yaml"),
    }


def test_an_empty_variable_is_one_that_is_not_set(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("home: base\n")
    loaded = load(tmp_path, SAMPLE_HOME="", SAMPLE_ENVIRONMENT="", SAMPLE_HTTP__PORT="")
    assert loaded.settings == Settings(home="base")


def test_a_list_in_a_variable_is_json(tmp_path: Path) -> None:
    assert load(tmp_path, SAMPLE_HTTP__ALLOWED_HOSTS='["a", "b"]').settings.http.allowed_hosts == ["a", "b"]
    assert "JSON" in problems(tmp_path, SAMPLE_HTTP__ALLOWED_HOSTS="[a")


def test_an_unknown_key_names_the_nearest_known_one(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("http:\n  prot: 1\n")
    assert "unknown key `http.prot`; did you mean `port`?" in problems(tmp_path)


def test_an_unknown_variable_names_the_nearest_known_one(tmp_path: Path) -> None:
    assert "unknown variable SAMPLE_HOEM; did you mean `SAMPLE_HOME`?" in problems(tmp_path, SAMPLE_HOEM="x")
    message = problems(tmp_path, SAMPLE_HTTP__PROT="1")
    assert "unknown variable SAMPLE_HTTP__PROT; did you mean `SAMPLE_HTTP__PORT`?" in message
    message = problems(tmp_path, SAMPLE_HTTPS__LONG_NAME_OF_SETTING="1")
    assert "unknown variable SAMPLE_HTTPS__LONG_NAME_OF_SETTING; known are SAMPLE_ENVIRONMENT, " in message


def test_an_unknown_variable_in_the_env_file_says_where_it_is(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SAMPLE_HOEM=1\n")
    assert "unknown variable SAMPLE_HOEM in .env" in problems(tmp_path)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("nothing: 1\n")
    message = problems(tmp_path, SAMPLE_HOEM="x")
    assert "`nothing`" in message
    assert "SAMPLE_HOEM" in message


def test_a_wrong_value_names_its_key_and_layer_and_is_not_repeated(tmp_path: Path) -> None:
    message = problems(tmp_path, SAMPLE_HTTP__PORT="swordfish")
    assert "`http.port` (SAMPLE_HTTP__PORT)" in message
    assert "swordfish" not in message


def test_secrets_are_masked_and_refused_in_yaml(tmp_path: Path) -> None:
    loaded = load(tmp_path, SAMPLE_TOKEN="swordfish")
    assert loaded.settings.token is not None
    assert loaded.settings.token.get_secret_value() == "swordfish"
    assert [setting.value for setting in loaded.effective() if setting.key == "token"] == [MASK]
    (tmp_path / "base.yaml").write_text("token: swordfish\n")
    message = problems(tmp_path)
    assert "SAMPLE_TOKEN" in message
    assert "swordfish" not in message


def test_an_environment_without_its_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "production.yaml").write_text("{}")
    message = problems(tmp_path, SAMPLE_ENVIRONMENT="prodution")
    assert "does not exist; did you mean `production`?" in message


def test_a_file_cannot_choose_the_environment(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("environment: team\n")
    assert "`environment` chooses which file is read; set SAMPLE_ENVIRONMENT instead" in problems(tmp_path)


def test_broken_yaml_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("home: a\nhttp: [\n")
    assert "base.yaml, line 3" in problems(tmp_path)
    (tmp_path / "base.yaml").write_text("- a\n")
    assert "must hold keys and values" in problems(tmp_path)

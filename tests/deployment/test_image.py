"""The Dockerfile: that what it copies is there, and that what it sets is understood."""

import fnmatch
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

from deployment.files import ROOT, settings_of
from mailquery import __version__

DOCKERFILE = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text("utf-8"))


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)


def test_what_is_copied_is_there_and_not_left_out() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    for copied in instructions("COPY"):
        *sources, _ = [word for word in copied.split() if not word.startswith("--")]
        if "--from=" in copied:
            continue
        for source in sources:
            assert (ROOT / source).exists(), source
            assert any(fnmatch.fnmatch(source, pattern) for pattern in kept), source


def test_the_server_starts_with_its_variables_and_asks_for_keys() -> None:
    pairs = [pair for line in instructions("ENV") for pair in re.findall(r"(MAILQUERY_\w+)=(\S+)", line)]
    variables = {name: value for name, value in pairs if name != "MAILQUERY_CONFIG_DIR"}
    settings = settings_of(variables)
    assert settings.http.host == "0.0.0.0"
    assert settings.auth.strategies == ("api-keys",)
    assert settings.home == Path("/data")


def test_it_runs_as_nobody_in_particular() -> None:
    (user,) = instructions("USER")
    assert user == "${UID}:${UID}"
    assert int(re.findall(r"^ARG UID=(\d+)$", DOCKERFILE, re.MULTILINE)[0]) > 999


def test_registries_find_the_same_name_and_version_everywhere() -> None:
    about = json.loads((ROOT / "server.json").read_text("utf-8"))
    assert f"ARG MCP_SERVER_NAME={about['name']}" in DOCKERFILE
    assert 'io.modelcontextprotocol.server.name="${MCP_SERVER_NAME}"' in DOCKERFILE
    assert f"ARG VERSION={__version__}\n" in DOCKERFILE
    assert about["version"] == __version__
    assert f"newTag: {__version__}\n" in (ROOT / "deploy" / "kubernetes" / "kustomization.yaml").read_text("utf-8")
    assert len(about["description"]) <= 100  # of the schema


def test_an_installed_program_finds_the_settings_of_the_checkout(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path))
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    asking = "from mailquery.settings import load_settings_with_layers as l; print(l().layers['metrics.port'])"
    variables = {"PYTHONPATH": str(tmp_path / "site"), "MAILQUERY_ENVIRONMENT": "production"}
    done = subprocess.run([sys.executable, "-c", asking], env=variables, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == str(tmp_path / "site" / "mailquery" / "config" / "production.yaml"), done.stderr

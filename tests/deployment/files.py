"""What is shipped to run the server with, as it stands in the checkout."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mailquery.settings import Settings
from mcpkit.config import load_settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "mailquery.json"
_DEFAULT = re.compile(r"\$\{(\w+):-([^${}]*)\}")  # the innermost: one may stand in the default of another


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def alerts() -> Iterator[Mapping[str, Any]]:
    for group in read_yaml(RULES)["groups"]:
        yield from group["rules"]


def interpolated(text: str, variables: Mapping[str, str] | None = None) -> str:
    """As Compose does it, with `variables`, and the defaults that docker-compose.yml gives the others."""
    given = variables or {}
    while (found := _DEFAULT.sub(lambda match: given.get(match[1]) or match[2], text)) != text:
        text = found
    return text


def settings_of(variables: Mapping[str, str]) -> Settings:
    """As the server reads them. Raises Fault where it would not start."""
    return load_settings(Settings, ROOT / "config", dotenv=None, environ=variables).settings


def program(name: str) -> str | None:
    from shutil import which

    return which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/bin")

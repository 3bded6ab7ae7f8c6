"""Grafana's dashboard: that it can be shown, and that Prometheus understands what it asks."""

import json
import re
import subprocess
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployment.files import DASHBOARD, DEPLOY, ROOT, program, read_yaml

# Figures without a panel, and why.
NOT_SHOWN = {
    "process_virtual_memory_bytes": "address space tells nothing of the memory that is used",
    "process_max_fds": "a limit that stays; with several workers of one process, where open files are a sum",
}
FIGURE = re.compile(r"\b(?:mcp|mailquery|process)_[a-z_]+")

BOARD = json.loads(DASHBOARD.read_text("utf-8"))
PANELS = BOARD["panels"]


def expressions() -> Iterator[str]:
    for panel in PANELS:
        yield from (target["expr"] for target in panel.get("targets", ()))


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )


def test_no_panel_lies_on_another_or_beside_the_page() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    for one, other in combinations(PANELS, 2):
        assert not overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)


def test_every_panel_asks_the_chosen_source_about_the_chosen_servers() -> None:
    asking = [panel for panel in PANELS if panel["type"] != "row"]
    assert all(panel["targets"] for panel in asking)
    for panel in asking:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert all("$instance" in target["expr"] for target in panel["targets"]), panel["title"]


def test_grafana_is_given_the_folder_and_the_source_that_the_dashboard_names() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    (source,) = read_yaml(provisioning / "datasources" / "prometheus.yml")["datasources"]
    variables: dict[str, Any] = {each["name"]: each for each in BOARD["templating"]["list"]}
    assert variables["datasource"]["current"]["value"] == source["uid"]
    (provider,) = read_yaml(provisioning / "dashboards" / "mailquery.yml")["providers"]
    volumes = read_yaml(DEPLOY.parent / "docker-compose.yml")["services"]["grafana"]["volumes"]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in volumes


def test_prometheus_understands_what_is_asked(tmp_path: Path) -> None:
    promtool = program("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    plain = [re.sub(r"\$__rate_interval", "5m", asked.replace("$instance", ".*")) for asked in expressions()]
    rules = [{"record": f"panel:{number}", "expr": asked} for number, asked in enumerate(plain)]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), "utf-8")
    done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def documented() -> set[str]:
    """Those that a server gives: that the page has them, and no others, another test sees to."""
    page = (ROOT / "docs" / "observability.md").read_text("utf-8")
    return {line[3:].partition("`")[0].partition("{")[0] for line in page.splitlines() if FIGURE.match(line, 3)}


def test_every_figure_has_a_panel_or_a_reason_why_it_has_none() -> None:
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for text in expressions() for name in FIGURE.findall(text)}
    assert len(shown) > 30
    assert documented() - shown == set(NOT_SHOWN)

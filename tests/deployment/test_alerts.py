"""The alerts: that Prometheus understands them, that each is raised when it is due and only then, and that each has a
page that says what to do."""

import re
import subprocess
from pathlib import Path

import pytest

from deployment.files import DEPLOY, ROOT, RULES, alerts, program, read_yaml
from mcpkit.errors import Category, ErrorCode

CASES = Path(__file__).with_name("alerts.yml")
RUNBOOKS = ROOT / "docs" / "runbooks"
PARTS = ("## What it means", "## What users notice", "## How to look", "## How to end it")
NAMES = [str(rule["alert"]) for rule in alerts()]


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", RULES),
        ("check", "config", DEPLOY / "prometheus" / "prometheus.yml"),
        ("test", "rules", CASES),
    ],
    ids=lambda arguments: f"{arguments[0]} {arguments[1]}",
)
def test_prometheus_agrees(arguments: tuple[str | Path, ...]) -> None:
    promtool = program("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_each_is_tried_where_it_is_due_and_where_it_is_not(name: str) -> None:
    expected = [
        check["exp_samples"]
        for case in read_yaml(CASES)["tests"]
        for check in case["promql_expr_test"]
        if f'alertname="{name}"' in check["expr"]
    ]
    assert any(expected), "no case in which it is raised"
    assert not all(expected), "no case in which it is not"


@pytest.mark.parametrize("rule", list(alerts()), ids=lambda rule: str(rule["alert"]))
def test_each_says_what_is_wrong_and_where_it_is_explained(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert {"summary", "description", "runbook_url"} == set(rule["annotations"])
    page = (ROOT / rule["annotations"]["runbook_url"]).read_text("utf-8")
    assert page.startswith(f"# {rule['alert']}\n")
    assert [line for line in page.splitlines() if line.startswith("## ")] == list(PARTS)


def test_no_page_is_left_of_an_alert_that_is_gone() -> None:
    assert sorted(page.stem for page in RUNBOOKS.glob("*.md") if page.stem != "README") == sorted(NAMES)
    listed = re.findall(r"\]\((\w+)\.md\)", (RUNBOOKS / "README.md").read_text("utf-8"))
    assert listed == NAMES


def test_errors_of_the_server_are_those_of_the_taxonomy() -> None:
    (rule,) = [rule for rule in alerts() if rule["alert"] == "MailqueryHighErrorRate"]
    (codes,) = re.findall(r'code=~"([A-Z_|]+)"', rule["expr"])
    assert codes.split("|") == [code.name for code in ErrorCode if code.category is Category.SERVER]

"""What the alerts and the dashboard ask Prometheus for is what a server gives."""

import re
import socket
from collections.abc import Iterator

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from deployment.files import alerts
from deployment.test_dashboard import expressions
from end_to_end.conftest import CommandLine
from end_to_end.served import serving

METRIC = re.compile(r"\b((?:mcp|mailquery|process)_[a-z_]+)(?:\{([^}]*)\})?")
LABEL = re.compile(r"([a-z_]+)\s*(?:=|!)")
OF_WORKERS = {
    "mcp_workers",
    "mcp_worker_restarts_total",
    "mcp_worker_hangs_total",
}  # only the process that starts workers gives these
OF_PROMETHEUS = {"instance", "job"}  # which it adds itself


def asked() -> Iterator[tuple[str, frozenset[str]]]:
    """Names of figures, and the labels that they are chosen by."""
    texts = [*(str(rule["expr"]) for rule in alerts()), *expressions()]
    for text in texts:
        for name, labels in METRIC.findall(text):
            yield name, frozenset(LABEL.findall(labels)) - OF_PROMETHEUS


@pytest.fixture
def given(mailquery: CommandLine) -> dict[str, set[str]]:
    """The names that a server gives, with their labels."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with serving(mailquery, MAILQUERY_METRICS__PORT=str(port)) as url:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_accounts"}}
        for name in ("list_accounts", "read_message"):  # one is answered, the other fails
            body["params"] = {"name": name, "arguments": {}}
            httpx2.post(url, json=body)
        text = httpx2.get(f"http://127.0.0.1:{port}/metrics").text
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
        found.setdefault(f"{family.name}_total" if family.type == "counter" else family.name, set())
    return found


def test_every_figure_that_is_asked_for_is_given(given: dict[str, set[str]]) -> None:
    wanted = set(asked())
    assert len(wanted) > 30
    assert sorted({name for name, _ in wanted if name not in given} - OF_WORKERS) == []
    unknown = {
        (name, label) for name, labels in wanted for label in labels if given.get(name) and label not in given[name]
    }
    assert unknown == set()

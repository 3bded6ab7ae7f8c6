"""The manifests: what can be seen without a cluster. `scripts/check-deploy` holds them to the schemas of Kubernetes."""

import re
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

from deployment.files import DEPLOY, read_yaml, settings_of

FOLDER = DEPLOY / "kubernetes"
LABELS = {"app.kubernetes.io/name": "mailquery"}
POD: dict[str, Any] = read_yaml(FOLDER / "deployment.yaml")["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]


def test_every_manifest_is_applied() -> None:
    for folder in (FOLDER, FOLDER / "scaling"):
        listed = read_yaml(folder / "kustomization.yaml")
        named = {*listed["resources"], *(patch["path"] for patch in listed.get("patches", ()) if "path" in patch)}
        assert {file.name for file in folder.glob("*.yaml")} - {"kustomization.yaml"} == named


def test_the_server_starts_with_its_settings_and_asks_for_keys() -> None:
    variables = {name: value or "" for name, value in dotenv_values(FOLDER / "settings.env").items()}
    fixed = {entry["name"]: entry.get("value", "given-by-a-secret") for entry in CONTAINER["env"]}
    settings = settings_of(variables | fixed)
    assert settings.auth.strategies == ("api-keys",)
    assert settings.home.parent == Path("/data")


def test_secrets_are_named_and_never_written() -> None:
    patch = read_yaml(FOLDER / "scaling" / "same-node.yaml")["spec"]["template"]["spec"]["containers"][0]
    for entry in (*CONTAINER["env"], *patch["env"]):
        if re.search("KEY|SECRET|PASSWORD|REDIS_URL", entry["name"]):
            assert entry["valueFrom"]["secretKeyRef"]["name"] == "mailquery"
    assert not re.search("KEY|SECRET|PASSWORD", (FOLDER / "settings.env").read_text("utf-8").upper().split("\n", 1)[1])


def test_the_container_may_do_no_more_than_it_needs() -> None:
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert POD["automountServiceAccountToken"] is False
    assert POD["enableServiceLinks"] is False
    assert {mount["mountPath"] for mount in CONTAINER["volumeMounts"]} == {"/data", "/tmp"}


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_each_probe_asks_a_port_that_there_is(probe: str) -> None:
    asked = CONTAINER[probe]["httpGet"]
    assert asked["port"] in {port["name"] for port in CONTAINER["ports"]}
    assert asked["path"] == ("/ready" if probe == "readinessProbe" else "/health")


def test_everything_selects_the_pods_of_the_deployment() -> None:
    assert read_yaml(FOLDER / "deployment.yaml")["spec"]["selector"]["matchLabels"] == LABELS
    assert read_yaml(FOLDER / "deployment.yaml")["spec"]["template"]["metadata"]["labels"] == LABELS
    assert read_yaml(FOLDER / "service.yaml")["spec"]["selector"] == LABELS
    assert read_yaml(FOLDER / "disruption.yaml")["spec"]["selector"]["matchLabels"] == LABELS
    assert read_yaml(FOLDER / "network.yaml")["spec"]["podSelector"]["matchLabels"] == LABELS


def test_several_servers_run_only_where_they_share_the_volume() -> None:
    assert read_yaml(FOLDER / "volume.yaml")["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert read_yaml(FOLDER / "deployment.yaml")["spec"]["strategy"] == {"type": "Recreate"}
    together = read_yaml(FOLDER / "scaling" / "same-node.yaml")["spec"]["template"]["spec"]["affinity"]["podAffinity"]
    (term,) = together["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["topologyKey"] == "kubernetes.io/hostname"
    assert term["labelSelector"]["matchLabels"] == LABELS

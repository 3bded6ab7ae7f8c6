"""docker-compose.yml: what the engine is not needed to see. `scripts/check-deploy` has Compose itself read it."""

import re
from typing import Any

import pytest

from deployment.files import ROOT, interpolated, read_yaml, settings_of

TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
SERVICES: dict[str, dict[str, Any]] = read_yaml(ROOT / "docker-compose.yml")["services"]


def variables(**given: str) -> dict[str, str]:
    return {name: interpolated(value, given) for name, value in SERVICES["mailquery"]["environment"].items()}


def test_the_server_starts_with_its_variables_and_asks_for_keys() -> None:
    settings = settings_of({name: value for name, value in variables().items() if name != "MAILQUERY_CONFIG_DIR"})
    assert settings.auth.strategies == ("api-keys",)
    assert settings.http.host == "0.0.0.0"
    assert settings.metrics.port == 9464


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_may_do_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert re.search(r":.+", service["image"]), "no version"
    assert not service["image"].endswith(":latest")


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "proxy"])
def test_only_this_machine_reaches_what_is_published_without_tls(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


def test_the_proxy_is_believed_at_its_address_alone() -> None:
    address = interpolated(SERVICES["proxy"]["networks"]["edge"]["ipv4_address"])
    assert settings_of({"MAILQUERY_HTTP__TRUSTED_PROXIES": variables()["MAILQUERY_HTTP__TRUSTED_PROXIES"]}).http == (
        settings_of({"MAILQUERY_HTTP__TRUSTED_PROXIES": f'["{address}"]'}).http
    )


def test_a_proxy_of_ones_own_is_named_in_the_settings() -> None:
    ours = variables(DEPLOY_DOMAIN="mail.example.com")
    assert ours["MAILQUERY_HTTP__ALLOWED_HOSTS"] == '["mail.example.com"]'
    assert ours["MAILQUERY_HTTP__ALLOWED_ORIGINS"] == '["https://mail.example.com"]'
    settings = {
        "MAILQUERY_HTTP__ALLOWED_HOSTS": '["mail.example.com", "mail.example.com:8443"]',
        "MAILQUERY_HTTP__TRUSTED_PROXIES": '["10.1.2.3"]',
    }
    assert settings.items() <= variables(**settings).items()


def test_every_variable_is_explained_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text("utf-8")
    used = set(re.findall(r"\$\{(\w+)", TEXT))
    assert used
    assert [name for name in sorted(used) if not re.search(rf"^#{name}=", example, re.MULTILINE)] == []


def test_no_variable_of_the_deployment_is_taken_for_a_setting() -> None:
    """.env is given to the server as well, which refuses what it does not know."""
    used = set(re.findall(r"\$\{(\w+)", TEXT))
    assert all(name.startswith("DEPLOY_") or name in variables() for name in used)

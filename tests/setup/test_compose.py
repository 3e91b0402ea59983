"""docker-compose.yml: what can be held without an engine. `docker-compose config` checks its form in addition."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from worker import GRACE, ROLES
from workflows import search_attributes

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
ONE_SHOT = {"schema", "namespace"}


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    tag = SERVICES[name]["image"].partition(":")[2]
    assert re.fullmatch(r"\d+(\.\d+)+", tag), SERVICES[name]["image"]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_on_loopback(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOT))
def test_what_runs_is_looked_after(name: str) -> None:
    assert SERVICES[name]["healthcheck"] and SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", OURS)
def test_a_worker_has_longer_to_stop_than_it_takes(name: str) -> None:
    assert timedelta(seconds=int(OURS[name]["stop_grace_period"].rstrip("s"))) > GRACE


def test_each_role_has_its_service() -> None:
    roles = {command[command.index("--role") + 1] for s in OURS.values() if "--role" in (command := s["command"])}
    assert roles == set(ROLES) - {"all"}


@pytest.mark.parametrize("name", OURS)
def test_each_command_exists(name: str) -> None:
    """The program takes these arguments: it is asked for its help with them."""
    command = [sys.executable, "-W", "ignore", *OURS[name]["command"][1:], "--help"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_secrets_come_from_the_environment() -> None:
    secret = re.compile(r"(TOKEN|KEY|PASSWORD|PWD)$")
    for service in SERVICES.values():
        for name, value in (service.get("environment") or {}).items():
            if secret.search(name):
                assert value.startswith("${"), name


def test_nothing_but_the_listener_sees_its_key() -> None:
    sees = {name for name, service in OURS.items() if any(v.startswith("keys:") for v in service["volumes"])}
    assert sees == {"listener"}
    assert set(OURS["worker-chat"]["volumes"]) < set(OURS["listener"]["volumes"])


def test_nothing_starts_before_what_it_needs() -> None:
    order = {name: list(service.get("depends_on", {})) for name, service in SERVICES.items()}
    assert order["schema"] == ["postgresql"] and order["temporal"] == ["schema"] and order["namespace"] == ["temporal"]
    assert all(order[name] == ["namespace"] for name in OURS)
    assert all("condition" in need for s in SERVICES.values() for need in s.get("depends_on", {}).values())


def test_the_namespace_script_registers_what_the_workflows_use() -> None:
    script = (ROOT / "deploy" / "namespace.sh").read_text()
    assert all(key.name in script for key in search_attributes.ALL)

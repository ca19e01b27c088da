"""docker-compose.yml is valid and runs the same processes as the native stack."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.native import programs, servers

ROOT = Path(__file__).parents[3]
FILE = ROOT / "docker-compose.yml"
SECRETS = (
    "PREGON_AMQP_PASSWORD",
    "PREGON_ADMIN_PASSWORD",
    "PREGON_DATABASE_PASSWORD",
    "PREGON_REDIS_PASSWORD",
    "PREGON_SECRET_KEY",
    "PREGON_SOAP_PASSWORD",
)
ONE_SHOT = {"administrator", "migrate"}
IN_CONTAINER = {
    "PREGON_RUN_DIR": "/var/lib/pregon",
    "PREGON_WEB_HOST": "0.0.0.0",
    "PREGON_SOAP_HOST": "0.0.0.0",
}
PRODUCT = {program.name: program for program in programs.product(IN_CONTAINER)}
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
KEPT_ALIVE = sorted(set(SERVICES) - ONE_SHOT)


def compose_command() -> list[str] | None:
    docker = shutil.which("docker")
    plugin = docker and subprocess.run([docker, "compose", "version"], capture_output=True)
    if docker and plugin and plugin.returncode == 0:
        return [docker, "compose"]
    standalone = shutil.which("docker-compose")
    return [standalone] if standalone else None


@pytest.mark.skipif(compose_command() is None, reason="compose is not installed here")
def test_compose_accepts_the_file() -> None:
    environ = os.environ | dict.fromkeys(SECRETS, "x" * 32)
    checked = subprocess.run(
        [*(compose_command() or ()), "-f", FILE, "config", "-q"],
        env=environ,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stderr


def test_services_are_those_of_the_native_stack() -> None:
    assert set(SERVICES) == {server.name for server in servers.ALL} | set(PRODUCT) | ONE_SHOT


@pytest.mark.parametrize("name", PRODUCT)
def test_process_runs_the_same_command(name: str) -> None:
    service, program = SERVICES[name], PRODUCT[name]
    command = [word.replace("$$", "$").rstrip("\n") for word in service["command"]]
    assert command == list(program.command)
    assert program.environment.items() <= service["environment"].items()
    assert service["stop_grace_period"] == f"{program.stop_seconds}s"


@pytest.mark.parametrize("name", KEPT_ALIVE)
def test_service_is_watched_and_restarted(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", SERVICES)
def test_image_is_pinned(name: str) -> None:
    assert re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?(-[a-z]+)?", SERVICES[name]["image"])


def test_base_images_are_pinned() -> None:
    dockerfile = (ROOT / "infra/docker/Dockerfile").read_text()
    images = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert images
    assert all(re.fullmatch(r"[a-z]+:\d+\.\d+\.\d+-[a-z-]+", image) for image in images)
    assert "USER pregon" in dockerfile


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_come_from_the_environment(name: str) -> None:
    for variable, value in (SERVICES[name].get("environment") or {}).items():
        if re.search("PASS|SECRET|AUTH", variable):
            assert re.match(r"\$\{PREGON_[A-Z_]+:\?", value), variable
        if "_URL" in variable and "@" in value:
            assert re.search(r":\$\{PREGON_[A-Z_]+:\?[^}]+}@", value), variable


def test_only_the_two_doors_are_published_and_only_here() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"gateway", "soap"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_product_waits_for_the_migrations() -> None:
    for name in PRODUCT:
        after = SERVICES[name]["depends_on"]
        assert after["migrate"]["condition"] == "service_completed_successfully"

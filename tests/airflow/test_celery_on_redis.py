"""A real worker of Celery on a real Redis, with the options that `EXECUTOR=celery` becomes, in `make test-cluster`."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from ops.settings.env_file import Settings
from ops.settings.executors import executor_options
from ops.settings.profile import REPOSITORY
from tests.airflow.system import eventually
from tests.kit import cluster

cluster.package("airflow.providers.celery")

pytestmark = [pytest.mark.airflow, pytest.mark.cluster, pytest.mark.long, pytest.mark.timeout(600)]

PASSWORD = "of-this-test"
ASKED = """
import json
from dataclasses import asdict
from airflow.providers.celery.executors.celery_executor import app
from plugins.airflow_kit.celery_workers import serving
found = {queue: asdict(each) for queue, each in serving().items()}
print(json.dumps([found, list((app.control.inspect(timeout=5).conf() or {}).values())]))
"""
# What one machine runs, with the packages of several hosts installed beside it.
IMPORTED = """
import sys
from plugins.airflow_kit.preloading import preload
preload()
import plugins.airflow_kit.celery_workers, plugins.airflow_kit.local_executor, plugins.web.calls.worker_metrics
loaded = {name.partition(".")[0] for name in sys.modules}
print(loaded & {"celery", "kombu", "redis", "kubernetes", "kubernetes_asyncio", "openlineage"})
"""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[int]:
    """Its port."""
    program = cluster.program("redis-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = [
        "--bind",
        "127.0.0.1",
        "--port",
        str(port),
        "--requirepass",
        PASSWORD,
        "--save",
        "",
        "--dir",
        str(tmp_path),
    ]
    with subprocess.Popen([program, *words], stdout=subprocess.DEVNULL) as process:
        yield port
        process.terminate()


@pytest.fixture
def environment(redis: int, tmp_path: Path) -> dict[str, str]:
    settings = Settings(
        b24_base_url="https://a.bitrix24.ru",
        b24_webhook_user_id="1",
        b24_webhook_token="t",
        executor="celery",
        broker_url=f"redis://:{PASSWORD}@127.0.0.1:{redis}/0",
    )  # type: ignore[call-arg]
    options = {name: value for name, value in executor_options(settings).items() if not name.startswith("logging__")}
    given = {f"AIRFLOW__{name.upper()}": str(value) for name, value in options.items()}
    return os.environ | given | {"PYTHONPATH": str(REPOSITORY), "AIRFLOW_HOME": str(tmp_path / "airflow")}


def ended(pid: int) -> None:
    """Celery is in a session of its own: it would outlive a failed test."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for each in (*process.children(recursive=True), process):
            with suppress(psutil.NoSuchProcess):
                each.kill()


def printed(code: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_a_worker_is_counted_takes_nothing_in_advance_and_ends_when_asked(environment: dict[str, str]) -> None:
    """Late acknowledgement or a prefetched task would be delivered again, which kills its healthy first delivery."""
    answers: list[Any] = []

    def seen() -> bool:
        answers[:] = json.loads(printed(ASKED, environment))
        return bool(answers[1])

    with subprocess.Popen(
        [sys.executable, "-m", "ops.worker", "3", "recogniser"], env=environment, cwd=REPOSITORY
    ) as process:
        try:
            eventually(seen, 240, "the worker is not seen")
            found, (conf,) = answers
            assert found["recogniser"] == {"workers": 1, "slots": 3}
            assert found["portal"] == found["default"] == {"workers": 0, "slots": 0}
            assert conf["worker_disable_prefetch"] is True
            assert conf["task_acks_late"] is False
            assert conf["worker_prefetch_multiplier"] == 1
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert process.wait(120) == 0
            assert time.monotonic() - began < 75, "an idle worker has nothing to hand back"
        finally:
            ended(process.pid)


def test_one_machine_imports_none_of_it() -> None:
    """Where EXECUTOR is not set, the packages cost nothing, even where they are installed."""
    given = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    assert printed(IMPORTED, {name: value for name, value in given.items() if name != "EXECUTOR"}) == "set()"

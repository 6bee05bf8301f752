"""A worker that is asked to stop tells Celery once and its tasks until they have ended."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from include.common.errors import NotConfigured
from ops import worker
from ops.settings.env_file import Settings

# Celery in small: a child with the title of a task that hands back. A second SIGTERM to Celery is an error.
CELERY = """
import signal, subprocess, sys, time
from pathlib import Path
told = []
def on_term(*_):
    told.append(1)
    if len(told) > 1:
        sys.exit(9)
signal.signal(signal.SIGTERM, on_term)
task = subprocess.Popen([sys.executable, "-c", TASK, str(Path(sys.argv[1]))], executable=sys.executable)
task.wait()
sys.exit(0 if told else 8)
"""
TASK = """
import signal, sys, time
from pathlib import Path
from setproctitle import setproctitle
setproctitle("airflow worker -- 0199")
time.sleep(1.5)
def on_term(*_):
    Path(sys.argv[1]).write_text("handed back")
    sys.exit(0)
signal.signal(signal.SIGTERM, on_term)
Path(sys.argv[1] + ".ready").touch()
time.sleep(300)
"""


def settings_of(**values: object) -> Settings:
    given = {"b24_base_url": "https://a.bitrix24.ru", "b24_webhook_user_id": "1", "b24_webhook_token": "t"}
    return Settings(**(given | values))  # type: ignore[arg-type]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="handlers of other processes are Linux's to say")
def test_a_stop_reaches_the_tasks_once_they_can_take_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tmp_path / "said"
    code = f"TASK = {TASK!r}\n{CELERY}"
    monkeypatch.setattr(worker, "ASKED_EVERY", 0.1)
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]

    def stop() -> None:
        time.sleep(0.3)  # the task has no handler yet, and must not be killed for that
        os.kill(os.getpid(), signal.SIGTERM)

    stopper = threading.Thread(target=stop)
    stopper.start()
    try:
        assert worker.work([sys.executable, "-c", code, str(said)]) == 0
    finally:
        stopper.join()
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)
    assert said.read_text() == "handed back"


def test_a_process_without_a_handler_is_told_apart() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"]) as plain:
        assert not worker.handles(plain.pid, signal.SIGTERM)
        plain.kill()


def test_a_worker_needs_celery_and_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotConfigured, match="not celery"):
        worker.entry(settings_of())
    monkeypatch.setattr("socket.gethostname", lambda: "localhost")
    with pytest.raises(NotConfigured, match="name"):
        worker.entry(settings_of(executor="celery"))


def test_a_worker_serves_what_it_was_told_to() -> None:
    words = worker.celery(*worker.entry(settings_of(executor="celery", worker_slots=3, worker_queues="recogniser"))[3:])
    assert words[words.index("--concurrency") + 1] == "3"
    assert words[words.index("--queues") + 1] == "recogniser"

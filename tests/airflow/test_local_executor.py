"""The death of a scheduler ends no running task."""

import ast
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from airflow.executors.local_executor import LocalExecutor
from airflow.utils.state import TaskInstanceState

from ops.settings.profile import REPOSITORY
from plugins.airflow_kit.local_executor import LastingLocalExecutor

PRELOAD = """
import sys
from plugins.airflow_kit.preloading import preload
preload()
print(*sys.modules)
"""
CRASH = """
import sys
from plugins.airflow_kit.local_executor import LastingLocalExecutor

executor = LastingLocalExecutor(parallelism=1)
executor.start()
(worker,) = executor.workers
print(worker, flush=True)
try:
    raise ConnectionError("the database has gone")
finally:
    if "frozen" in sys.argv:
        import os, signal
        os.kill(worker, signal.SIGSTOP)  # as a worker whose task takes long
    executor.end()
"""


@dataclass
class Instance:
    """The part of a task instance that adoption reads."""

    state: TaskInstanceState


def crashed(folder: Path, how: str) -> tuple[int, int]:
    """(pid of the worker, exit code) of an executor whose scheduler loop has failed."""
    said = folder / "output"  # not a pipe: the worker that stays behind would keep it open
    with said.open("wb") as out:
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-c", CRASH, how]
        done = subprocess.run(command, cwd=REPOSITORY, env=environment, stdout=out, stderr=out, timeout=60, check=False)
    (worker,) = (int(line) for line in said.read_text().splitlines() if line.isdigit())
    return worker, done.returncode


def imported_by_tasks() -> set[str]:
    """The modules of ours that task functions and operators import when they run."""
    files = [REPOSITORY / "plugins/calls/tasks.py", REPOSITORY / "plugins/calls/task_context.py"]
    found = set()
    for file in [*files, *(REPOSITORY / "plugins/calls/operators").glob("*.py")]:
        functions = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)]
        imports = [node for function in functions for node in ast.walk(function) if isinstance(node, ast.ImportFrom)]
        for node in imports:
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    modules = {name for name in found if name.startswith(("include.", "plugins."))}
    return {name for name in modules if (REPOSITORY / f"{name.replace('.', '/')}.py").exists()}


def test_tasks_begin_with_all_their_modules_in_memory() -> None:
    """Importing them costs 1.5 s of processor time, in every task that would have to do it itself."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", PRELOAD]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert imported_by_tasks() - loaded == set()
    assert {"include.speech.audio.cutting", "av", "openai", "psycopg", "requests"} <= loaded


def test_adoption_keeps_running_tasks_and_resets_queued_ones() -> None:
    running, queued = Instance(TaskInstanceState.RUNNING), Instance(TaskInstanceState.QUEUED)
    tasks: Any = [running, queued]
    assert list(LastingLocalExecutor(parallelism=1).try_adopt_task_instances(tasks)) == [queued]
    assert list(LocalExecutor(parallelism=1).try_adopt_task_instances(tasks)) == tasks, (
        "Airflow's own executor resets both"
    )


def test_a_worker_outlives_the_reader_of_its_output(tmp_path: Path) -> None:
    """supervisord closes its end of the pipe when the scheduler dies; the next line must not end the worker."""
    worker, _ = crashed(tmp_path, "frozen")
    outputs = {Path(f"/proc/{worker}/fd/{number}").readlink() for number in (1, 2)}
    psutil.Process(worker).kill()
    (output,) = outputs
    assert output.name == "workers.log"
    assert output.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("how", ["idle", "frozen"])
def test_a_crash_waits_for_no_worker_and_an_idle_one_ends(how: str, tmp_path: Path) -> None:
    worker, code = crashed(tmp_path, how)
    assert code == 1
    if how == "frozen":
        process = psutil.Process(worker)
        assert process.status() == psutil.STATUS_STOPPED, "it still has its task"
        process.resume()
    deadline = time.monotonic() + 20
    while psutil.pid_exists(worker) and psutil.Process(worker).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the worker waits for tasks that cannot come"
        time.sleep(0.1)

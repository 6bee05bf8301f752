"""What the processes of one system use: peak memory of each task, processor time of each owner."""

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from ops.one_machine import postgres
from ops.one_machine.supervisor import SIMULATOR_MARK, Supervisor
from ops.settings.profile import Runtime
from trials.chaos.victims import TASK

EVERY_SECONDS = 0.5
OURS, AIRFLOW, POSTGRES, SIMULATORS = "tasks", "Airflow", "PostgreSQL", "simulators"


@dataclass(frozen=True, slots=True)
class Shares:
    """`cpu_seconds` by owner; those of a task include the start of Airflow's SDK.

    `peaks_mb`: the peak of a task's largest process, by the id of the task's try.
    """

    peaks_mb: dict[str, float]
    cpu_seconds: dict[str, float]

    def of_the_cores(self, seconds: float) -> dict[str, float]:
        return {name: spent / seconds / (os.cpu_count() or 1) for name, spent in self.cpu_seconds.items()}


class Sampler:
    """Samples the processes of a profile twice a second; a process that ended keeps its last sample."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._cpu: dict[tuple[str, int, float], float] = {}
        self._before: dict[tuple[str, int, float], float] = {}
        self._peaks: dict[str, int] = {}
        self._simulators = [process for process in psutil.process_iter() if _is_simulator(process, runtime)]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._look()
        self._before = dict(self._cpu)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def shares(self) -> Shares:
        spent = dict.fromkeys((OURS, AIRFLOW, POSTGRES, SIMULATORS), 0.0)
        for key, seconds in self._cpu.items():
            spent[key[0]] += seconds - self._before.get(key, 0.0)
        return Shares({task: peak / 1024 for task, peak in self._peaks.items()}, spent)

    def _watch(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            self._look()

    def _look(self) -> None:
        for owner, process in self._processes():
            with suppress(psutil.Error, OSError, StopIteration):
                task = _task_of(process) if owner == AIRFLOW else None
                times = process.cpu_times()
                key = (OURS if task else owner, process.pid, process.create_time())
                self._cpu[key] = times.user + times.system
                if task:
                    self._peaks[task] = max(self._peaks.get(task, 0), _peak_kb(process.pid))

    def _processes(self) -> Iterator[tuple[str, psutil.Process]]:
        with suppress(psutil.Error):
            for component in Supervisor(self._runtime).components():
                if component.pid:
                    yield from ((AIRFLOW, process) for process in _family(component.pid))
        pid = postgres.running_pid(self._runtime.postgres)
        if pid:
            yield from ((POSTGRES, process) for process in _family(pid))
        yield from ((SIMULATORS, process) for process in self._simulators)


def _family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _task_of(process: psutil.Process) -> str | None:
    """The id of the try that this process works on, by its own title or that of its parent."""
    for one in (process, process.parent()):
        title = one and TASK.fullmatch(" ".join(one.cmdline()).strip())
        if title:
            return title["id"]
    return None


def _is_simulator(process: psutil.Process, runtime: Runtime) -> bool:
    with suppress(psutil.Error):
        return process.environ().get(SIMULATOR_MARK) == str(runtime.home)
    return False


def _peak_kb(pid: int) -> int:
    """The peak memory of the process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))

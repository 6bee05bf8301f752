"""LocalExecutor whose running tasks outlive their scheduler, and begin with our modules in memory.

With Airflow's own, a scheduler that dies takes what its running tasks have in hand with it, answers that are being paid
for included: its successor resets the tasks, and their next heartbeat is told to stop. A task of Airflow 3 needs no
scheduler while it runs: it tells the api-server itself how it ended. So it is left alone (D19).

Its tasks are forks of forks of the scheduler. What they all import, 1.6 s of processor time, is imported here once;
after an update the system is restarted anyway.
"""

import importlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from airflow.configuration import conf
from airflow.executors.local_executor import LocalExecutor
from airflow.utils.state import TaskInstanceState

if TYPE_CHECKING:
    from airflow.models.taskinstance import TaskInstance

IDLE = "airflow worker -- LocalExecutor: <idle>"  # the title of a worker process without a task
ORPHAN = 1  # the parent of processes whose own has died
MOST_OUTPUT_BYTES = 20_000_000
# Task functions import their steps when they run; named here, each is imported once for all tasks. A step brings its
# clients with it, `preflight` and the two steps of recognition those that cost most.
PRELOADED = (
    "airflow.sdk.execution_time.task_runner",
    "plugins.calls.tasks",
    "plugins.hooks.language_model",
    "plugins.hooks.recogniser",
    "include.clients.bitrix24.telephony",
    *(
        f"include.calls.steps.{step}"
        for step in (
            *("open_run", "preflight", "list_calls", "plan", "approve"),
            *("download", "transcribe_batch", "summarize", "publish", "close_run"),
        )
    ),
)

log = logging.getLogger(__name__)


class LastingLocalExecutor(LocalExecutor):
    """Differs from LocalExecutor in what becomes of tasks when a scheduler dies, and in what they begin with."""

    def start(self) -> None:
        _end_idle_orphans()
        _preload()
        self._output = Path(conf.get_mandatory_value("logging", "base_log_folder")) / "workers.log"
        self._output.parent.mkdir(parents=True, exist_ok=True)
        super().start()

    def _spawn_worker(self) -> None:
        """Workers print into a file of their own.

        The scheduler's output is a pipe to supervisord, which closes it when the scheduler dies: whoever else wrote
        into it would die of that at his next line.
        """
        with _printing_into(self._output):
            super()._spawn_worker()  # type: ignore[no-untyped-call]

    def sync(self) -> None:
        super().sync()
        if self._output.exists() and self._output.stat().st_size > MOST_OUTPUT_BYTES:
            os.truncate(self._output, 0)  # each line of a task is in its own log as well

    def try_adopt_task_instances(self, tis: "Sequence[TaskInstance]") -> "Sequence[TaskInstance]":
        """Keeps running tasks. The dead among them have no heartbeat, and by that they are found once they are ours."""
        return [ti for ti in tis if ti.state != TaskInstanceState.RUNNING]

    def end(self) -> None:
        """A stop waits for the tasks, as ever; a crash (the database has gone) does not.

        Waiting would keep this process, and with it its successor, until every running batch is through.
        """
        if not isinstance(sys.exception(), Exception):  # SystemExit: somebody stops us
            super().end()
            return
        for _ in self.workers:
            self.activity_queue.put(None)  # each ends after the task in hand
        logging.shutdown()
        os._exit(1)  # a usual exit would wait for the workers after all


def _preload() -> None:
    """A module that cannot be imported is the task's failure, where somebody reads it, never the scheduler's."""
    for module in PRELOADED:
        try:
            importlib.import_module(module)
        except Exception as error:
            log.warning("tasks will have to import %s themselves: %s", module, type(error).__name__)


@contextmanager
def _printing_into(file: Path) -> Iterator[None]:
    """What is started inside inherits the file as its output; ours is as before afterwards."""
    sys.stdout.flush()
    sys.stderr.flush()
    ours = {number: os.dup(number) for number in (1, 2)}
    target = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for number in ours:
            os.dup2(target, number)
        yield
    finally:
        os.close(target)
        for number, kept in ours.items():
            os.dup2(kept, number)
            os.close(kept)


def _end_idle_orphans() -> None:
    """Workers of killed schedulers of this system: nobody can give them a task any more."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            orphan = process.ppid() == ORPHAN and os.getsid(process.pid) == os.getsid(0)
            if orphan and " ".join(process.cmdline()).strip() == IDLE:
                process.kill()

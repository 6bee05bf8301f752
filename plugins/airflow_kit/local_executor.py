"""A LocalExecutor whose running tasks survive the death of their scheduler and start with our modules in memory.

With Airflow's own executor, the death of a scheduler ends the work of its running tasks, paid requests included: the
next scheduler resets the tasks, and the answer to their next heartbeat stops them. A task of Airflow 3 needs no
scheduler while it runs: it reports its end to the api-server. So this executor keeps it running.

Tasks are forks of forks of the scheduler. The modules that they all import, 1.5 s of processor time, are imported here
once; after an update the system is restarted anyway.
"""

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

from plugins.airflow_kit.preloading import preload

if TYPE_CHECKING:
    from airflow.models.taskinstance import TaskInstance

IDLE = "airflow worker -- LocalExecutor: <idle>"  # the title of a worker process without a task
ORPHAN = 1  # the parent of processes whose own has died
MOST_OUTPUT_BYTES = 20_000_000

log = logging.getLogger(__name__)


class LastingLocalExecutor(LocalExecutor):
    """Differs from LocalExecutor in what happens to tasks when a scheduler dies, and in the modules they start with."""

    def start(self) -> None:
        _end_idle_orphans()
        preload()
        self._output = Path(conf.get_mandatory_value("logging", "base_log_folder")) / "workers.log"
        self._output.parent.mkdir(parents=True, exist_ok=True)
        super().start()

    def _spawn_worker(self) -> None:
        """Workers print into a file of their own.

        The scheduler's output is a pipe to supervisord, which closes it when the scheduler dies: a worker that wrote
        into it would be killed by its next line.
        """
        with _printing_into(self._output):
            super()._spawn_worker()  # type: ignore[no-untyped-call]

    def sync(self) -> None:
        super().sync()
        if self._output.exists() and self._output.stat().st_size > MOST_OUTPUT_BYTES:
            os.truncate(self._output, 0)  # each line of a task is in the task's log as well

    def try_adopt_task_instances(self, tis: "Sequence[TaskInstance]") -> "Sequence[TaskInstance]":
        """Keeps running tasks. Dead ones have no heartbeat; Airflow finds them by that after the adoption."""
        return [ti for ti in tis if ti.state != TaskInstanceState.RUNNING]

    def end(self) -> None:
        """A stop waits for the tasks, as in LocalExecutor; a crash (the database is gone) does not.

        Waiting would keep this process alive, and its successor from starting, until every running batch has ended.
        """
        if not isinstance(sys.exception(), Exception):  # SystemExit: this is a stop
            super().end()
            return
        for _ in self.workers:
            self.activity_queue.put(None)  # each worker ends after its present task
        logging.shutdown()
        os._exit(1)  # a normal exit would wait for the workers


@contextmanager
def _printing_into(file: Path) -> Iterator[None]:
    """A process started inside inherits the file as its output; this process has its own output again afterwards."""
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
    """Ends workers of killed schedulers of this system: no process can give them a task any more."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            orphan = process.ppid() == ORPHAN and os.getsid(process.pid) == os.getsid(0)
            if orphan and " ".join(process.cmdline()).strip() == IDLE:
                process.kill()

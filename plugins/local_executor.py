"""LocalExecutor whose running tasks outlive their scheduler.

With Airflow's own, a scheduler that dies takes what its running tasks have in hand with it, answers that are being paid
for included: its successor resets the tasks, and their next heartbeat is told to stop. A task of Airflow 3 needs no
scheduler while it runs: it tells the api-server itself how it ended. So it is left alone (D19).
"""

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
from airflow.executors.local_executor import LocalExecutor
from airflow.utils.state import TaskInstanceState

if TYPE_CHECKING:
    from airflow.models.taskinstance import TaskInstance

IDLE = "airflow worker -- LocalExecutor: <idle>"  # the title of a worker process without a task
ORPHAN = 1  # the parent of processes whose own has died


class LastingLocalExecutor(LocalExecutor):
    """Differs from LocalExecutor only in what becomes of tasks when a scheduler dies."""

    def start(self) -> None:
        _end_idle_orphans()
        super().start()

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


def _end_idle_orphans() -> None:
    """Workers of killed schedulers of this system: nobody can give them a task any more."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            orphan = process.ppid() == ORPHAN and os.getsid(process.pid) == os.getsid(0)
            if orphan and " ".join(process.cmdline()).strip() == IDLE:
                process.kill()

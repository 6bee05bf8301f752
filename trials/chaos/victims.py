"""The processes that a chaos run kills: those of its own profile only, by pid."""

import os
import random
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import psutil

from ops.one_machine import postgres
from ops.one_machine.supervisor import Supervisor
from ops.settings.profile import Runtime

# Process titles of Airflow: that of a task's process contains the id, that of its parent, which reports to Airflow, the
# name.
TASK = re.compile(r"airflow worker -- (?P<id>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})")


class Kind(StrEnum):
    """What is killed; the values are shown in the table."""

    TASK = "task"  # its parent reports the death to Airflow at once
    TASK_AND_PARENT = "task with its parent"  # no report: Airflow notices the missing heartbeat
    SCHEDULER = "scheduler"
    POSTGRES = "PostgreSQL"


@dataclass(frozen=True, slots=True)
class Victim:
    """`pids` in the order of the kills; `task` is the id of the task's try."""

    kind: Kind
    pids: tuple[int, ...]
    task: str = ""

    def kill(self) -> None:
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def kinds(rng: random.Random, number: int) -> list[Kind]:
    """A seeded order in which each kind occurs equally often."""
    found: list[Kind] = []
    while len(found) < number:
        found += rng.sample(list(Kind), len(Kind))
    return found[:number]


def choose(kind: Kind, runtime: Runtime, rng: random.Random) -> Victim | None:
    """None where no such process runs at this moment."""
    if kind is Kind.POSTGRES:
        pid = postgres.running_pid(runtime.postgres)
        return Victim(kind, (pid,)) if pid else None
    if kind is Kind.SCHEDULER:
        pid = scheduler_pid(runtime)
        return Victim(kind, (pid,)) if pid else None
    tasks = sorted(_tasks(runtime))
    if not tasks:
        return None
    pid, parent, task = rng.choice(tasks)
    return Victim(kind, (parent, pid) if kind is Kind.TASK_AND_PARENT else (pid,), task)


def scheduler_pid(runtime: Runtime) -> int | None:
    """None while the scheduler does not run."""
    return next((one.pid for one in Supervisor(runtime).components() if one.name == "scheduler" and one.pid), None)


def _tasks(runtime: Runtime) -> Iterator[tuple[int, int, str]]:
    """(pid, parent's pid, id) of each running task of the present scheduler."""
    scheduler = scheduler_pid(runtime)
    if scheduler is None:
        return
    with suppress(psutil.NoSuchProcess):
        for parent in psutil.Process(scheduler).children():
            with suppress(psutil.NoSuchProcess):
                for process in parent.children():
                    if title := TASK.fullmatch(" ".join(process.cmdline()).strip()):
                        yield process.pid, parent.pid, title["id"]

"""An export on several hosts whose tasks, workers, hosts, links and servers are killed, and what is left of it."""

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import psutil
import psycopg
import requests
from rich.console import Console

from include.common.errors import ExportError
from ops.one_machine.simulated_services import WEBHOOK_USER
from trials.chaos.databases import Databases, Record, Try
from trials.chaos.victims import TASK
from trials.hosts.network import Host
from trials.hosts.system import WORKER, System, journal, until

RECOGNITION = "batch.transcribe"
RUNNING = """
SELECT task_id, map_index FROM task_instance
 WHERE state = 'running' AND dag_id = 'call_export' AND (hostname = %(host)s OR %(host)s IS NULL)
"""
LEFT = """
SELECT (SELECT count(*) FROM work_in_progress), (SELECT count(*) FROM recognition_responses),
       (SELECT count(*) FROM call_claims WHERE until > now())
"""
ENDED = ("success", "failed")
RUN_SECONDS = 5400.0


class Kind(StrEnum):
    """What is killed (kill -9), cut off, or asked to stop."""

    TASK = "task"
    WORKER = "worker"
    HOST = "host"
    LINK = "link of a host"
    SCHEDULER = "scheduler"
    REDIS = "redis"
    POSTGRES = "postgres"
    STOP = "stop of a worker"


@dataclass(slots=True)
class Kill:
    """`works`: the (task, index) that ran there. `in_flight`: requests that may be paid twice because of it.

    `emptied`: seconds until a worker that was asked to stop had ended.
    """

    kind: Kind
    where: str
    at: datetime
    works: list[tuple[str, int]]
    in_flight: int
    emptied: float | None = None
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    status: str
    recordings: int
    lost: int
    twice: int
    pieces: int
    requests: int
    left: tuple[int, int, int]
    unreadable: int
    seconds: float

    @property
    def spare(self) -> int:
        return self.requests - self.pieces


class Run:
    """From the trigger to the evidence."""

    def __init__(self, system: System, seed: int, console: Console) -> None:
        self._system, self._console = system, console
        self._rng = random.Random(seed)
        self._databases = Databases(system.state_url, system.metadata_url)

    def play(self, kills: int) -> tuple[list[Kill], Evidence]:
        began = time.monotonic()
        self._system.trigger()
        until(self._works, "the first recognition", 900)
        done = list(self._killed(kills))
        until(self._ended, "the end of the run", RUN_SECONDS)
        for kill in done:
            kill.wait = self._wait_of(kill)
        return done, self._evidence(time.monotonic() - began)

    def _killed(self, number: int) -> Iterator[Kill]:
        kinds: list[Kind] = []
        while len(kinds) < number:
            kinds += self._rng.sample(list(Kind), len(Kind))
        for kind in kinds[:number]:
            if self._ended():
                return
            kill = self._one(kind)
            self._console.print(
                f"{kill.at:%H:%M:%S} {kind}: {kill.where} {len(kill.works)} tasks, {kill.in_flight} requests"
            )
            yield kill
            time.sleep(self._rng.uniform(5, 25))

    def _one(self, kind: Kind) -> Kill:
        system = self._system
        host = self._rng.choice(system.workers)
        if kind is Kind.TASK:
            return self._kill_task()
        if kind in (Kind.SCHEDULER, Kind.REDIS, Kind.POSTGRES):
            works = [each for each in self._running(None) if each[0] == RECOGNITION] if kind is Kind.POSTGRES else []
            kill = Kill(kind, "control", datetime.now(UTC), [], len(works))
            self._end(system.control, kind.value)
            if kind is Kind.SCHEDULER:
                system.start_component(kind.value)
            else:
                system.start_server(kind.value)
            return kill
        works = self._running(host.name)
        kill = Kill(kind, host.name, datetime.now(UTC), works, sum(task == RECOGNITION for task, _ in works))
        if kind is Kind.STOP:
            kill.in_flight = 0
            self._stop(host)
            kill.emptied = (datetime.now(UTC) - kill.at).total_seconds()
        elif kind is Kind.WORKER:
            self._end(host, WORKER)
        elif kind is Kind.HOST:
            host.end()
            time.sleep(self._rng.uniform(1, 10))
            host.boot()
        else:
            host.link_is("down")
            time.sleep(self._rng.uniform(20, 90))
            host.link_is("up")
            return kill
        system.start_worker(host)
        return kill

    def _kill_task(self) -> Kill:
        def victim() -> tuple[Host, psutil.Process, tuple[str, int]] | None:
            found = [
                (host, process, title["id"])
                for host in self._system.workers
                if (worker := host.inner(WORKER)) is not None
                for process in _below(worker)
                if (title := TASK.fullmatch(_title(process)))
            ]
            self._rng.shuffle(found)
            for host, process, instance in found:
                if (task := self._databases.task_of(instance)) is not None:
                    return host, process, task
            return None

        until(lambda: victim() is not None or self._ended(), "a task", 300)
        found = victim()
        if found is None:
            return Kill(Kind.TASK, "none", datetime.now(UTC), [], 0)
        host, process, task = found
        kill = Kill(Kind.TASK, host.name, datetime.now(UTC), [task], int(task[0] == RECOGNITION))
        with suppress(psutil.Error):
            process.kill()
        return kill

    def _stop(self, host: Host) -> None:
        inner = host.inner(WORKER)
        if inner is not None:
            inner.terminate()
            until(lambda: host.processes[WORKER].poll() is not None, "the end of a stopped worker", 1200)

    def _end(self, host: Host, name: str) -> None:
        """The process and all below it, as when its container is killed."""
        outer, inner = host.processes[name], host.inner(name)
        if inner is not None:
            for process in (inner, *_below(inner)):
                with suppress(psutil.Error):
                    process.kill()
        outer.wait(60)

    def _running(self, host: str | None) -> list[tuple[str, int]]:
        with psycopg.connect(self._system.metadata_url) as connection:
            return [(str(task), int(index)) for task, index in connection.execute(RUNNING, {"host": host}).fetchall()]

    def _works(self) -> bool:
        return self._system.outside_lives() and any(one.task == RECOGNITION and one.started_at for one in self._tries())

    def _tries(self) -> list[Try]:
        run = self._databases.export_run()
        return self._databases.tries(run[1]) if run else []

    def _ended(self) -> bool:
        return self._system.outside_lives() and self._databases.dag_run_state() in ENDED

    def _wait_of(self, kill: Kill) -> float | None:
        """Until each task that was interrupted ran again, or, where a server was killed, until any recording moved."""
        run = self._databases.export_run()
        assert run is not None  # noqa: S101
        tries, waits = self._databases.tries(run[1]), []
        for work in kill.works:
            mine = [one for one in tries if (one.task, one.index) == work and one.started_at]
            before = [one for one in mine if one.started_at and one.started_at <= kill.at]
            if before and max(before, key=lambda one: one.number).succeeded:
                continue  # it ended by itself
            after = [one.started_at for one in mine if one.started_at and one.started_at > kill.at]
            waits.append((min(after) - kill.at).total_seconds() if after else None)
        if not kill.works:
            moves = [at for at in self._databases.moves(run[0]) if at > kill.at]
            waits.append((min(moves) - kill.at).total_seconds() if moves else 0.0)
        known = [wait for wait in waits if wait is not None]
        return None if len(known) < len(waits) else max(known, default=0.0)

    def _evidence(self, seconds: float) -> Evidence:
        run = self._databases.export_run()
        assert run is not None  # noqa: S101
        records = self._databases.records(run[0])
        texts = [record for record in records if record.status == "completed"]
        files = dict(self._system.objects())
        wanted = self._recordings_of_the_portal()
        asked = [one for one in journal(self._system) if one["where"] == "transcriptions"]
        with psycopg.connect(self._system.state_url) as connection:
            left = connection.execute(LEFT).fetchone()
        assert left is not None  # noqa: S101
        return Evidence(
            status=run[2],
            recordings=wanted.total(),
            lost=(wanted - Counter(record.call_id for record in texts)).total(),
            twice=self._databases.texts_twice(run[0]),
            pieces=sum(_pieces(files, record) for record in texts),
            requests=sum(one["status"] in (200, None) for one in asked),
            left=left,
            unreadable=sum(record.transcript_path not in files for record in texts)
            + sum(record.raw_path not in files for record in texts),
            seconds=seconds,
        )

    def _recordings_of_the_portal(self) -> Counter[str]:
        found: Counter[str] = Counter()
        start: int | None = 0
        simulated = self._system.simulated
        url = f"{simulated.portal}/rest/{WEBHOOK_USER}/{simulated.token}/voximplant.statistic.get"
        while start is not None:
            answer = requests.post(url, json={"start": start}, timeout=60)
            if not answer.ok:
                raise ExportError("the simulated portal does not list its calls")
            page = answer.json()
            found.update(row["CALL_ID"] for row in page["result"] if row["RECORD_FILE_ID"] or row["CALL_RECORD_URL"])
            start = page.get("next")
        return found


def _pieces(files: dict[str, bytes], record: Record) -> int:
    path = str(record.transcript_path)
    stored = files.get(path.replace("transcripts/", "recognition/", 1).removesuffix(".txt") + ".json")
    return len(json.loads(stored)["cut"]["pieces"]) if stored else 0


def _below(process: psutil.Process) -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = process.children(recursive=True)
    except psutil.Error:
        return []
    return found


def _title(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline()).strip()
    return ""

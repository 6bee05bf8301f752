"""A year of nights through the real steps: `python -m trials.bench.year --nights 365 --calls 150`.

Each night is a run over the last 60 days: open, list, plan, download, transcribe, publish, close. The simulated portal
has no limits. `--complete-by-sql` replaces download and transcribe by one statement (`trials.bench.earlier`);
`--draw-every` draws the report of every n-th night only. Both save hours at full size.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from unittest.mock import patch
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from trials.bench.world import START, NoPace, database

if TYPE_CHECKING:
    from include.calls.policy import Policy
    from include.calls.state.state import State
    from include.clients.storage.base import Storage
    from include.common.telephony import TelephonySystem
    from simulators.bitrix24.app import PortalSimulator
    from simulators.bitrix24.world import PortalWorld
    from simulators.openai.app import RecogniserSimulator

Result = TypeVar("Result")

SMALL_BYTES = 200_000
WINDOW_DAYS = 60
RECORDINGS = 20  # different ones; their bytes differ by call all the same
SIZES = """
SELECT coalesce(parent.relname, own.relname) AS name, sum(pg_total_relation_size(own.oid))::bigint AS bytes
  FROM pg_class own
  LEFT JOIN pg_inherits ON inhrelid = own.oid
  LEFT JOIN pg_class parent ON parent.oid = inhparent
 WHERE own.relkind IN ('r', 'p') AND own.relnamespace = 'public'::regnamespace
 GROUP BY 1 ORDER BY 2 DESC
"""
BODIES = "SELECT coalesce(sum(pg_column_size(body)), 0)::bigint FROM transcripts"
ROWS = """
SELECT (SELECT count(*) FROM recordings), (SELECT count(*) FROM transcripts), (SELECT count(*) FROM charges),
       (SELECT count(*) FROM call_events), (SELECT count(*) FROM run_work), (SELECT count(*) FROM call_exports)
"""


def main(
    nights: Annotated[int, typer.Option(min=2, help="Nights after the first 60 days.")] = 365,
    calls: Annotated[int, typer.Option(min=1, help="Calls a day.")] = 150,
    complete_by_sql: Annotated[bool, typer.Option(help="No download and no recognition.")] = False,
    draw_every: Annotated[int, typer.Option(min=1, help="Draw the report of every n-th night.")] = 1,
) -> None:
    """Seconds of the first and the last night, growth by table, and a night with nothing new."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    with tempfile.TemporaryDirectory(prefix="year-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL's own user walks through it
        with _system(folder, nights + WINDOW_DAYS, calls, by_sql=complete_by_sql) as system:
            found = []
            for night in range(nights + 1):
                drawn = night in (0, 1, nights) or night % draw_every == 0
                with nullcontext() if drawn else _undrawn_report():
                    found.append((drawn, system.night(night)))
                if night % 30 == 0:
                    total = sum(found[-1][1].values())
                    console.print(f"night {night}: {total:.1f} s, database {system.size() / 1e6:.0f} MB")
            _show_nights(found, console)
            _show_quiet_night(system, nights, console)
            _show_sizes(system, console)


@dataclass
class _System:
    """The state, the storage and both simulators of one measurement."""

    folder: Path
    state: "State"
    portal: "PortalSimulator"
    portal_url: str
    recogniser: "RecogniserSimulator"
    recogniser_url: str
    by_sql: bool

    def night(self, night: int, name: str = "night") -> dict[str, float]:
        """Seconds of each step of the run that is due on this night."""
        from include.calls.policy import load_policy
        from include.calls.steps.close_run import close_run
        from include.calls.steps.list_calls import list_calls
        from include.calls.steps.plan import plan
        from include.calls.steps.publish import publish
        from include.clients.storage.local import LocalStorage

        policy = load_policy({"BUDGET_USD": "1000000"})
        storage = LocalStorage(self.folder / "storage")
        seconds: dict[str, float] = {}

        def timed(step: str, work: Callable[[], Result]) -> Result:
            began = time.perf_counter()
            result = work()
            seconds[step] = time.perf_counter() - began
            return result

        with self._telephony() as telephony:
            run_id = timed("open_run", lambda: self._opened(night, name, policy))
            timed("list_calls", lambda: list_calls(run_id, telephony, self.state))
            planned = timed("plan", lambda: plan(run_id, self.state, storage, policy))
            timed("batches", lambda: self._batches(run_id, planned.batches, telephony, storage, policy))
            timed("publish", lambda: publish(run_id, self.state, storage, policy))
            closed = timed("close_run", lambda: close_run(run_id, self.state, policy, upstream_failed=None))
        assert closed.status == "completed", closed  # noqa: S101
        self.portal.journal.clear()
        self.recogniser.journal.clear()
        return seconds

    def _opened(self, night: int, name: str, policy: "Policy") -> UUID:
        from include.calls.domain.run_request import RunRequest
        from include.calls.steps.open_run import DagRunFacts, open_run

        midnight = START + timedelta(days=WINDOW_DAYS + night)
        first, last = midnight - timedelta(days=WINDOW_DAYS), midnight - timedelta(seconds=1)
        request = RunRequest(period_from=first.isoformat(), period_to=last.isoformat())
        facts = DagRunFacts(f"{name}__{night}", midnight + timedelta(hours=2), "schedule", "scheduled")
        return open_run(request, facts, self.state, policy.period, lambda _: False).run_id

    def _batches(
        self, run_id: UUID, batches: list[int], telephony: "TelephonySystem", storage: "Storage", policy: "Policy"
    ) -> None:
        from include.calls.steps.download import download_batch
        from include.calls.steps.transcribe_batch import transcribe_batch
        from include.speech.recognition_client import Recogniser, RecogniserSettings
        from trials.bench.earlier import complete_pending

        if self.by_sql:
            complete_pending(run_id, self.state, storage)
            return
        settings = RecogniserSettings(
            model=policy.stt.model, api_key=self.recogniser.key, base_url=f"{self.recogniser_url}/v1", proxy_url=None,
            timeout_sec=60,
        )  # fmt: skip
        shared: Any = {"storage": storage, "state": self.state, "policy": policy, "fresh": True}
        with Recogniser(settings) as recogniser:
            for batch in batches:
                download_batch(run_id, batch, telephony=telephony, **shared)
                transcribe_batch(run_id, batch, recogniser=recogniser, fetch_again=lambda: None, **shared)

    @contextmanager
    def _telephony(self) -> "Iterator[TelephonySystem]":
        from include.clients.bitrix24.portal import Portal
        from include.clients.bitrix24.telephony import Bitrix24Telephony
        from include.clients.bitrix24.webhook import Webhook

        hosts = [self.portal_url.removeprefix("http://")]
        portal = Portal(Webhook.of(self.portal_url, "1", self.portal.token), NoPace(), recording_hosts=hosts)
        try:
            yield Bitrix24Telephony(portal)
        finally:
            portal.close()

    def size(self) -> int:
        """Bytes of the database."""
        ((size,),) = self.ask("SELECT pg_database_size(current_database())")
        return int(size)

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        with self.state.session.transaction() as connection:
            return connection.execute(question.encode()).fetchall()

    def written_since(self, began: float) -> int:
        files = (file for file in (self.folder / "storage").rglob("*") if file.is_file())
        return sum(file.stat().st_mtime >= began for file in files)


@contextmanager
def _system(folder: Path, days: int, calls: int, *, by_sql: bool) -> "Iterator[_System]":
    from include.calls.state.state import State
    from simulators.bitrix24.app import PortalSimulator
    from simulators.bitrix24.limits import Limits
    from simulators.kit.in_process import running
    from simulators.openai.app import RecogniserSimulator

    portal = PortalSimulator(_world(days, calls), limits=Limits(rps=1e6, bucket=10**6))
    recogniser = RecogniserSimulator(requests_per_minute=10**9)
    with (
        database(folder) as conninfo,
        running(portal) as portal_url,
        running(recogniser) as recogniser_url,
        State.open(conninfo) as state,
    ):
        yield _System(folder, state, portal, portal_url, recogniser, recogniser_url, by_sql)


@contextmanager
def _undrawn_report() -> Iterator[None]:
    """Figures are still asked of the database; only the drawing is left out."""
    from include.calls.reporting.report import ReportFiles

    class NothingDrawn(nullcontext["NothingDrawn"]):
        def __init__(self, *_modules: str) -> None:
            super().__init__(self)

        def run(self, *_: object, **__: object) -> ReportFiles:
            return ReportFiles(markdown="-", pdf=b"%PDF-", pictures={})

    with patch("include.calls.steps.publish.Subprocess", NothingDrawn):
        yield


def _world(days: int, calls: int) -> "PortalWorld":
    from simulators.bitrix24.world import Audio, Call, PortalWorld
    from simulators.sound.dialogues import record_briefly

    world = PortalWorld()
    step = timedelta(days=1) / calls
    number = 0
    for day in range(days):
        for turn in range(calls):
            number += 1
            at = START + timedelta(days=day) + step * turn
            audio = Audio(partial(record_briefly, number % RECORDINGS))
            world.add(Call(number, at, duration=60, file_id=10**6 + number), audio)
    return world


def _show_nights(found: list[tuple[bool, dict[str, float]]], console: Console) -> None:
    """Nights with a drawn report are compared with each other, and so are those without."""
    steps = list(found[0][1])
    table = Table("seconds", *steps, "all but batches")

    def row(name: str, nights: list[dict[str, float]]) -> None:
        if nights:
            rest = median(sum(night[step] for step in steps if step != "batches") for night in nights)
            table.add_row(name, *(f"{median(night[step] for night in nights):.2f}" for step in steps), f"{rest:.2f}")

    drawn = [night for is_drawn, night in found[1:] if is_drawn]
    undrawn = [night for is_drawn, night in found[1:] if not is_drawn]
    row("first night", drawn[:1])
    row("last night", drawn[-1:])
    row("first 20 nights, report not drawn, median", undrawn[:20])
    row("last 20 nights, report not drawn, median", undrawn[-20:])
    console.print(table)


def _show_quiet_night(system: _System, night: int, console: Console) -> None:
    """The last night's period again: nothing is new."""
    before, began = system.size(), time.time()
    seconds = sum(system.night(night, name="again").values())
    grown, written = system.size() - before, system.written_since(began)
    console.print(f"nothing new: {seconds:.1f} s, database +{grown / 1e6:.2f} MB, {written} files written")


def _show_sizes(system: _System, console: Console) -> None:
    table = Table("table", "MB")
    for name, size in system.ask(SIZES):
        if size > SMALL_BYTES:
            table.add_row(str(name), f"{size / 1e6:.1f}")
    ((bodies,),) = system.ask(BODIES)
    table.add_row("database", f"{system.size() / 1e6:.1f}")
    table.add_row("of it bodies of transcripts", f"{bodies / 1e6:.1f}")
    console.print(table)
    (counts,) = system.ask(ROWS)
    names = ("recordings", "transcripts", "charges", "events", "run_work", "runs")
    console.print(", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True)))


if __name__ == "__main__":
    typer.run(main)

"""Registry, report and run log, from the rows alone: as often as wanted, the same rows give the same files."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection

from include.calls.domain.registry_row import NO_MASKS, Masks
from include.calls.domain.report_zone import report_zone
from include.calls.domain.stages import Stage
from include.calls.domain.states import RunStatus
from include.calls.domain.storage_keys import log_key, registry_key, report_key
from include.calls.policy import Policy
from include.calls.reporting.registry_file import XLSX_TYPE, write_registry
from include.calls.reporting.report import ReportFiles, render_report
from include.calls.reporting.run_log import write_run_log
from include.calls.reporting.settings import report_settings
from include.calls.state.report_queries import (
    live_registry_turn,
    note_live_registry,
    portal_offset,
    registry_rows,
    registry_turn,
    run_events,
    run_figures,
    transcript_paths,
)
from include.calls.state.rows import Run
from include.calls.state.state import State
from include.calls.steps.paths import part_name, period_of, run_of
from include.clients.storage.base import Storage
from include.common.masking import mask_number, mask_phones
from include.common.periods import Period
from include.common.run_in_subprocess import run_in_subprocess
from include.common.temporary_folders import temporary_folder


def publish(run_id: UUID, state: State, storage: Storage, policy: Policy, *, upstream_failed: str | None = None) -> int:
    """Returns the registry's rows. A file that is there already is replaced whole.

    A run with nothing to say about the calls themselves leaves the registry and the report of an earlier one alone: one
    that only made a forecast, or one that never got as far as their list.
    What has been failing for too long goes to the DLQ first, so that the report lists it (D18). For a run that is
    closed (people's findings, rebuilt texts) files are all that is written: its records and history stay as they were.
    `upstream_failed` names a task that every call depends on and that did not end well; the report says so.
    """
    run = run_of(run_id, state)
    goes_on = run.status is RunStatus.RUNNING
    if goes_on:
        state.move_to_dlq(run_id, failed_before=datetime.now(UTC) - timedelta(hours=policy.thresholds.dlq_after_hours))
    rows = 0
    if not run.dry_run and (_listed(run) or not storage.exists(_registry_key(run))):
        with state.transaction() as connection:
            registry_turn(connection, _registry_key(run))  # for both files: newer never gives way to older
            with _report_being_drawn(run, connection, storage, policy, upstream_failed) as report:
                rows = _publish_registry(run, connection, storage, policy, complete=True)
                _publish_report(run, report.result(), storage)
        if goes_on:
            state.event(run_id, stage=Stage.PUBLISH, event="published", detail={"rows": rows})
    _publish_log(run, state, storage)
    return rows


def _listed(run: Run) -> bool:
    return run.metadata.get("listed") is not None


def _registry_key(run: Run, suffix: str = ".csv") -> str:
    return registry_key(period_of(run), part_name(run), suffix)


def publish_live(run_id: UUID, state: State, storage: Storage, policy: Policy) -> bool:
    """The registry while the run goes on, called after each batch; False where it is not this batch's turn.

    One writer at a time, who reads the rows after the one before has stored his file: newer never gives way to older.
    How often, `live_registry_turn` says. Raises what the storage raises.
    """
    run = run_of(run_id, state)
    with state.transaction() as connection:
        if not live_registry_turn(connection, run_id, _registry_key(run)):
            return False
        begun = time.monotonic()
        _publish_registry(run, connection, storage, policy, complete=False)
        note_live_registry(connection, run_id, seconds=time.monotonic() - begun)
    return True


def _publish_registry(
    run: Run, connection: Connection[Any], storage: Storage, policy: Policy, *, complete: bool
) -> int:
    """In mid-run only the CSV form: the XLSX form comes with the complete registry."""
    masks = Masks(number=mask_number, text=mask_phones) if policy.privacy.pii_masking_enabled else NO_MASKS
    period = period_of(run)
    with temporary_folder() as folder:
        file, sheet = folder / "registry.csv", folder / "registry.xlsx" if complete else None
        zone = report_zone(policy.report.time_zone, portal_offset(connection, run.run_id))
        with file.open("wb") as out, closing(registry_rows(connection, run.run_id)) as records:
            rows = write_registry(records, out, sheet, folder=period.folder, zone=zone, masks=masks)
        storage.put_file(_registry_key(run), file, "text/csv; charset=utf-8")
        if sheet:
            storage.put_file(_registry_key(run, ".xlsx"), sheet, XLSX_TYPE)
    return rows


@contextmanager
def _report_being_drawn(
    run: Run, connection: Connection[Any], storage: Storage, policy: Policy, upstream_failed: str | None
) -> "Iterator[Future[ReportFiles]]":
    """A process of its own draws it, so the registry need not wait for it; what that raises comes with the result.

    Figures and files are counted here and now: where that fails, there is no database or no storage for a registry.
    """
    period = period_of(run)
    zone = report_zone(policy.report.time_zone, portal_offset(connection, run.run_id))
    sample_size = policy.thresholds.qa_sample_size
    figures = run_figures(connection, run.run_id, qa_sample_size=sample_size, zone=zone, failed_step=upstream_failed)
    with closing(transcript_paths(connection, run.run_id, zone)) as texts:
        files = files_by_day(texts, storage, period)
    with ThreadPoolExecutor(1) as waiting:
        yield waiting.submit(
            run_in_subprocess,  # matplotlib and typst leave some 95 MB behind
            render_report,
            replace(figures, files=files),
            report_settings(policy, datetime.now(UTC), zone),
            folder=period.folder,
            part=part_name(run),
            mask=mask_phones,
        )


def _publish_report(run: Run, report: ReportFiles, storage: Storage) -> None:
    period, part = period_of(run), part_name(run)
    reports = report_key(period, "").rsplit("/", 1)[0]
    for name, picture in report.pictures.items():
        storage.put_bytes(f"{reports}/{name}", picture, "image/png")
    storage.put_bytes(report_key(period, ".pdf", part), report.pdf, "application/pdf")
    storage.put_bytes(report_key(period, ".md", part), report.markdown.encode(), "text/markdown; charset=utf-8")


def files_by_day(texts: Iterable[tuple[date, str]], storage: Storage, period: Period) -> dict[date, int]:
    """How many of the texts the storage really has: the period's folder is listed once, others are asked one by one."""
    prefix = f"exports/{period.folder}/transcripts/"
    stored = set(storage.keys(prefix))
    return Counter(
        day for day, path in texts if path in stored or (not path.startswith(prefix) and storage.exists(path))
    )


def _publish_log(run: Run, state: State, storage: Storage) -> None:
    """Named by the run's start, so that each run has one log, rewritten as the run goes on."""
    with temporary_folder() as folder:
        file = folder / "log.jsonl"
        with (
            state.transaction() as connection,
            file.open("wb") as out,
            closing(run_events(connection, run.run_id)) as events,
        ):
            write_run_log(events, out, mask=mask_phones)
        storage.put_file(log_key(period_of(run), run.started_at or run.period_to), file, "application/x-ndjson")

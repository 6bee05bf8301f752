"""Registry, report and run log, from the database alone: published again, the same rows give the same files."""

import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from uuid import UUID

from include.calls.domain.audit_chain import Action
from include.calls.domain.registry_row import NO_MASKS, Masks, RegistryRow
from include.calls.domain.report_figures import RunFigures
from include.calls.domain.report_zone import report_zone
from include.calls.domain.stages import Stage
from include.calls.domain.states import RunStatus
from include.calls.domain.storage_keys import log_key, registry_key, report_key
from include.calls.domain.swapped_channels import SwappedLine, swapped_lines
from include.calls.policy import Policy, PrivacyPolicy
from include.calls.reporting.registry_file import XLSX_TYPE, write_registry
from include.calls.reporting.report import ReportFiles, render_report
from include.calls.reporting.run_log import write_run_log
from include.calls.reporting.settings import report_settings
from include.calls.state.audit import AuditLog
from include.calls.state.figures import ReportFigures
from include.calls.state.publications import Publications
from include.calls.state.registry import Registry
from include.calls.state.state import State
from include.calls.state.types import Run
from include.calls.steps.build_transcript import signs_of
from include.calls.steps.deliver import DeliveredFiles, deliver, delivered_files, masked_delivery
from include.calls.steps.restore_texts import TextFiles, restore_texts
from include.clients.storage.base import Storage
from include.common.masking import mask_number, mask_phones
from include.common.run_in_subprocess import Subprocess
from include.common.temporary_folders import temporary_folder

_DRAWING = ("matplotlib.figure", "matplotlib.backends.backend_agg", "typst", render_report.__module__)


def drawing_process() -> Subprocess:
    """Draws reports: matplotlib and typst leave some 95 MB behind."""
    return Subprocess(*_DRAWING)


def publish(
    run_id: UUID,
    state: State,
    storage: Storage,
    policy: Policy,
    *,
    upstream_failed: str | None = None,
    drawing: Subprocess | None = None,
) -> int:
    """Returns the registry's rows. A file that is there already is replaced whole.

    The registry and report of a folder belong to the run that reaches furthest (`Publications.owner`). If another run
    owns them, its registry and report are written again, with what this run has changed. A run that only made a
    forecast, or that never got the list of calls, leaves them as they are.

    Recordings that have been failing for too long go to the dead letter queue first, so that the report lists them. For
    a closed run (after `make qa` or `make rebuild`) files are all that is written: its recordings and history stay.
    `upstream_failed` names a task that every call depends on and that failed; the report says so. `drawing` is the
    process of a caller who publishes several runs.
    """
    run = state.runs.get(run_id)
    goes_on = run.status is RunStatus.RUNNING
    if goes_on:
        overdue = datetime.now(UTC) - timedelta(hours=policy.thresholds.dlq_after_hours)
        state.dead_letters.move_overdue(run_id, failed_before=overdue)
    rows = 0
    if not run.dry_run and (_is_listed(run) or not storage.exists(_key(run))):
        _sum_up_owner(run, state)
        with state.transaction():
            Publications(state.session).lock(_key(run))  # for all files of the registry and the report
            owner = _owner(run, state)
            before = Publications(state.session).delivery(_key(run))
            began = time.monotonic()
            with drawing_process() if drawing is None else nullcontext(drawing) as process:
                rows = _publish_files(owner, run, state, storage, policy, upstream_failed, process)
            seconds = time.monotonic() - began
            Publications(state.session).note(
                _key(run), owner.run_id, complete=_is_listed(owner), rows=rows, seconds=seconds
            )
            delivered = Publications(state.session).delivery(_key(run))
            if delivered is not None and delivered != before:
                detail = {"folder": run.period.folder, "audio": delivered.audio_at is not None}
                AuditLog(state.session).record(
                    Action.TEXTS_DELIVERED, actor=run.actor, run_id=run.run_id, detail=detail
                )
        if goes_on:
            detail = {"rows": rows} | ({} if owner.run_id == run_id else {"registry_of": str(owner.run_id)})
            state.events.add(run_id, stage=Stage.PUBLISH, event="published", detail=detail)
    publish_log(run, state, storage)
    return rows


def publish_live(run_id: UUID, state: State, storage: Storage, policy: Policy) -> bool:
    """Writes the registry during the run, after a batch. False if it is not due (`Publications.lock_live`).

    One task at a time writes, and it reads the rows after the task before has stored its file, so a newer registry is
    never replaced by an older one. A complete registry stays until `publish`. Raises what the storage raises.
    """
    run = state.runs.get(run_id)
    key = _key(run)
    with state.transaction():
        if not Publications(state.session).lock_live(key, run_id):
            return False
        began = time.monotonic()
        delivered = delivered_files(run.period.folder, Publications(state.session).delivery(key), storage)
        zone = report_zone(policy.report.time_zone, ReportFigures(state.session).usual_offset(run_id))
        rows = publish_registry(run, key, delivered, state, storage, policy.privacy, zone, complete=False)
        Publications(state.session).note(key, run_id, complete=False, rows=rows, seconds=time.monotonic() - began)
    return True


def publish_registry(
    run: Run,
    key: str,
    delivered: DeliveredFiles,
    state: State,
    storage: Storage,
    privacy: PrivacyPolicy,
    zone: tzinfo,
    *,
    complete: bool,
) -> int:
    """The registry of the run's recordings at `key`, and as XLSX beside it if it is complete; returns its rows.

    `zone` is that of the times in the XLSX file.
    """
    masks = _masks(hidden=privacy.pii_masking_enabled or delivered.masked)
    with temporary_folder() as folder:
        file, sheet = folder / "registry.csv", folder / "registry.xlsx" if complete else None
        with file.open("wb") as out, closing(_rows(run, state)) as found:
            found_rows = map(delivered.in_registry, found)
            rows = write_registry(found_rows, out, sheet, folder=delivered.folder, zone=zone, masks=masks)
        storage.put_file(key, file, "text/csv; charset=utf-8")
        if sheet:
            storage.put_file(key.removesuffix(".csv") + ".xlsx", sheet, XLSX_TYPE)
    return rows


def _masks(*, hidden: bool) -> Masks:
    return Masks(number=mask_number, text=_text_mask(hidden=True)) if hidden else NO_MASKS


def _text_mask(*, hidden: bool) -> Callable[[str], str]:
    """For strangers' texts in registry and report: phone numbers are masked in any case."""
    if not hidden:
        return mask_phones
    from include.common.personal_data.hiding import without_personal_data  # noqa: PLC0415 - only where masking is on

    return without_personal_data


def _rows(run: Run, state: State) -> Generator[RegistryRow]:
    if run.portal_id is not None:  # None: it has listed no call
        yield from Registry(state.session).rows(run.scope, run.run_id)


def _publish_files(
    owner: Run,
    asked: Run,
    state: State,
    storage: Storage,
    policy: Policy,
    upstream_failed: str | None,
    process: Subprocess,
) -> int:
    """Texts, registry and report of the run `owner`; `asked` is the run that publishes.

    The report's process has started: it imports its libraries while the texts are looked for.
    """
    zone = report_zone(policy.report.time_zone, ReportFigures(state.session).usual_offset(owner.run_id))
    files, delivered = TextFiles(), DeliveredFiles(owner.period.folder, set())
    if owner.portal_id is not None:
        files = restore_texts(owner.scope, state, storage, policy.privacy, zone=zone)
        if files.restored:
            detail = {"texts": files.restored}
            state.events.add(asked.run_id, stage=Stage.PUBLISH, event="texts_restored", detail=detail)
        delivered = _deliver(owner, asked, state, storage, policy.privacy)
        delivered.lost = files.lost
    failed_step = upstream_failed if owner.run_id == asked.run_id else owner.failed_step

    def report() -> ReportFiles:
        figures = _figures(owner.run_id, state.session.conninfo, policy, zone, failed_step)
        sample = [delivered.in_sample(item) for item in figures.qa_sample]
        return process.run(
            render_report,
            replace(figures, files=files.by_day, qa_sample=sample),
            report_settings(policy, datetime.now(UTC), zone),
            folder=owner.period.folder,
            part=owner.part,
            mask=_text_mask(hidden=policy.privacy.pii_masking_enabled or delivered.masked),
        )

    with ThreadPoolExecutor(1) as beside:  # the registry does not wait for the report, and is stored even without it
        drawn = beside.submit(report)
        rows = publish_registry(owner, _key(owner), delivered, state, storage, policy.privacy, zone, complete=True)
        _publish_report(owner, drawn.result(), storage)
    return rows


def _figures(run_id: UUID, conninfo: str, policy: Policy, zone: tzinfo, failed_step: str | None) -> RunFigures:
    """Over a connection of its own, because the rows of the registry are read at the same time."""
    with State.open(conninfo) as state:
        reads = ReportFigures(state.session)
        found = reads.figures(
            run_id, qa_sample_size=policy.thresholds.qa_sample_size, failed_step=failed_step, zone=zone
        )
        return replace(found, swapped=_swapped(run_id, reads, policy))


def _swapped(run_id: UUID, reads: ReportFigures, policy: Policy) -> list[tuple[SwappedLine, str]]:
    """Phone lines whose channels seem to be swapped, and the channel that the settings do not give to the operator."""
    speakers, stt = policy.speakers, policy.stt
    with closing(reads.openings(run_id)) as openings:
        lines = swapped_lines(openings, signs_of(speakers), from_calls=speakers.swapped_from_calls)
    return [
        (line, "left" if stt.channel_map.get(line.phone_line, stt.operator_channel) == "right" else "right")
        for line in lines
    ]


def _deliver(owner: Run, asked: Run, state: State, storage: Storage, privacy: PrivacyPolicy) -> DeliveredFiles:
    """Where a run asks for it, and into a folder that has been delivered before."""
    key, folder = _key(owner), owner.period.folder
    before = Publications(state.session).delivery(key)
    audio = asked.deliver_audio or owner.deliver_audio or (before is not None and before.audio_at is not None)
    if not (audio or before or asked.deliver_texts or owner.deliver_texts):
        return DeliveredFiles(folder, set())
    masked = masked_delivery(before, privacy)
    delivered = deliver(owner.scope, folder, before, state, storage, audio=audio, masked=masked)
    Publications(state.session).note_delivery(key, audio=audio, masked=masked, run_id=asked.run_id, actor=asked.actor)
    return delivered


def _publish_report(run: Run, report: ReportFiles, storage: Storage) -> None:
    reports = report_key(run.period, "").rsplit("/", 1)[0]
    for name, picture in report.pictures.items():
        storage.put_bytes(f"{reports}/{name}", picture, "image/png")
    storage.put_bytes(report_key(run.period, ".pdf", run.part), report.pdf, "application/pdf")
    storage.put_bytes(report_key(run.period, ".md", run.part), report.markdown.encode(), "text/markdown; charset=utf-8")


def publish_log(run: Run, state: State, storage: Storage) -> None:
    """Each run has one log, rewritten as the run goes on; it is named by the run's start and id."""
    with temporary_folder() as folder:
        file = folder / "log.jsonl"
        with file.open("wb") as out, closing(state.events.of_run(run.run_id)) as events:
            write_run_log(events, out, mask=mask_phones)
        key = log_key(run.period, run.started_at or run.period_to, run.run_id)
        storage.put_file(key, file, "application/x-ndjson")


def _sum_up_owner(run: Run, state: State) -> None:
    """Before the transaction of the files, which would keep the other run's row locked as long as it lasts.

    A run that becomes the owner in between has been summed up just now.
    """
    owner_id = Publications(state.session).owner(_key(run), run.run_id)
    if owner_id != run.run_id:
        state.runs.sum_up(owner_id)


def _owner(run: Run, state: State) -> Run:
    """The run whose registry belongs at this run's key."""
    owner_id = Publications(state.session).owner(_key(run), run.run_id)
    return run if owner_id == run.run_id else state.runs.get(owner_id)


def _is_listed(run: Run) -> bool:
    return run.metadata.get("listed") is not None


def _key(run: Run) -> str:
    return registry_key(run.period, run.part)

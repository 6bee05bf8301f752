"""Forecast before anything is spent: calls, minutes, money and hours of what is left to buy; then the batches."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from include.calls.domain.batching import plan_batches
from include.calls.domain.report_figures import Estimate, ReportSettings
from include.calls.domain.report_zone import report_zone
from include.calls.domain.stages import Stage
from include.calls.domain.storage_keys import estimate_key
from include.calls.policy import BatchPolicy, MoneyPolicy, Policy
from include.calls.reporting.approval_question import Question, approval_question
from include.calls.reporting.estimate import hours_needed, render_estimate
from include.calls.reporting.settings import report_settings
from include.calls.state.figures import ReportFigures
from include.calls.state.state import State
from include.calls.state.types import Run
from include.calls.steps.approve import ask, forget_decision
from include.calls.steps.disk_room import lacking_bytes, refuse_without_room
from include.calls.steps.spending import planned_spending
from include.calls.wording import notes
from include.clients.storage.base import Storage
from include.common.budget import PlannedSpending
from include.common.errors import NotConfigured

ENOUGH_TO_JUDGE = 10  # texts: if none of so many is in the storage, it is another storage


@dataclass(frozen=True, slots=True)
class Planned:
    """`batches` is empty if there is nothing to buy, or if only the forecast was asked for. `note` is for operators.

    If there is a `question`, no batch may be started before a person has approved it.
    """

    batches: list[int]
    note: str
    question: Question | None = None


def plan(run_id: UUID, state: State, storage: Storage, policy: Policy) -> Planned:
    """Safe to run twice: work that has a batch keeps it, an approval stands, an open question is asked again."""
    run = state.runs.get(run_id)
    forget_decision(run_id, state)
    _refuse_another_storage(run, state, storage)
    summaries = _wants_summaries(run, policy)
    if not run.dry_run:
        state.moves.take_up(run, stage=Stage.PLAN, summaries=summaries)
    planned = planned_spending(run, state, policy)
    state.runs.set_forecast(run_id, planned.forecast)
    estimate = ReportFigures(state.session).estimate(run_id, state.work.to_buy(run))
    estimate = replace(estimate, cost=planned.forecast)  # the run keeps its first forecast
    zone = report_zone(policy.report.time_zone, ReportFigures(state.session).usual_offset(run_id))
    settings = report_settings(policy, datetime.now(UTC), zone)
    _write_estimate(estimate, planned, storage, run, settings)
    if run.dry_run:
        lacking = lacking_bytes(storage, estimate.minutes) if estimate.to_buy else 0
        return Planned([], notes.with_lacking_room(_note(estimate, planned, policy, batches=0), lacking))
    if estimate.to_buy:  # a run without purchases ends on a full disk as well
        refuse_without_room(storage, estimate.minutes)
    _assign_batches(run_id, state, policy.batches, summaries=summaries)
    batches = state.work.unfinished_batches(run_id, summaries=summaries)
    detail = {"batches": len(batches), "to_buy": estimate.to_buy, "minutes": estimate.billed_minutes}
    state.events.add(run_id, stage=Stage.PLAN, event="planned", detail=detail)
    question = _question(estimate, planned, settings, policy.money) if planned.needs_approval else None
    if question:
        ask(run_id, question, state)
    return Planned(batches, _note(estimate, planned, policy, batches=len(batches)), question)


def batches_of(run_id: UUID, state: State, policy: Policy) -> list[int]:
    """The unfinished batches of a run that is planned already."""
    return state.work.unfinished_batches(run_id, summaries=_wants_summaries(state.runs.get(run_id), policy))


def _wants_summaries(run: Run, policy: Policy) -> bool:
    return run.generate_summary and policy.summary.enabled


def _refuse_another_storage(run: Run, state: State, storage: Storage) -> None:
    """A wrong STORAGE_BACKEND or a disk that is not mounted must not look like lost files."""
    newest = state.recordings.newest_texts(run.run_id, ENOUGH_TO_JUDGE)
    if len(newest) < ENOUGH_TO_JUDGE or any(storage.exists(key) for key in newest):
        return
    period = run.period
    raise NotConfigured(
        "not one of the earlier texts is in this storage: check STORAGE_BACKEND, LOCAL_STORAGE_DIR or S3_BUCKET; if "
        f"the files are lost for good, make deliver FROM={period.start:%Y-%m-%d} TO={period.end:%Y-%m-%d} writes the "
        "texts again from the database",
        problem="texts_not_in_storage",
        period_from=f"{period.start:%Y-%m-%d}",
        period_to=f"{period.end:%Y-%m-%d}",
    )


def _assign_batches(run_id: UUID, state: State, limits: BatchPolicy, *, summaries: bool) -> None:
    unplanned = state.work.unplanned(run_id, summaries=summaries)
    calls = {each.recording_id: each.call_id for each in unplanned}
    batches = plan_batches(
        [(each.recording_id, float(each.minutes)) for each in unplanned],
        call_of=calls.__getitem__,
        slots=limits.slots,
        max_batches=limits.max_batches,
        min_calls=limits.min_calls,
        max_calls=limits.max_calls,
    )
    if batches:
        state.work.assign(run_id, batches)


def _write_estimate(
    estimate: Estimate, planned: PlannedSpending, storage: Storage, run: Run, settings: ReportSettings
) -> None:
    text = render_estimate(estimate, settings, planned)
    storage.put_bytes(estimate_key(run.period, run.part), text.encode(), "text/markdown; charset=utf-8")


def _note(estimate: Estimate, planned: PlannedSpending, policy: Policy, *, batches: int) -> str:
    hours = hours_needed(estimate, policy.stt.seconds_per_minute, policy.batches.slots)
    return notes.planned(estimate, planned, hours=hours, batches=batches)


def _question(estimate: Estimate, planned: PlannedSpending, settings: ReportSettings, money: MoneyPolicy) -> Question:
    until = settings.generated_at + timedelta(hours=money.approval_timeout_hours)
    return approval_question(estimate, settings, planned, until=until)

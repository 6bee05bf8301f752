"""Forecast first (D26): what is already ours is reused; the rest is known in calls, minutes, money and hours."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from include.calls.domain.batching import plan_batches
from include.calls.domain.budget import PlannedSpending
from include.calls.domain.report_figures import Estimate, ReportSettings
from include.calls.domain.report_zone import report_zone
from include.calls.domain.stages import Stage
from include.calls.domain.storage_keys import estimate_key
from include.calls.policy import MoneyPolicy, Policy
from include.calls.reporting.approval_question import Question, approval_question
from include.calls.reporting.estimate import hours_needed, render_estimate
from include.calls.reporting.settings import report_settings
from include.calls.state.report_queries import portal_offset, run_estimate
from include.calls.state.rows import Run
from include.calls.state.state import State
from include.calls.steps.approve import ask, forget_answer
from include.calls.steps.paths import part_name, period_of, run_of
from include.calls.steps.reuse import reuse_earlier_texts
from include.calls.steps.spending import planned_spending
from include.calls.wording import notes
from include.clients.storage.base import Storage


@dataclass(frozen=True, slots=True)
class Planned:
    """`batches` is empty if there is nothing to buy, or if only the forecast was asked for. `note` is for operators.

    If there is a `question`, no batch may be started before a person has approved it.
    """

    batches: list[int]
    note: str
    question: Question | None = None


def plan(run_id: UUID, state: State, storage: Storage, policy: Policy) -> Planned:
    """Safe to run twice: a record that has a batch keeps it, an approval stands; an open question is put anew."""
    run = run_of(run_id, state)
    forget_answer(run_id, state)
    reuse_earlier_texts(run, state, storage)
    state.hold_dead_letters(run_id, stage=Stage.PLAN)
    planned = planned_spending(run, state, policy)
    state.set_forecast(run_id, planned.forecast)
    estimate, settings = _estimate(run, state, planned, policy)
    _write_estimate(estimate, planned, storage, run, settings)
    if run.dry_run:
        return Planned([], _note(estimate, planned, policy, batches=0))
    summaries = run.generate_summary and policy.summary.enabled
    _assign_batches(run_id, state, policy, summaries=summaries)
    batches = state.batch_numbers_unfinished(run_id, summaries=summaries)
    detail = {"batches": len(batches), "to_buy": estimate.to_buy, "minutes": estimate.billed_minutes}
    state.event(run_id, stage=Stage.PLAN, event="planned", detail=detail)
    question = _question(estimate, planned, settings, policy.money) if planned.needs_approval else None
    if question:
        ask(run_id, question, state)
    return Planned(batches, _note(estimate, planned, policy, batches=len(batches)), question)


def batches_of(run_id: UUID, state: State, policy: Policy) -> list[int]:
    """The batches of a run that is planned already."""
    run = run_of(run_id, state)
    return state.batch_numbers_unfinished(run_id, summaries=run.generate_summary and policy.summary.enabled)


def _assign_batches(run_id: UUID, state: State, policy: Policy, *, summaries: bool) -> None:
    batches = plan_batches(
        [(key, float(minutes)) for key, minutes in state.unplanned(run_id, summaries=summaries)],
        call_of=lambda key: key.call_id,
        slots=policy.batches.slots,
        max_batches=policy.batches.max_batches,
        min_calls=policy.batches.min_calls,
        max_calls=policy.batches.max_calls,
    )
    state.assign_batches(run_id, batches)


def _estimate(run: Run, state: State, planned: PlannedSpending, policy: Policy) -> tuple[Estimate, ReportSettings]:
    """What is left to buy; the run's own row keeps the first forecast."""
    with state.transaction() as connection:
        estimate = replace(run_estimate(connection, run.run_id), cost=planned.forecast)
        zone = report_zone(policy.report.time_zone, portal_offset(connection, run.run_id))
    return estimate, report_settings(policy, datetime.now(UTC), zone)


def _write_estimate(
    estimate: Estimate, planned: PlannedSpending, storage: Storage, run: Run, settings: ReportSettings
) -> None:
    text = render_estimate(estimate, settings, planned)
    storage.put_bytes(estimate_key(period_of(run), part_name(run)), text.encode(), "text/markdown; charset=utf-8")


def _note(estimate: Estimate, planned: PlannedSpending, policy: Policy, *, batches: int) -> str:
    hours = hours_needed(estimate, policy.stt.seconds_per_minute, policy.batches.slots)
    return notes.planned(estimate, planned, hours=hours, batches=batches)


def _question(estimate: Estimate, planned: PlannedSpending, settings: ReportSettings, money: MoneyPolicy) -> Question:
    until = settings.generated_at + timedelta(hours=money.approval_timeout_hours)
    return approval_question(estimate, settings, planned, until=until)

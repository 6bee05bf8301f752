"""Forecast first (D26): what is already ours is reused; the rest is known in calls, minutes, money and hours."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from include.clients.state.reporting import run_estimate
from include.clients.state.rows import Run
from include.clients.state.store import State
from include.clients.storage.base import Storage
from include.config.policy import Policy
from include.domain.naming import estimate_key
from include.domain.planning import plan_batches
from include.domain.stt_profiles import profile_of
from include.reporting.estimate import hours_needed, render_estimate
from include.steps.paths import period_of, run_of
from include.steps.report_settings import report_settings
from include.steps.reuse import reuse_earlier_texts

STAGE = "plan"


@dataclass(frozen=True, slots=True)
class Planned:
    """`batches` is empty where there is nothing to buy, or where only the forecast was asked for."""

    batches: list[int]
    sentence: str


def plan(run_id: UUID, state: State, storage: Storage, policy: Policy) -> Planned:
    """Safe to run twice: a record that has a batch keeps it."""
    run = run_of(run_id, state)
    reuse_earlier_texts(run, state, storage)
    state.hold_dead_letters(run_id, stage=STAGE)
    to_buy = state.to_buy(run_id)
    rate = rate_per_minute(policy)
    state.set_forecast(run_id, to_buy.minutes * rate)
    estimate_sentence = _write_estimate(run, state, storage, policy)
    if run.dry_run:
        return Planned([], f"только прогноз: {estimate_sentence}")
    summaries = run.generate_summary and policy.summary.enabled
    _assign_batches(run_id, state, policy, summaries=summaries)
    batches = state.batch_numbers_unfinished(run_id, summaries=summaries)
    state.event(run_id, stage=STAGE, event="planned", detail={"batches": len(batches), "to_buy": to_buy.recordings})
    return Planned(batches, f"{estimate_sentence}; пачек {len(batches)}")


def rate_per_minute(policy: Policy) -> Decimal:
    """USD: the setting's, else the model's public tariff (D25)."""
    rate = policy.stt.rate_per_min_usd  # 0 is a server of one's own
    return profile_of(policy.stt.model).rate_per_min_usd if rate is None else rate


def _assign_batches(run_id: UUID, state: State, policy: Policy, *, summaries: bool) -> None:
    batches = plan_batches(
        [(key, float(minutes)) for key, minutes in state.unplanned(run_id, summaries=summaries)],
        lines=policy.batches.lines,
        max_batches=policy.batches.max_batches,
        min_calls=policy.batches.min_calls,
        max_calls=policy.batches.max_calls,
    )
    state.assign_batches(run_id, batches)


def _write_estimate(run: Run, state: State, storage: Storage, policy: Policy) -> str:
    settings = report_settings(policy, datetime.now(UTC))
    with state.transaction() as connection:
        estimate = run_estimate(connection, run.run_id)
    text = render_estimate(estimate, settings)
    storage.put_bytes(estimate_key(period_of(run)), text.encode(), "text/markdown; charset=utf-8")
    hours = hours_needed(estimate, settings.seconds_per_minute, settings.lines)
    return (
        f"прогноз: распознать {estimate.to_buy} записей, {estimate.minutes} мин, {estimate.cost:.2f} USD, "
        f"{hours:.1f} ч; готовых текстов {estimate.reused}"
    )

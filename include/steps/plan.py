"""Forecast first (D26): what is already ours is reused, the rest is known in calls, minutes, money and hours before it is bought."""

from dataclasses import dataclass
from uuid import UUID

from include.clients.state.reporting import run_estimate
from include.clients.state.rows import Run
from include.clients.state.store import State
from include.clients.storage.base import Storage
from include.config.policy import Policy
from include.domain.naming import estimate_key
from include.domain.planning import plan_batches
from include.domain.stt_profiles import profile_of
from include.reporting.estimate import render_estimate
from include.steps.forecasting import forecast_of
from include.steps.paths import period_of
from include.steps.reuse import reuse_earlier_texts

STAGE = "plan"


@dataclass(frozen=True, slots=True)
class Planned:
    """`batches` are empty where there is nothing to buy, or where only the forecast was asked for."""

    batches: list[int]
    sentence: str


def plan(run_id: UUID, state: State, storage: Storage, policy: Policy) -> Planned:
    """Safe to run twice: batches that are planned already stay as they are."""
    run = state.run(run_id)
    assert run is not None
    reused = reuse_earlier_texts(run, state, storage)

"""What each task of `callcenter_quality` does. Heavy imports are inside: the DAG file imports this module."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from airflow.sdk.exceptions import AirflowFailException

from include.call_centre.names import SCORES_ASSET, SCORING_TASK
from include.common.errors import ExportError, Throttled
from plugins.airflow_kit.run_note import AirflowApiHook
from plugins.airflow_kit.task_instance import failed_upstream, is_fresh
from plugins.hooks.call_centre_policy import load_run_call_centre_policy
from plugins.hooks.call_centre_state import open_quality_state
from plugins.hooks.calls_state import CallsStateHook

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.call_centre.steps.plan import PlannedScores
    from include.clients.language_models.router import Router
    from include.clients.language_models.routing_state import RoutingState

PARAMETERS = ("card", "date_from", "date_to", "call_ids", "limit", "dry_run", "rescore", "provider")
BEFORE_BATCHES = ("open", "plan")


def open_run(context: "Context") -> UUID:
    from include.call_centre.steps import open_run as step

    dag_run, params = context["dag_run"], context["params"]
    asked = {name: params[name] for name in PARAMETERS if name in params}
    actor = dag_run.triggering_user_name or dag_run.run_type.value
    with _failure_noted(context), open_quality_state() as state:
        policy = load_run_call_centre_policy()
        return step.open_run(dag_run.run_id, asked, state, policy, actor=actor, at=dag_run.run_after)


def plan(context: "Context", run_id: UUID) -> "PlannedScores":
    from include.call_centre.steps import plan as step
    from include.call_centre.wording import quality
    from include.clients.language_models.prices import forecast
    from plugins.hooks.language_models import effective_table

    with _failure_noted(context), open_quality_state() as state, _router(run_id) as (routing, router):
        planned = step.plan(
            run_id,
            state,
            routing,
            router,
            load_run_call_centre_policy(),
            price=forecast,
            daily_usd=effective_table(routing).daily_budget_usd,
        )
        found = planned.forecast
        note(context, quality.planned(found.texts, found.usd, found.unscorable))
        return planned


def decided(context: "Context", run_id: UUID, *, approved: bool, by: str | None) -> list[int]:
    from include.call_centre.steps import plan as step
    from include.call_centre.wording import quality

    with _failure_noted(context), open_quality_state() as state, _routing() as routing:
        if not approved:
            note(context, quality.cancelled(by))
        return step.decided(run_id, state, routing, approved=approved, by=by)


def score(context: "Context", run_id: UUID, batch: int) -> int:
    from include.call_centre.steps.score_batch import Scoring, score_batch

    asked_anew = context["params"].get("provider") if context["params"].get("rescore") else None
    with _failure_noted(context), open_quality_state() as state, _router(run_id, only=asked_anew) as (routing, router):
        work = Scoring(run_id, state, routing, router, load_run_call_centre_policy(), masking(), anew_by=asked_anew)
        return score_batch(batch, work, fresh=is_fresh(context))


def publish(context: "Context", run_id: UUID | None) -> None:
    """The asset's event, for a run that has brought scores; whatever became of the batches."""
    if run_id is None:
        return
    with open_quality_state() as state:
        scores = {one.status: one.scores for one in state.scores.counts(run_id)}
    if scores:
        from airflow.sdk import Asset

        from plugins.call_centre.quality_assets import PUBLISHED

        context["outlet_events"][PUBLISHED].add(Asset(SCORES_ASSET), extra={"run_id": str(run_id), **scores})


def close_run(context: "Context", run_id: UUID | None) -> None:
    """The verdict; fails exactly if something that was to be scored is not."""
    from include.call_centre.steps import close_run as step
    from include.call_centre.wording import quality

    failed_step = failed_upstream(context, BEFORE_BATCHES)
    if run_id is None:
        raise AirflowFailException(f"{failed_step} failed: its note says why")
    with _failure_noted(context), open_quality_state() as state:
        closed = step.close_run(run_id, state, failed_step=failed_step)
        usd = sum((one.usd for one in closed.scores.values()), state.runs.spent(run_id) * 0)
        if closed.status != "cancelled" and not failed_step:
            note(context, quality.closed(closed.scored, closed.unscorable, closed.failed, usd))
    if failed_step:
        raise AirflowFailException(f"{failed_step} failed: its note says why")
    if closed.status == "error":
        raise AirflowFailException(f"{closed.failed} texts failed, {closed.waiting} are not scored")


def calibrate(context: "Context") -> dict[str, str]:
    """What became of each criterion of the card, by the newest figures."""
    from include.call_centre.steps import calibrate as step
    from include.call_centre.steps.load_cards import all_cards, newest_cards
    from include.call_centre.wording import quality

    params = context["params"]
    with (
        _failure_noted(context),
        open_quality_state() as state,
        _router(context["dag_run"].run_id, only=params.get("provider") or None) as (routing, router),
    ):
        policy = load_run_call_centre_policy()
        state.runs.keep_cards(all_cards())
        found: dict[str, str] = {}
        for card in newest_cards([params["card"]] if params.get("card") else policy.quality.cards):
            done = step.calibrate(card, state, routing, router, policy, repeats=int(params.get("repeats") or 1))
            found |= {f"{card.card}.{name}": status for name, status in done.criteria.items()}
        note(context, quality.calibrated(found))
        return found


def daily_stats(context: "Context") -> int:
    """Figures of the day that is named, else of each day that has changed; returns how many days."""
    from include.call_centre.steps.day_figures import make_day, make_days

    named = context["params"].get("day")
    with _failure_noted(context), open_quality_state() as state:
        policy = load_run_call_centre_policy()
        if named:
            make_day(state, policy, date.fromisoformat(named))
            return 1
        return make_days(state, policy, now=datetime.now(UTC))


def forget(context: "Context") -> int:
    """Scores whose time has passed; returns how many."""
    with _failure_noted(context), open_quality_state() as state:
        kept_days = load_run_call_centre_policy().retention_days.scores
        return state.runs.forget_scores(datetime.now(UTC) - timedelta(days=kept_days))


def masking() -> Callable[[str], str]:
    """What hides personal data before a text leaves the machine; the same switch as that of summaries."""
    from plugins.hooks.calls_policy import load_run_policy

    if not load_run_policy().privacy.mask_prompts:
        return str
    from include.common.personal_data.hiding import without_personal_data

    return without_personal_data


def note(context: "Context", text: str) -> None:
    dag_run = context["dag_run"]
    AirflowApiHook().set_note(dag_run.dag_id, dag_run.run_id, text)


@contextmanager
def _failure_noted(context: "Context") -> Iterator[None]:
    from include.call_centre.wording import quality

    try:
        yield
    except Throttled:
        raise
    except ExportError as error:
        note(context, quality.failed(context["ti"].task_id, error))
        raise


@contextmanager
def _routing() -> "Iterator[RoutingState]":
    from include.clients.language_models.routing_state import RoutingState

    with RoutingState.open(CallsStateHook().conninfo()) as routing:
        yield routing


@contextmanager
def _router(run_id: UUID | str, *, only: str | None = None) -> "Iterator[tuple[RoutingState, Router]]":
    from plugins.hooks.language_models import open_router

    with (
        _routing() as routing,
        open_router(routing, run_id=str(run_id), only=(SCORING_TASK, only) if only else None) as router,
    ):
        yield routing, router

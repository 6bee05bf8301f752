"""A run begins: its row, the cards checked, the period resolved once."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from include.call_centre.domain.scorecards import Scorecard
from include.call_centre.policy import CallCentrePolicy
from include.call_centre.state.quality_runs import QualityRun
from include.call_centre.state.state import QualityState
from include.call_centre.steps.load_cards import all_cards, newest_cards
from include.common.errors import BadInput


def open_run(
    dag_run_id: str,
    asked: Mapping[str, Any],
    state: QualityState,
    policy: CallCentrePolicy,
    *,
    actor: str,
    at: datetime,
) -> UUID:
    """`asked` are the form's parameters. Raises BadInput for a period that cannot be used, NotConfigured for a card."""
    cards_of(asked, policy)
    since, until = _period(asked, policy, at)
    state.runs.keep_cards(all_cards())
    kept = {**asked, "since": since.isoformat(), "until": until.isoformat()}
    with state.transaction():
        run_id = state.runs.open(dag_run_id, asked=kept, actor=actor)
        state.runs.add_event("open", "opened", run_id=run_id, actor=actor)
    return run_id


def cards_of(asked: Mapping[str, Any], policy: CallCentrePolicy) -> list[Scorecard]:
    return newest_cards([asked["card"]] if asked.get("card") else policy.quality.cards)


def period_of(run: QualityRun) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(run.asked["since"]), datetime.fromisoformat(run.asked["until"])


def _period(asked: Mapping[str, Any], policy: CallCentrePolicy, at: datetime) -> tuple[datetime, datetime]:
    """Days are local ones, the last is inclusive."""
    since, until = _day(asked.get("date_from"), policy), _day(asked.get("date_to"), policy)
    first = since or at - timedelta(days=policy.quality.since_days)
    last = until + timedelta(days=1) if until else at + timedelta(minutes=1)
    if first >= last:
        raise BadInput("the period begins after its end", problem="quality_period")
    return first.astimezone(UTC), last.astimezone(UTC)


def _day(given: Any, policy: CallCentrePolicy) -> datetime | None:
    if not given:
        return None
    try:
        return datetime.strptime(str(given), "%Y-%m-%d").replace(tzinfo=policy.zone)
    except ValueError:
        raise BadInput(f"{given} is no day such as 2026-11-30", problem="quality_day", value=given) from None

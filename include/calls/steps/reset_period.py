"""Begins the work on a period anew: what it would cost, what is left alone, and, once a person says so, the moves.

Nothing is bought here: the next run whose period contains the recordings takes them up, with a forecast of its own and
a question above the budget.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from include.calls.domain.audit_chain import Action
from include.calls.domain.phone_numbers import spelled_alike
from include.calls.domain.reset_outcomes import ResetFigures, ResetOutcome
from include.calls.policy import Policy
from include.calls.state.audit import AuditLog
from include.calls.state.resets import Resets
from include.calls.state.state import State
from include.calls.steps.spending import budget_of, rate_per_minute
from include.common.budget import PlannedSpending, Spending
from include.common.errors import BadInput
from include.common.periods import Period


@dataclass(frozen=True, slots=True)
class Wanted:
    """The recordings to reset: those of a period, of one phone line in any spelling, of one call."""

    period: Period
    line: str | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedReset:
    """`left_alone` by outcome; `spending` is what the next run would pay for what is reset."""

    reset: ResetFigures
    left_alone: tuple[ResetFigures, ...]
    spending: PlannedSpending


def plan_reset(wanted: Wanted, state: State, policy: Policy) -> PlannedReset:
    """Raises BadInput if the period has no recording that could be reset or left alone."""
    lines = _lines(wanted, state)
    return _planned(Resets(state.session).look(wanted.period, lines=lines, call_id=wanted.call_id), policy)


def reset_period(wanted: Wanted, state: State, policy: Policy, *, actor: str, reason: str) -> PlannedReset:
    """The moves and their entry in the audit log are one transaction; raises as `plan_reset`. May be repeated."""
    lines = _lines(wanted, state)
    with state.transaction():
        done = _planned(
            Resets(state.session).reset(wanted.period, actor=actor, lines=lines, call_id=wanted.call_id), policy
        )
        if done.reset.recordings:
            AuditLog(state.session).record(
                Action.PERIOD_RESET,
                actor=actor,
                call_id=wanted.call_id,
                reason=reason,
                detail={
                    "period": wanted.period.folder,
                    "line": wanted.line or "",
                    "recordings": done.reset.recordings,
                    "texts": done.reset.texts,
                    "minutes": done.reset.minutes,
                    "usd": str(done.spending.forecast),
                },
            )
    return done


def _lines(wanted: Wanted, state: State) -> list[str] | None:
    if wanted.line is None:
        return None
    found = spelled_alike(wanted.line, state.recordings.phone_lines())
    if not found:
        raise _nothing()
    return list(found)


def _planned(found: Sequence[ResetFigures], policy: Policy) -> PlannedReset:
    if not found:
        raise _nothing()
    by_outcome = {each.outcome: each for each in found}
    reset = by_outcome.pop(ResetOutcome.RESET, None) or ResetFigures(ResetOutcome.RESET, 0, 0, 0, 0, Decimal(0))
    forecast = reset.minutes * rate_per_minute(policy.stt)
    spending = PlannedSpending(forecast, Spending(Decimal(0), Decimal(0), approved=None), budget_of(policy.money))
    left = tuple(by_outcome[outcome] for outcome in ResetOutcome if outcome in by_outcome)
    return PlannedReset(reset, left, spending)


def _nothing() -> BadInput:
    return BadInput("no recording of this period, line or call is known", problem="reset_of_nothing")

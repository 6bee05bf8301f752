"""What a run may spend, and when a person decides first. All sums are USD and never floats."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Budget:
    """The settings: up to `usd` and the share `tolerance` above it no approval is needed.

    `reserve` is the share that an approval adds to the forecast it approves. Forecasts count the portal's whole
    seconds, bills count the measured audio: without a reserve every approved run would stop a few recordings early.
    """

    usd: Decimal
    tolerance: Decimal
    reserve: Decimal

    def ceiling(self, approved: Decimal | None) -> Decimal:
        """What a run may spend in all: the approved sum, but never less than needs no approval."""
        unasked = self.usd * (1 + self.tolerance)
        return unasked if approved is None else max(unasked, approved)


@dataclass(frozen=True, slots=True)
class Spending:
    """A run's money so far: `spent` is paid, `in_progress` is the expected cost of recordings in work.

    `approved` is the sum that a person approved, None where no approval was asked for.
    """

    spent: Decimal
    in_progress: Decimal
    approved: Decimal | None

    @property
    def committed(self) -> Decimal:
        return self.spent + self.in_progress


@dataclass(frozen=True, slots=True)
class PlannedSpending:
    """A forecast of what is left to buy, compared with what the run may spend."""

    forecast: Decimal
    spending: Spending
    budget: Budget

    @property
    def total(self) -> Decimal:
        """The whole run's cost, its spending so far included: a cleared or resumed run gets no second budget."""
        return self.spending.spent + self.forecast

    @property
    def ceiling(self) -> Decimal:
        return self.budget.ceiling(self.spending.approved)

    @property
    def needs_approval(self) -> bool:
        return self.forecast > 0 and self.total > self.ceiling

    @property
    def sum_to_approve(self) -> Decimal:
        """What an approval would allow the run to spend in all, in whole cents."""
        return (self.total * (1 + self.budget.reserve)).quantize(_CENT, rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's decision on a forecast above the budget; `by` is None where none came in time. `at` is UTC."""

    approved: bool
    by: str | None
    at: datetime

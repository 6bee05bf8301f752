"""What a run may spend, and when a person is asked first (D26). All sums are USD and never floats."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Budget:
    """The settings: nobody is asked up to `usd` and the share `tolerance` above it.

    `reserve` is the share that an approval adds to the forecast it approves. Forecasts count the portal's whole
    seconds, bills the audio's own length: without a reserve every approved run would stop a few recordings early.
    """

    usd: Decimal
    tolerance: Decimal
    reserve: Decimal

    def ceiling(self, approved: Decimal | None) -> Decimal:
        """What a run may spend in all: a person's sum, but never less than needs no person."""
        unasked = self.usd * (1 + self.tolerance)
        return unasked if approved is None else max(unasked, approved)


@dataclass(frozen=True, slots=True)
class Spending:
    """A run's money so far: `spent` is paid, `in_hand` is what recordings in work are going to cost.

    `approved` is what a person allowed, None where nobody was asked yet.
    """

    spent: Decimal
    in_hand: Decimal
    approved: Decimal | None

    @property
    def committed(self) -> Decimal:
        return self.spent + self.in_hand


@dataclass(frozen=True, slots=True)
class PlannedSpending:
    """A forecast of what is left to buy, held against what the run may spend."""

    forecast: Decimal
    spending: Spending
    budget: Budget

    @property
    def total(self) -> Decimal:
        """The whole run, what it has spent already included: clearing or resuming gives nobody a second budget."""
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

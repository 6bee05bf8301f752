"""When a person is asked, and what a decision allows."""

from decimal import Decimal

import pytest

from include.common.budget import Budget, PlannedSpending, Spending

BUDGET = Budget(usd=Decimal(54), tolerance=Decimal("0.20"), reserve=Decimal("0.05"))


def planned(forecast: str, *, spent: str = "0", approved: str | None = None) -> PlannedSpending:
    allowed = Decimal(approved) if approved else None
    return PlannedSpending(Decimal(forecast), Spending(Decimal(spent), Decimal(0), allowed), BUDGET)


@pytest.mark.parametrize(("forecast", "asked"), [("0", False), ("54", False), ("64.80", False), ("64.800001", True)])
def test_a_fifth_above_the_budget_needs_no_approval(forecast: str, asked: bool) -> None:
    assert planned(forecast).needs_approval is asked


@pytest.mark.parametrize(
    ("forecast", "spent", "asked"), [("10", "54.80", False), ("10.01", "54.80", True), ("0", "500", False)]
)
def test_past_spending_counts_in_a_resumed_run(forecast: str, spent: str, asked: bool) -> None:
    """Approval is asked for only where there is something new to buy."""
    assert planned(forecast, spent=spent).needs_approval is asked


@pytest.mark.parametrize(("forecast", "asked"), [("70", False), ("50", False), ("70.01", True)])
def test_approval_is_asked_again_for_a_greater_sum(forecast: str, asked: bool) -> None:
    assert planned(forecast, spent="30", approved="100").needs_approval is asked


def test_an_approval_covers_spending_and_forecast() -> None:
    """With the reserve, rounded up to whole cents."""
    assert planned("66.67", spent="3.33").sum_to_approve == Decimal("73.50")
    assert planned("66.671", spent="3.33").sum_to_approve == Decimal("73.51"), "rounded up: never less than was asked"


def test_an_approval_is_never_less_than_what_needs_none() -> None:
    """Say the budget was raised after an approval, or a small sum was approved under a smaller budget."""
    assert BUDGET.ceiling(None) == Decimal("64.80")
    assert BUDGET.ceiling(Decimal(10)) == Decimal("64.80")
    assert BUDGET.ceiling(Decimal(100)) == Decimal(100)

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.common.money import call_cost, exact_cost, in_roubles, total, whole_minutes

RATE = Decimal("0.0045")


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [(0, 0), (0.1, 1), (60, 1), (60.0000001, 1), (60.001, 2), (Decimal("119.999"), 2), (120, 2), (3600, 60)],
)
def test_started_minutes_are_paid(seconds: float | Decimal, minutes: int) -> None:
    assert whole_minutes(seconds) == minutes
    assert call_cost(seconds, RATE) == minutes * RATE


def test_prices_below_a_cent_survive() -> None:
    assert str(call_cost(60, Decimal("0.006"))) == "0.006000"
    assert str(exact_cost(Decimal("90.5"), Decimal("0.006"))) == "0.009050"


def test_the_forecast_of_the_requirements() -> None:
    assert total([call_cost(60, Decimal("0.006"))] * 9000) == Decimal("54.000000")
    assert in_roubles(Decimal("54.000000"), Decimal(100)) == Decimal("5400.00")


@given(st.decimals(min_value=0, max_value=100_000, places=3))
def test_rounding_up_adds_less_than_a_minute(seconds: Decimal) -> None:
    """A call never costs less than its exact sum, and never a whole minute more."""
    by_minutes, by_seconds = call_cost(seconds, RATE), exact_cost(seconds, RATE)
    assert by_seconds <= by_minutes + Decimal("0.000001")
    assert by_minutes <= by_seconds + RATE

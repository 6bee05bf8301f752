"""What people write in tables: read the one way it is meant, or not at all, never raised upon."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.sales.domain.letter_values import amount_of, count_of, currency_of, day_of, decoded


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("24 000,00", "24000.00"),
        ("24\u00a0000,5 руб.", "24000.50"),
        ("1,234.50", "1234.50"),
        ("1.234,50 ₽", "1234.50"),
        ("1234", "1234"),
        ("1.234", "1234"),
        ("1,234", "1234"),
        ("1.234.567", "1234567"),
        ("12.5", "12.50"),
        ("-300", "-300"),
        ("−300,10", "-300.10"),
        ("0", "0"),
        ("12 000р.", "12000"),
    ],
)
def test_amounts(text: str, amount: str) -> None:
    assert amount_of(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text", ["", "много", "1,2,3", "1.23.4", "12,3456", "1 2 3 руб 4", "٣", "1e5", "Infinity", "9" * 30]
)
def test_what_is_no_amount(text: str) -> None:
    assert amount_of(text) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-28", date(2026, 11, 28)),
        ("28.11.2026", date(2026, 11, 28)),
        ("28/11/2026", date(2026, 11, 28)),
        ("8.1.26", date(2026, 1, 8)),
        ("28.11.2026 19:00", date(2026, 11, 28)),
        ("2026-11-28T19:00:00", date(2026, 11, 28)),
        ("11/28/2026", None),
        ("30.02.2026", None),
        ("28.11.1026", None),
        ("28.11", None),
        ("завтра", None),
    ],
)
def test_days(text: str, day: date | None) -> None:
    assert day_of(text) == day


def test_counts_and_currencies() -> None:
    assert [count_of(text) for text in ("12", "1 200", "-3", "1,5", "x")] == [12, 1200, -3, None, None]
    assert [currency_of(text) for text in ("24 000 ₽", "руб.", "usd", "12", "странно")] == [
        "RUB",
        "RUB",
        "USD",
        None,
        None,
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_an_encoding_is_found_by_the_content(encoding: str) -> None:
    assert decoded("Дата события;Город".encode(encoding)) == "Дата события;Город"


@given(st.text(max_size=40))
def test_any_text_is_read_or_none(text: str) -> None:
    amount = amount_of(text)
    assert amount is None or amount == amount.quantize(Decimal("0.01"))
    day_of(text), count_of(text), currency_of(text)


@given(st.binary(max_size=60))
def test_any_bytes_are_text(content: bytes) -> None:
    assert isinstance(decoded(content), str)


@given(st.decimals(0, 10**9, places=2), st.sampled_from([" ", "\u00a0", ".", ""]))
def test_an_amount_as_russian_programs_write_it_is_read_back(amount: Decimal, group: str) -> None:
    assert amount_of(f"{amount:,.2f}".replace(",", "_").replace(".", ",").replace("_", group)) == amount

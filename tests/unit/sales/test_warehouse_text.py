"""Rows as lines: whatever a source writes into a name is one value of one column."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from include.sales.domain.scopes import Source
from include.sales.state.warehouse_text import text_of, with_version

MOSCOW = timezone(timedelta(hours=3))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "\\N"),
        ("\\N", "\\\\N"),
        ("two\tcolumns\nand two rows\\", "two\\tcolumns\\nand two rows\\\\"),
        ("Тур «Осень» \N{NO-BREAK SPACE}\N{LINE SEPARATOR}", "Тур «Осень» \N{NO-BREAK SPACE}\N{LINE SEPARATOR}"),
        (Source.VK_ADS, "vk_ads"),
        (True, "1"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.50"), "-0.50"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 1, 30, 5, 999999, MOSCOW), "2026-01-01 22:30:05"),
        (datetime(2026, 1, 2, 1, 30, 5, tzinfo=UTC), "2026-01-02 01:30:05"),
    ],
)
def test_a_value_is_written_as_the_server_reads_it(value: object, written: str) -> None:
    assert text_of([(7, value)]).decode() == f"7\t{written}\n"


def test_every_line_gets_the_version() -> None:
    assert with_version(text_of([(1, "a\nb"), (2, "c")]), 42) == b"1\ta\\nb\t42\t0\n2\tc\t42\t0\n"


def test_a_value_of_no_column_is_refused() -> None:
    with pytest.raises(TypeError):
        text_of([(1, [2])])

"""The report shows the figures, marks stale ones, and treats names of campaigns as text."""

import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from include.sales.domain.freshness import Freshness
from include.sales.reporting.sales_report import DayFigures, PartFigures, SalesFigures, render_sales_report

NOW = datetime(2026, 11, 28, 8, 15, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script> #panic() $x$"


def figures(behind: int = 0) -> SalesFigures:
    covered = NOW - timedelta(days=behind, minutes=9)
    return SalesFigures(
        now=NOW,
        zone=ZoneInfo("Europe/Moscow"),
        tickets=128,
        days=[
            DayFigures(date(2026, 11, 26), Decimal("1000.00"), Decimal("0.00")),
            DayFigures(date(2026, 11, 27), Decimal("117533.40"), Decimal("81326.00")),
        ],
        campaigns=[PartFigures(HOSTILE, 5, Decimal(900), Decimal(300))],
        cities=[PartFigures("", 5, Decimal(900), Decimal(0))],
        freshness=[Freshness("qtickets_sales", covered.date(), behind, 10, covered)],
    )


def test_yesterday_and_the_days_are_shown() -> None:
    html = render_sales_report(figures()).html.replace("\xa0", " ")
    for shown in ("Вчера, 27.11.2026", "117 533", "81 326", "1,45", "128", "26.11", "без метки", "—"):
        assert shown in html
    assert "устарели" not in html


def test_a_stale_source_is_said_at_the_top() -> None:
    assert "Данные устарели" in render_sales_report(figures(behind=3)).html


def test_a_name_is_text_in_the_page_and_in_the_pdf() -> None:
    made = render_sales_report(figures())
    assert "<script>" not in made.html
    assert "&lt;script&gt;" in made.html
    assert made.pdf.startswith(b"%PDF")
    assert len(io.BytesIO(made.pdf).read()) > 10_000

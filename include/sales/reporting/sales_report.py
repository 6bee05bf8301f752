"""The report of sales and ads: yesterday and the last 14 days, as a page (HTML) and as a PDF. Data in, files out."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from include.common.russian_format import number
from include.sales.domain.freshness import Freshness
from include.sales.wording import sales_report as words

DAYS = 14
MOST_ROWS = 12
_TEMPLATES = Path(__file__).with_name("templates")
_GOOD_ROMI, _FAIR_ROMI = 1.5, 1.0  # the customer's thresholds


@dataclass(frozen=True, slots=True)
class DayFigures:
    """Money in the warehouse's currency; `romi` is net revenue by spend, None without spend."""

    day: date
    net_revenue: Decimal
    spend: Decimal

    @property
    def romi(self) -> float | None:
        return float(self.net_revenue) / float(self.spend) if self.spend > 0 else None


@dataclass(frozen=True, slots=True)
class PartFigures:
    """A campaign or a city over the days of the report."""

    name: str
    tickets: int
    net_revenue: Decimal
    spend: Decimal

    @property
    def romi(self) -> float | None:
        return float(self.net_revenue) / float(self.spend) if self.spend > 0 else None


@dataclass(frozen=True, slots=True)
class SalesFigures:
    """What the report shows. `now` is aware; `tickets` are those of yesterday, returned ones taken off."""

    now: datetime
    zone: ZoneInfo
    tickets: int
    days: Sequence[DayFigures]
    campaigns: Sequence[PartFigures]
    cities: Sequence[PartFigures]
    freshness: Sequence[Freshness]

    @property
    def yesterday(self) -> date:
        return self.now.astimezone(self.zone).date() - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SalesReport:
    html: str
    pdf: bytes


def render_sales_report(figures: SalesFigures) -> SalesReport:
    """Texts of campaigns are strangers': escaped in the page, read as data in the PDF."""
    view = _view(figures)
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
    return SalesReport(environment.get_template("sales_report.html.j2").render(view=view), _pdf(view))


def _view(figures: SalesFigures) -> dict[str, Any]:
    of_yesterday = next((day for day in figures.days if day.day == figures.yesterday), None)
    highest = max([1.0, *(float(max(day.net_revenue, day.spend)) for day in figures.days)])
    local = figures.now.astimezone(figures.zone)
    yesterday = [
        (words.NET_REVENUE, _money(of_yesterday.net_revenue) if of_yesterday else "—"),
        (words.TICKETS, number(figures.tickets)),
        (words.SPEND, _money(of_yesterday.spend) if of_yesterday else "—"),
        (words.ROMI, _romi(of_yesterday.romi) if of_yesterday else "—"),
    ]
    return {
        "title": words.TITLE,
        "made": words.MADE.format(at=f"{local:%d.%m.%Y %H:%M}", zone=figures.zone.key),
        "yesterday_title": words.YESTERDAY.format(day=f"{figures.yesterday:%d.%m.%Y}"),
        "yesterday": [{"name": name, "value": value} for name, value in yesterday],
        "is_stale": words.STALE if any(_stands(row, figures.now) == "error" for row in figures.freshness) else "",
        "legend": {"sales": words.NET_REVENUE, "spend": words.SPEND},
        "days_title": words.DAYS.format(days=DAYS),
        "days_head": [words.DAY, words.NET_REVENUE, words.SPEND, words.ROMI],
        "days": [
            {
                "cells": [f"{day.day:%d.%m}", _money(day.net_revenue), _money(day.spend), _romi(day.romi)],
                "level": _level(day.romi),
                "sales_share": round(max(float(day.net_revenue), 0) / highest, 4),
                "spend_share": round(max(float(day.spend), 0) / highest, 4),
            }
            for day in figures.days
        ],
        "parts": [
            _part(words.CAMPAIGNS, words.CAMPAIGN, figures.campaigns),
            _part(words.CITIES, words.CITY, figures.cities),
        ],
        "freshness_title": words.FRESHNESS,
        "freshness_head": [words.SOURCE, words.LATEST, words.BEHIND, words.UNTIL],
        "freshness": [
            {
                "cells": [
                    row.source,
                    f"{row.latest_date:%d.%m.%Y}" if row.latest_date else "—",
                    number(row.days_behind) if row.latest_date else "—",
                    f"{row.covered_until.astimezone(figures.zone):%d.%m %H:%M}" if row.covered_until else words.NEVER,
                ],
                "level": {"ok": "good", "warning": "fair", "error": "bad"}.get(_stands(row, figures.now), "plain"),
            }
            for row in figures.freshness
        ],
        "notes": list(words.NOTES),
    }


def _part(title: str, head: str, rows: Sequence[PartFigures]) -> dict[str, Any]:
    shown = [
        {
            "cells": [
                row.name or words.NO_NAME,
                number(row.tickets),
                _money(row.net_revenue),
                _money(row.spend),
                _romi(row.romi),
            ],
            "level": _level(row.romi),
        }
        for row in rows[:MOST_ROWS]
    ]
    head_cells = [head, words.TICKETS, words.NET_REVENUE, words.SPEND, words.ROMI]
    rest = words.REST.format(count=len(rows) - MOST_ROWS) if len(rows) > MOST_ROWS else ""
    return {"title": title, "head": head_cells, "rows": shown, "rest": rest}


def _stands(row: Freshness, now: datetime) -> str:
    return row.status(now) if row.covered_until else "disabled"


def _money(amount: Decimal) -> str:
    return number(amount, 0)


def _romi(romi: float | None) -> str:
    return "—" if romi is None else number(romi, 2)


def _level(romi: float | None) -> str:
    if romi is None:
        return "plain"
    return "good" if romi > _GOOD_ROMI else "fair" if romi >= _FAIR_ROMI else "bad"


def _pdf(view: dict[str, Any]) -> bytes:
    """With typst's own fonts only, so that the page looks the same on every machine."""
    import typst  # noqa: PLC0415  # 77 MB that only the report needs

    texts = {
        "main.typ": (_TEMPLATES / "sales_report.typ").read_bytes(),
        "view.json": json.dumps(view, ensure_ascii=False).encode(),
    }
    with tempfile.TemporaryDirectory(prefix="sales-report-") as root:
        pdf: bytes = typst.compile(  # type: ignore[call-overload]  # the stubs know no texts by name
            texts, root=root, ignore_system_fonts=True
        )
        return pdf

"""From ads and their days to rows of the facts; what an account's total has beyond its ads becomes a row of its own."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from include.clients.advertising import AdDay, DayTotal, SourceAd
from include.common.errors import ContractBroken, LoadCode
from include.sales.domain.rows import Ad, DirectDay, VkAdsDay
from include.sales.domain.scopes import Counters
from include.sales.domain.times import in_utc
from include.sales.domain.utm import CityDay, Utm, city_and_day, link_without_fragment, utm_from_link, utm_from_query

_NOTHING = Decimal("0.00")
_ROUNDING = Decimal("0.01")  # of each row

DayRow = Callable[[AdDay, Utm, CityDay], VkAdsDay | DirectDay]


def ad_row(platform: str, account: str, ad: SourceAd, loaded_at: datetime) -> Ad:
    """The ad for `dim_ads`; its labels are the source's own text, else those of its link."""
    return Ad(
        platform,
        account,
        ad.ad_id,
        ad.campaign_id,
        ad.ad_group_id,
        ad.campaign_name,
        ad.ad_group_name,
        ad.ad_name,
        link_without_fragment(ad.href),
        *utm_of(ad),
        ad.status,
        in_utc(loaded_at),
    )


def utm_of(ad: SourceAd) -> Utm:
    return utm_from_query(ad.utm) if ad.utm else utm_from_link(ad.href)


def vk_day_row(account_id: int, currency: str, source_api: str, *, vat_included: bool) -> DayRow:
    def row(day: AdDay, utm: Utm, city: CityDay) -> VkAdsDay:
        keys = (day.day, account_id, day.campaign_id, day.ad_group_id, day.ad_id)
        return VkAdsDay(
            *keys, day.impressions, day.clicks, day.money, currency, int(vat_included), *utm, *city, source_api
        )

    return row


def direct_day_row(login: str, currency: str) -> DayRow:
    """Reports are asked for with VAT."""

    def row(day: AdDay, utm: Utm, city: CityDay) -> DirectDay:
        keys = (day.day, login, day.campaign_id, day.ad_group_id, day.ad_id)
        return DirectDay(*keys, day.impressions, day.clicks, day.money, currency, 1, *utm, *city)

    return row


def one_row_a_key(pages: Iterable[Iterable[AdDay]]) -> Iterator[list[AdDay]]:
    """Rows of one key added up, one list for each day. The source gives them in the order of days.

    Raises ContractBroken (filter_ignored) where a day comes again: then a key could have two rows.
    """
    pending: dict[tuple[date, int, int, int], AdDay] = {}
    current: date | None = None
    for page in pages:
        for row in page:
            if current is not None and row.day < current:
                raise ContractBroken(
                    f"rows of {row.day} come after those of {current}, although the order of days was asked for",
                    code=LoadCode.FILTER_IGNORED,
                    problem="source_ignores_order",
                )
            if row.day != current and pending:
                yield list(pending.values())
                pending = {}
            current = row.day
            key = row[:4]
            known = pending.get(key)
            pending[key] = row if known is None else _sum(known, row)
    if pending:
        yield list(pending.values())


def _sum(one: AdDay, other: AdDay) -> AdDay:
    return AdDay(*one[:4], one.impressions + other.impressions, one.clicks + other.clicks, one.money + other.money)


@dataclass(slots=True)
class DaySums:
    """What the ads of an account add up to, by day."""

    rows: dict[date, int] = field(default_factory=dict)
    sums: dict[date, DayTotal] = field(default_factory=dict)

    def add(self, day: AdDay) -> None:
        known = self.sums.get(day.day, DayTotal(0, 0, _NOTHING))
        self.rows[day.day] = self.rows.get(day.day, 0) + 1
        self.sums[day.day] = DayTotal(
            known.impressions + day.impressions, known.clicks + day.clicks, known.money + day.money
        )

    def unattributed(self, totals: Mapping[date, DayTotal], tolerated: float, counters: Counters) -> list[AdDay]:
        """What each day's total has beyond its ads, so that the spend of a day is whole.

        A difference within the rounding of the rows is none. One above `tolerated` (a share of the total) is a finding.
        """
        found = []
        for day in sorted(totals.keys() | self.sums.keys()):
            total = totals.get(day, DayTotal(0, 0, _NOTHING))
            ads = self.sums.get(day, DayTotal(0, 0, _NOTHING))
            gap = total.money - ads.money
            if abs(gap) > _ROUNDING * self.rows.get(day, 0):
                shows, clicks = max(0, total.impressions - ads.impressions), max(0, total.clicks - ads.clicks)
                found.append(AdDay(day, 0, 0, 0, shows, clicks, gap))
                if abs(gap) > Decimal(str(tolerated)) * abs(total.money):
                    counters.found("reconciliation_gap", f"{day}: {gap}")
        return found


def labels(ads: Iterable[SourceAd]) -> dict[int, tuple[Utm, CityDay]]:
    """Labels by ad. Templates such as `{campaign_id}` stay as written: they are the ad's, not values."""
    found = {}
    for ad in ads:
        utm = utm_of(ad)
        found[ad.ad_id] = (utm, city_and_day(utm.content))
    return found

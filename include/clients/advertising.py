"""An advertising account in words of no vendor: what the clients of VK Ads and Yandex Direct yield."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class SourceAd:
    """An ad, deleted ones included. `utm` is the query that the source itself adds to the link, "" if it adds none."""

    ad_id: int
    ad_group_id: int
    campaign_id: int
    ad_name: str
    ad_group_name: str
    campaign_name: str
    href: str
    utm: str
    status: str


class AdDay(NamedTuple):
    """What an ad did on a day of the account's calendar; ids are 0 where the source has none."""

    day: date
    campaign_id: int
    ad_group_id: int
    ad_id: int
    impressions: int
    clicks: int
    money: Decimal


class DayTotal(NamedTuple):
    """What the whole account did on a day, as the source itself adds it up."""

    impressions: int
    clicks: int
    money: Decimal


class Corrections(NamedTuple):
    """What the source has corrected of its figures: `first` is the earliest day, None for none; known up to `until`."""

    first: date | None
    until: datetime


class AdvertisingAccount(Protocol):
    """One account. All methods raise AccessDenied, StopRun, Throttled, NotReady or Temporary."""

    def spare(self, sparing: bool) -> None:
        """Whether to take at most half of the rate."""

    def check_access(self) -> None:
        """One cheap request."""

    def ads(self) -> Iterator[list[SourceAd]]:
        """Every ad of the account, page by page."""

    def days(self, first: date, last: date, report_name: str) -> Iterator[list[AdDay]]:
        """Rows of the days, both inclusive, by day or by ad; one key may come twice and is then to be added up."""

    def totals(self, first: date, last: date, report_name: str) -> dict[date, DayTotal]:
        """By day; days on which nothing happened may be absent."""

    def corrections(self, since: datetime) -> Corrections | None:
        """Of days that may have been read before; None where the source does not say what it corrects."""

    @property
    def requests_sent(self) -> int: ...

    @property
    def quota_left(self) -> dict[str, int]:
        """What the source says is left of its limits, by the limit's name."""

    @property
    def quota_limits(self) -> dict[str, int]:
        """How much the source allows in all, by the limit's name; without those of which it says no limit."""

    @property
    def lost_ads(self) -> list[int]:
        """Ads of which the source refuses statistics."""

    def close(self) -> None: ...

"""Advertising accounts as a source of the warehouse: ads, their days, and what an account has beyond its ads."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from include.clients.advertising import AdDay, AdvertisingAccount, Corrections
from include.sales.domain.advertising_rows import DayRow, DaySums, ad_row, labels, one_row_a_key
from include.sales.domain.business_day import business_day
from include.sales.domain.quotas import low_quotas
from include.sales.domain.rows import Table
from include.sales.domain.scopes import WINDOW_TABLE, Batch, Counters, Fetched, Scope, Source, Stream
from include.sales.domain.utm import NO_CITY, NO_UTM, CityDay, Utm
from include.sales.policy import SalesPolicy
from include.sales.steps.fetching import with_rows_counted

RowOfAccount = Callable[[str], DayRow]
OpenAccount = Callable[[str], AdvertisingAccount]


class AdvertisingSource:
    """The accounts of one advertising system (`SalesSource`).

    `open_account` makes the client of an account, `row_of` its rows. `queued`: the system builds reports in a queue, so
    nothing else is asked for until they are there, and gives rows in the order of days.
    """

    def __init__(
        self,
        source: Source,
        accounts: Callable[[], tuple[str, ...]],
        open_account: OpenAccount,
        row_of: RowOfAccount,
        policy: SalesPolicy,
        *,
        queued: bool,
        settles_days: int = 0,
        now: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._accounts = accounts
        self._open_account = open_account
        self._row_of = row_of
        self._policy = policy
        self._queued = queued
        self._settles_days = settles_days
        self._now = now
        self._open: dict[str, AdvertisingAccount] = {}

    def accounts(self) -> tuple[str, ...]:
        return self._accounts()

    def check_access(self) -> None:
        for account in self.accounts():
            self._account(account).check_access()

    def corrections(self, account: str, since: datetime) -> Corrections | None:
        """What the source has corrected of days that may have been read; None where it does not say."""
        return self._account(account).corrections(since)

    def close(self) -> None:
        for account in self._open.values():
            account.close()
        self._open.clear()

    def fetch(self, scope: Scope, *, report_name: str, backfill: bool = False) -> Fetched:
        counters = Counters()
        self._account(scope.account).spare(backfill)
        return Fetched(with_rows_counted(self._read(scope, report_name, counters), counters), counters)

    def _account(self, name: str) -> AdvertisingAccount:
        if name not in self._open:
            self._open[name] = self._open_account(name)
        return self._open[name]

    def _read(self, scope: Scope, report_name: str, counters: Counters) -> Iterator[Batch]:
        assert scope.first is not None
        assert scope.last is not None
        counters.covered_until = now = self._now()
        account = self._account(scope.account)
        totals = account.totals(scope.first, scope.last, report_name)
        if self._queued:
            next(account.days(scope.first, scope.last, report_name), None)  # NotReady costs no list of ads
        known: dict[int, tuple[Utm, CityDay]] = {}
        for ads in account.ads():
            counters.source_rows += len(ads)
            known |= labels(ads)
            yield Batch(Table.ADS, tuple(ad_row(self._source, scope.account, ad, now) for ad in ads))
        sums, row = DaySums(), self._row_of(scope.account)
        pages: Iterator[list[AdDay]] = account.days(scope.first, scope.last, report_name)
        for page in one_row_a_key(pages) if self._queued else pages:
            counters.source_rows += len(page)
            yield self._batch(page, row, known, sums)
        beyond = sums.unattributed(totals, self._policy.loading.mismatch_share, counters)
        yield self._batch(beyond, row, known, sums)
        self._note(counters, account, sums, now)

    def _batch(self, days: list[AdDay], row: DayRow, known: Mapping[int, tuple[Utm, CityDay]], sums: DaySums) -> Batch:
        for day in days:
            sums.add(day)
        rows = tuple(row(day, *known.get(day.ad_id, (NO_UTM, NO_CITY))) for day in days)
        return Batch(WINDOW_TABLE[(self._source, Stream.STATS)], rows)

    def _note(self, counters: Counters, account: AdvertisingAccount, sums: DaySums, now: datetime) -> None:
        counters.requests = account.requests_sent
        counters.quota_left = dict(account.quota_left)
        counters.quota_limits = dict(account.quota_limits)
        for name in low_quotas(account.quota_left, account.quota_limits, self._policy.alerts.quota_low_share):
            counters.found("quota_low", f"{name}: {account.quota_left[name]} of {account.quota_limits[name]}")
        counters.bad_rows = len(account.lost_ads)
        for ad_id in account.lost_ads:
            counters.found("bad_row", f"ad {ad_id}")
        counters.amount = {day: total.money for day, total in sums.sums.items()}
        settled = business_day(now, self._policy.zone) - timedelta(days=self._settles_days)
        counters.preliminary = {day for day in sums.sums if day >= settled}

"""`open`: which scopes this run loads, a lease on each account, a load number for each scope."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from include.clients.advertising import Corrections
from include.common.errors import BadInput
from include.sales.domain.business_day import business_day
from include.sales.domain.scopes import Kind, Scope, Source, Stream
from include.sales.policy import SalesPolicy
from include.sales.state.state import SalesState

MOST_DAYS = {Source.VK_ADS: 366, Source.DIRECT: 3 * 365}
_DAYS_BACK = {Source.QTICKETS: "qtickets", Source.VK_ADS: "vk_ads", Source.DIRECT: "direct", Source.GMAIL: "gmail"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person or the schedule asked for. `backfill_day`: the day of a run that Airflow's backfill has made."""

    date_from: date | None = None
    date_to: date | None = None
    hours_back: int | None = None
    days_back: int | None = None
    accounts: Sequence[str] = ()
    query: str = ""
    limit: int | None = None
    backfill_day: date | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """Loads that may start, and accounts that another run holds: their scopes wait for the next run."""

    load_ids: tuple[int, ...]
    postponed: tuple[str, ...]


def window(asked: Asked, source: Source, policy: SalesPolicy, now: datetime) -> tuple[date, date]:
    """First and last business day, both inclusive. Raises BadInput for days that are no period."""
    today = business_day(now, policy.zone)
    yesterday = today - timedelta(days=1)
    if asked.backfill_day is not None:
        return asked.backfill_day, asked.backfill_day
    newest = today if source is Source.QTICKETS else yesterday
    days_back: int = asked.days_back or getattr(policy, _DAYS_BACK[source]).days_back
    last = asked.date_to or newest
    first = asked.date_from or (last - timedelta(days=days_back - 1))
    if first > last:
        raise BadInput(f"the period {first} to {last} is empty", problem="sales_period_empty", first=first, last=last)
    if last > today:
        raise BadInput(f"{last} is in the future", problem="sales_period_future", last=last)
    most = MOST_DAYS.get(source)
    if most and (today - first).days > most:
        raise BadInput(
            f"{source} keeps {most} days: {first} is too far back",
            problem="sales_period_too_old",
            source=source.value,
            days=most,
            first=first,
        )
    return first, last


def windows(asked: Asked, source: Source, accounts: Sequence[str], policy: SalesPolicy, now: datetime) -> list[Scope]:
    """One window of whole days for each account."""
    first, last = window(asked, source, policy, now)
    stream = Stream.ORDERS if source is Source.QTICKETS else Stream.STATS
    return [Scope(source, stream, Kind.WINDOW, account, first, last) for account in _chosen(asked, accounts)]


def back_to_corrections(window_of: Scope, found: Corrections, policy: SalesPolicy, now: datetime) -> Scope:
    """The window, as far back as the source has corrected its figures since they were read."""
    assert window_of.first is not None
    first = window_of.first
    if found.first is not None:
        oldest = business_day(now, policy.zone) - timedelta(days=MOST_DAYS[window_of.source])
        first = min(first, max(found.first, oldest))
    return replace(window_of, first=first, corrected_until=found.until)


def deltas(asked: Asked, state: SalesState, policy: SalesPolicy, now: datetime) -> list[Scope]:
    """Events and shows, then orders that changed since the watermark; an empty database begins some weeks back."""
    if asked.hours_back:
        since = now - timedelta(hours=asked.hours_back)
    else:
        mark = state.loads.watermark(Source.QTICKETS, Stream.ORDERS)
        overlap = timedelta(minutes=policy.qtickets.overlap_minutes)
        since = mark - overlap if mark else now - timedelta(hours=policy.qtickets.first_hours)
    return [
        Scope(Source.QTICKETS, Stream.EVENTS, Kind.DELTA),
        Scope(Source.QTICKETS, Stream.ORDERS, Kind.DELTA, changed_since=since.replace(microsecond=0)),
    ]


def open_orders(asked: Asked, policy: SalesPolicy, now: datetime) -> list[Scope]:
    """Older orders that may still change, for the schedule's own run: who asks for days gets these days."""
    if asked != Asked():
        return []
    first, _ = window(asked, Source.QTICKETS, policy, now)
    return [Scope(Source.QTICKETS, Stream.OPEN_ORDERS, Kind.DELTA, last=first - timedelta(days=1))]


def inventory(policy: SalesPolicy, now: datetime, every: timedelta) -> list[Scope]:
    """Once an hour: in the hour's first run, as the job runs `every` some minutes."""
    is_first = timedelta(minutes=now.minute) < every
    return [Scope(Source.QTICKETS, Stream.INVENTORY, Kind.DELTA)] if policy.qtickets.inventory and is_first else []


def letters(asked: Asked, policy: SalesPolicy, now: datetime) -> list[Scope]:
    """Letters of the last days; the usual ones, unless a person has named a search."""
    since = now - timedelta(days=asked.days_back or policy.gmail.days_back)
    since = since.replace(microsecond=0)
    return [Scope(Source.GMAIL, Stream.MAIL, Kind.DELTA, changed_since=since, query=asked.query, limit=asked.limit)]


def open_loads(scopes: Sequence[Scope], dag_run_id: str, state: SalesState, *, at_least: int) -> Opened:
    """Takes the leases and opens a load for each scope; `at_least` is the highest number that the warehouse has.

    The scopes of an account that another run holds are postponed. May be repeated: the same loads come back.
    """
    load_ids, postponed = [], []
    state.loads.raise_numbers(at_least)
    for scope in scopes:
        if not state.leases.take(scope.source, scope.account, dag_run_id):
            postponed.append(scope.account or scope.source.value)
            continue
        name = f"{scope.source}-{scope.stream}-{scope.account}-{scope.first or ''}-{scope.last or ''}".strip("-")
        load_ids.append(state.loads.open(scope, dag_run_id, report_name=name, at_least=at_least))
    return Opened(tuple(load_ids), tuple(dict.fromkeys(postponed)))


def _chosen(asked: Asked, accounts: Sequence[str]) -> Sequence[str]:
    unknown = [account for account in asked.accounts if account not in accounts]
    if unknown:
        raise BadInput(
            f"the connection has no account {', '.join(unknown)}",
            problem="sales_unknown_account",
            accounts=", ".join(unknown),
        )
    return asked.accounts or accounts

"""VK Ads API v2: the ads of one account and their statistics by day.

Facts: the vendor's documentation of the API. Other clients report lower limits than the documented 200 ads and 366 days
of one request, so a request that is refused as too large is halved.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import requests

from include.clients.advertising import AdDay, Corrections, DayTotal, SourceAd
from include.clients.source_api import SourceApi, SourceName, retry_after
from include.clients.source_values import money, text, whole
from include.clients.vk_ads.vk_tokens import VkTokens
from include.common.errors import (
    BadRow,
    ContractBroken,
    ExportError,
    LoadCode,
    Permanent,
    StopRun,
    Temporary,
    Throttled,
)

VK_ADS = SourceName("VK Ads", "VK_CLIENT_ID, VK_CLIENT_SECRET, VK_TOKEN")
PAGE = 50  # the documented limit of lists; without it the API sends 20
_STATES = "active,blocked,deleted"  # deleted ads have spent money, too
_MOST_PAGES = 20_000
_ZONE = ZoneInfo("Europe/Moscow")  # of the API's days and of its limits
_TOO_LARGE = "ERR_LIMIT_EXCEEDED"
_UNKNOWN_ADS = frozenset({"ERR_WRONG_BANNERS", "ERR_WRONG_IDS"})
_GONE = frozenset({"ERR_WRONG_USERS"})
_RENEWABLE = frozenset({"expired_token", "invalid_token", "revoked_token"})


class VkRefusal(Permanent):
    """The API refuses a request with a code of its own; the caller of the request knows what to do."""

    def __init__(self, code_of_vk: str, status: int) -> None:
        super().__init__(f"VK Ads refuses the request: {code_of_vk}", code=LoadCode.SOURCE_BAD_ANSWER)
        self.code_of_vk, self.status = code_of_vk, status


class VkAdsApi:
    """One account (`AdvertisingAccount`)."""

    def __init__(
        self,
        api: SourceApi,
        tokens: VkTokens,
        *,
        ids_per_request: int = 200,
        days_per_request: int = 90,
        now: Callable[[], datetime],
    ) -> None:
        self._api = api
        self._tokens = tokens
        self._ids, self._days = ids_per_request, days_per_request
        self._now = now
        self._known_ads: list[SourceAd] = []
        self.quota_left: dict[str, int] = {}
        self.quota_limits: dict[str, int] = {}
        self.lost_ads: list[int] = []

    @property
    def requests_sent(self) -> int:
        return self._api.requests_sent

    def spare(self, sparing: bool) -> None:
        """Whether to take at most half of the rate."""
        self._api.spare(sparing)

    def close(self) -> None:
        self._api.close()

    def check_access(self) -> None:
        self.account_id()

    def account_id(self) -> int:
        """The number of the account to which the token belongs."""
        answer = self._get("user", {})
        if not isinstance(answer, Mapping):
            raise self._api.unknown_form("user", "no object")
        return whole(answer, "id", where="user")

    def ads(self) -> Iterator[list[SourceAd]]:
        plans = {plan: name for plan, name, _ in self._named("ad_plans", "id,name")}
        groups = {
            group: (name, row) for group, name, row in self._named("ad_groups", "id,name,ad_plan_id,utm,enable_utm")
        }
        self._known_ads, self.lost_ads = [], []
        for page in self._list("banners", "id,name,ad_group_id,status,urls"):
            ads = [_ad(row, groups, plans) for row in page]
            self._known_ads += ads
            yield ads

    def days(self, first: date, last: date, report_name: str) -> Iterator[list[AdDay]]:  # noqa: ARG002
        """Of the ads that `ads` has listed; it is read first where it has not been."""
        if not self._known_ads:
            for _ in self.ads():
                pass
        by_id = {ad.ad_id: ad for ad in self._known_ads}
        ids = sorted(by_id)
        for start, end in _spans(first, last, self._days):
            for at in range(0, len(ids), self._ids):
                yield from self._days_of(ids[at : at + self._ids], start, end, by_id)

    def corrections(self, since: datetime) -> Corrections | None:  # noqa: ARG002 - VK says nothing of them
        return None

    def totals(self, first: date, last: date, report_name: str) -> dict[date, DayTotal]:  # noqa: ARG002
        found: dict[date, DayTotal] = {}
        account = self.account_id()
        for start, end in _spans(first, last, self._days):
            for item in self._statistics("users", [account], start, end):
                for day, base in _rows(item, self._api):
                    found[day] = DayTotal(*_figures(base, f"account, {day}"))
        return found

    def _days_of(
        self, ids: Sequence[int], first: date, last: date, ads: Mapping[int, SourceAd]
    ) -> Iterator[list[AdDay]]:
        wanted, found = set(ids), []
        for item in self._statistics("banners", ids, first, last):
            ad_id = whole(item, "id", where="statistics")
            if ad_id not in wanted:
                raise self._filter_ignored(f"statistics of ad {ad_id}, which was not asked for")
            for day, base in _rows(item, self._api):
                if not first <= day <= last:
                    raise self._filter_ignored(f"statistics of {day}, which was not asked for")
                shows, clicks, spent = _figures(base, f"ad {ad_id}, {day}")
                if shows or clicks or spent:
                    ad = ads[ad_id]
                    found.append(AdDay(day, ad.campaign_id, ad.ad_group_id, ad_id, shows, clicks, spent))
        yield found

    def _statistics(self, what: str, ids: Sequence[int], first: date, last: date) -> Iterator[Mapping[str, Any]]:
        try:
            items = self._statistics_once(what, ids, first, last)
        except VkRefusal as refused:
            for some, start, end in self._parts(refused, ids, first, last):
                yield from self._statistics(what, some, start, end)
        else:
            yield from items

    def _parts(
        self, refused: VkRefusal, ids: Sequence[int], first: date, last: date
    ) -> list[tuple[Sequence[int], date, date]]:
        """The halves of a request: by ads, then by days. One ad that the source does not know is noted and left out."""
        if refused.code_of_vk not in _UNKNOWN_ADS | {_TOO_LARGE}:
            raise self._by_code(refused)
        if len(ids) > 1:
            middle = len(ids) // 2
            if refused.code_of_vk == _TOO_LARGE:
                self._ids = max(1, middle)
            return [(ids[:middle], first, last), (ids[middle:], first, last)]
        if refused.code_of_vk in _UNKNOWN_ADS:
            self.lost_ads.append(ids[0])
            return []
        if first == last:
            raise self._by_code(refused)
        middle_day = first + (last - first) // 2
        return [(ids, first, middle_day), (ids, middle_day + timedelta(days=1), last)]

    def _statistics_once(self, what: str, ids: Sequence[int], first: date, last: date) -> list[Mapping[str, Any]]:
        asked = {"id": ",".join(map(str, ids)), "date_from": first.isoformat(), "date_to": last.isoformat()}
        answer = self._get(f"statistics/{what}/day", {**asked, "metrics": "base"})
        items = answer.get("items") if isinstance(answer, Mapping) else None
        if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
            raise self._api.unknown_form(f"statistics/{what}", "no list of items")
        return items

    def _named(self, path: str, fields: str) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
        for page in self._list(path, fields):
            for row in page:
                yield whole(row, "id", where=path), text(row, "name"), row

    def _list(self, path: str, fields: str) -> Iterator[list[Mapping[str, Any]]]:
        """Pages by offset, in the order of ids; what comes twice or is missing at the end is paging_unstable."""
        seen: set[int] = set()
        for number in range(_MOST_PAGES):
            asked = {"fields": fields, "limit": PAGE, "offset": number * PAGE, "_status__in": _STATES, "sorting": "id"}
            answer = self._get(path, asked)
            items = answer.get("items") if isinstance(answer, Mapping) else None
            if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
                raise self._api.unknown_form(path, "no list of items")
            ids = {whole(item, "id", where=path) for item in items}
            if ids & seen or len(ids) < len(items):
                raise _unstable(path, "an id comes twice")
            seen |= ids
            yield items
            count = whole(answer, "count", where=path)
            if len(seen) >= count or not items:
                break
        if len(seen) != count:
            raise _unstable(path, f"{len(seen)} rows came of {count}")

    def _get(self, path: str, params: Mapping[str, Any]) -> Any:
        return self._api.retrying(path, lambda: self._get_once(path, params))

    def _get_once(self, path: str, params: Mapping[str, Any]) -> Any:
        token = self._tokens.current()
        response = self._send(path, params, token)
        if response.status_code == 401 and _code_of(response) in _RENEWABLE:
            token = self._tokens.renewed(token) or token
            response = self._send(path, params, token)
        self._note_quota(response)
        if response.status_code >= 400:
            raise self._refusal(response, path)
        return self._api.json_of(response, path)

    def _send(self, path: str, params: Mapping[str, Any], token: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return self._api.send("GET", f"api/v2/{path}.json", path, params=params, headers=headers)

    def _note_quota(self, response: requests.Response) -> None:
        for window in ("RPS", "Hourly", "Daily"):
            left = response.headers.get(f"X-RateLimit-{window}-Remaining", "")
            limit = response.headers.get(f"X-RateLimit-{window}-Limit", "")
            if left.isdecimal():
                self.quota_left[window.lower()] = int(left)
            if limit.isdecimal():
                self.quota_limits[window.lower()] = int(limit)

    def _refusal(self, response: requests.Response, path: str) -> ExportError:
        code = _code_of(response)
        if response.status_code == 429:
            wait = retry_after(response.headers)
            return Throttled(
                f"VK Ads: {path}: the limit of requests is reached",
                code=LoadCode.SOURCE_THROTTLED,
                retry_after=self._until_next_window() if wait is None else wait,
            )
        if code.startswith("ERR_WRONG") or code == _TOO_LARGE:
            return VkRefusal(code, response.status_code)
        return self._api.error_of(response.status_code, path, code, retry_after=retry_after(response.headers))

    def _until_next_window(self) -> float:
        """Seconds until the exhausted window ends: the limits count by second, calendar hour and calendar day."""
        now = self._now().astimezone(_ZONE)
        hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        if self.quota_left.get("daily") == 0:
            return (now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - now).total_seconds()
        return (hour - now).total_seconds() if self.quota_left.get("hourly") == 0 else 1.0

    def _by_code(self, refused: VkRefusal) -> ExportError:
        if refused.code_of_vk in _GONE:
            return StopRun(
                "VK Ads: the account is gone, or the access does not see it any more",
                code=LoadCode.ACCOUNT_GONE,
                problem="source_account_gone",
                source=VK_ADS.title,
            )
        return self._api.rejected(str(refused), "statistics")

    def _filter_ignored(self, what: str) -> ContractBroken:
        return ContractBroken(
            f"VK Ads: {what}", code=LoadCode.FILTER_IGNORED, problem="source_ignores_filter", source=VK_ADS.title
        )


def _ad(
    row: Mapping[str, Any], groups: Mapping[int, tuple[str, Mapping[str, Any]]], plans: Mapping[int, str]
) -> SourceAd:
    ad_id = whole(row, "id", where="banners")
    group_id = whole(row, "ad_group_id", where=f"ad {ad_id}", default=0)
    name, group = groups.get(group_id, ("", {}))
    plan_id = whole(group, "ad_plan_id", where=f"ad group {group_id}", default=0)
    urls = row.get("urls")
    primary = urls.get("primary") if isinstance(urls, Mapping) else None
    return SourceAd(
        ad_id=ad_id,
        ad_group_id=group_id,
        campaign_id=plan_id,
        ad_name=text(row, "name"),
        ad_group_name=name,
        campaign_name=plans.get(plan_id, ""),
        href=text(primary, "url", longest=4000) if isinstance(primary, Mapping) else "",
        utm=text(group, "utm", longest=2000) if group.get("enable_utm") else "",
        status=text(row, "status", longest=30),
    )


def _rows(item: Mapping[str, Any], api: SourceApi) -> Iterator[tuple[date, Mapping[str, Any]]]:
    rows = item.get("rows")
    if not isinstance(rows, list):
        raise api.unknown_form("statistics", "an item has no rows")
    for row in rows:
        base = row.get("base") if isinstance(row, Mapping) else None
        try:
            day = date.fromisoformat(str(row["date"])) if isinstance(base, Mapping) else None
        except (KeyError, ValueError):
            day = None
        if day is None or not isinstance(base, Mapping):
            raise api.unknown_form("statistics", "a row has no date or no base figures")
        yield day, base


def _figures(base: Mapping[str, Any], where: str) -> tuple[int, int, Decimal]:
    spent = money(base, "spent", where=where)
    if spent is None:
        raise BadRow(f"{where}: spent is absent")
    return whole(base, "shows", where=where), whole(base, "clicks", where=where), spent


def _code_of(response: requests.Response) -> str:
    """`{"error": {"code": ...}}` of statistics and lists, `{"code": ...}` of the token's errors."""
    try:
        answer = response.json()
    except ValueError:
        return ""
    if not isinstance(answer, Mapping):
        return ""
    error = answer.get("error", answer)
    return str(error.get("code", "")) if isinstance(error, Mapping) else str(error)


def _spans(first: date, last: date, most_days: int) -> Iterator[tuple[date, date]]:
    start = first
    while start <= last:
        end = min(last, start + timedelta(days=most_days - 1))
        yield start, end
        start = end + timedelta(days=1)


def _unstable(path: str, what: str) -> Temporary:
    return Temporary(f"VK Ads: {path}: the pages do not fit together: {what}", code=LoadCode.PAGING_UNSTABLE)


def now_in_utc() -> datetime:
    """The clock of the clients; tests pass their own."""
    return datetime.now(UTC)

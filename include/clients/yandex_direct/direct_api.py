"""Yandex Direct API v5 (address v501): the ads of one login and their figures by day, VAT included.

Facts: the vendor's documentation. Every answer names the units that are left; reports cost none.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import requests

from include.clients.advertising import AdDay, Corrections, DayTotal, SourceAd
from include.clients.source_api import SourceApi, retry_after
from include.clients.source_values import money, text, whole
from include.clients.yandex_direct.direct_errors import error_in, load_error
from include.clients.yandex_direct.direct_reports import BY_ACCOUNT, BY_AD, DirectReports, ReportType, TooHeavy
from include.common.errors import BadRow

_PAGE = 10_000
_CAMPAIGNS_PER_REQUEST = 10
_CAMPAIGNS_PER_CHECK = 3_000
_MOST_CHECKS = 20
_ROWS_PER_PAGE = 5_000
_MOST_PAGES = 10_000
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"
_WITH_HREF = ("TextAd", "TextImageAd")


class DirectApi:
    """One login (`AdvertisingAccount`). An agency's token reads the login of a client."""

    def __init__(self, api: SourceApi, token: str, login: str) -> None:
        self._api = api
        self._headers = {"Authorization": f"Bearer {token}", "Client-Login": login, "Accept-Language": "en"}
        self._reports = DirectReports(api, self._headers)
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
        self._call("campaigns", {"SelectionCriteria": {}, "FieldNames": ["Id"], "Page": {"Limit": 1}})

    def ads(self) -> Iterator[list[SourceAd]]:
        campaigns = self._campaigns()
        ids = sorted(campaigns)
        for at in range(0, len(ids), _CAMPAIGNS_PER_REQUEST):
            some = {"CampaignIds": ids[at : at + _CAMPAIGNS_PER_REQUEST]}
            groups = {
                whole(row, "Id", where="adgroups"): text(row, "Name")
                for page in self._all("adgroups", "AdGroups", {"SelectionCriteria": some, "FieldNames": ["Id", "Name"]})
                for row in page
            }
            asked: dict[str, Any] = {
                "SelectionCriteria": some,
                "FieldNames": ["Id", "CampaignId", "AdGroupId", "State", "Type"],
                **{f"{kind}FieldNames": ["Href"] for kind in _WITH_HREF},
            }
            for page in self._all("ads", "Ads", asked):
                yield [_ad(row, campaigns, groups) for row in page]

    def days(self, first: date, last: date, report_name: str) -> Iterator[list[AdDay]]:
        page: list[AdDay] = []
        for row in self._days_of(BY_AD, first, last, report_name):
            day = _day(row, first, last)
            where = f"report, {day}"
            page.append(
                AdDay(
                    day,
                    whole(row, "CampaignId", where=where),
                    whole(row, "AdGroupId", where=where, default=0),
                    whole(row, "AdId", where=where, default=0),
                    *_figures(row, where),
                )
            )
            if len(page) == _ROWS_PER_PAGE:
                yield page
                page = []
        yield page

    def totals(self, first: date, last: date, report_name: str) -> dict[date, DayTotal]:
        found = {}
        for row in self._days_of(BY_ACCOUNT, first, last, report_name):
            day = _day(row, first, last)
            found[day] = DayTotal(*_figures(row, f"account report, {day}"))
        return found

    def corrections(self, since: datetime) -> Corrections:
        """By `Changes.check`. What the server leaves unprocessed is asked for again; of several answers the earliest
        `Timestamp` is the end, so that nothing between them is missed.
        """
        waiting = sorted(self._campaigns())
        first: date | None = None
        until: datetime | None = None
        for _ in range(_MOST_CHECKS):
            if not waiting:
                return Corrections(first, until or since)
            some, waiting = waiting[:_CAMPAIGNS_PER_CHECK], waiting[_CAMPAIGNS_PER_CHECK:]
            answer = self._call(
                "changes",
                {
                    "CampaignIds": some,
                    "Timestamp": since.astimezone(UTC).strftime(_INSTANT),
                    "FieldNames": ["CampaignsStat"],
                },
                method="check",
            )
            borders, answered_at = self._borders(answer)
            first = min([*borders, *([first] if first else [])], default=None)
            until = min(until or answered_at, answered_at)
            waiting += _ids(answer.get("Unprocessed"))
        raise self._api.unknown_form("changes", "campaigns are left unprocessed again and again")

    def _borders(self, answer: Mapping[str, Any]) -> tuple[list[date], datetime]:
        """The first day of each correction, and the server's time."""
        modified = answer.get("Modified")
        found = modified.get("CampaignsStat") if isinstance(modified, Mapping) else None
        try:
            at = datetime.strptime(str(answer["Timestamp"]), _INSTANT).replace(tzinfo=UTC)
            return [date.fromisoformat(str(one["BorderDate"])) for one in found or ()], at
        except (KeyError, TypeError, ValueError):
            pass
        raise self._api.unknown_form("changes", "no Timestamp, or a BorderDate that is no day")

    def _campaigns(self) -> dict[int, str]:
        """Names by id."""
        asked = {"SelectionCriteria": {}, "FieldNames": ["Id", "Name"]}
        return {
            whole(row, "Id", where="campaigns"): text(row, "Name")
            for page in self._all("campaigns", "Campaigns", asked)
            for row in page
        }

    def _days_of(self, kind: ReportType, first: date, last: date, name: str) -> Iterator[dict[str, str]]:
        """A report that the server cannot build is ordered as two, half of the days each."""
        rows = self._reports.rows(kind, first, last, name)
        try:
            row = next(rows, None)
        except TooHeavy:
            if first == last:
                raise
            middle = first + (last - first) // 2
            yield from self._days_of(kind, first, middle, name)
            yield from self._days_of(kind, middle + timedelta(days=1), last, name)
            return
        if row is not None:
            yield row
            yield from rows

    def _all(self, service: str, result: str, params: Mapping[str, Any]) -> Iterator[list[Mapping[str, Any]]]:
        """Pages until the answer no longer says `LimitedBy`, which is the next offset."""
        offset = 0
        for _ in range(_MOST_PAGES):
            answer = self._call(service, {**params, "Page": {"Limit": _PAGE, "Offset": offset}})
            rows = answer.get(result, [])
            if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
                raise self._api.unknown_form(service, f"{result} is no list")
            yield rows
            limited_by = answer.get("LimitedBy")
            if not limited_by:
                return
            if not isinstance(limited_by, int) or limited_by <= offset:
                raise self._api.unknown_form(service, "LimitedBy does not go on")
            offset = limited_by

    def _call(self, service: str, params: Mapping[str, Any], *, method: str = "get") -> Mapping[str, Any]:
        return self._api.retrying(service, lambda: self._call_once(service, params, method))

    def _call_once(self, service: str, params: Mapping[str, Any], method: str) -> Mapping[str, Any]:
        body = {"method": method, "params": params}
        response = self._api.send("POST", service, service, body=body, headers=self._headers)
        self._note_units(response)
        if response.status_code == 404 or response.status_code >= 500:
            raise self._api.error_of(response.status_code, service, retry_after=retry_after(response.headers))
        answer = self._api.json_of(response, service)
        error = error_in(answer)
        if error is not None:
            raise load_error(self._api, error, service)
        result = answer.get("result") if isinstance(answer, Mapping) else None
        if response.status_code >= 400 or not isinstance(result, Mapping):
            raise self._api.unknown_form(service, "neither a result nor an error")
        return result

    def _note_units(self, response: requests.Response) -> None:
        """`Units: spent/left/limit of the day`."""
        parts: Sequence[str] = response.headers.get("Units", "").split("/")
        if len(parts) == 3 and parts[1].isdecimal():
            self.quota_left["units"] = int(parts[1])
            if parts[2].isdecimal():
                self.quota_limits["units"] = int(parts[2])


def _ids(lists: Any) -> list[int]:
    """`{"CampaignIds": [...]}`; absent where there are none."""
    found = lists.get("CampaignIds") if isinstance(lists, Mapping) else None
    return [whole({"id": one}, "id", where="changes") for one in found or ()]


def _ad(row: Mapping[str, Any], campaigns: Mapping[int, str], groups: Mapping[int, str]) -> SourceAd:
    ad_id = whole(row, "Id", where="ads")
    campaign_id = whole(row, "CampaignId", where=f"ad {ad_id}", default=0)
    group_id = whole(row, "AdGroupId", where=f"ad {ad_id}", default=0)
    content: Mapping[str, Any] = next((row[kind] for kind in _WITH_HREF if isinstance(row.get(kind), Mapping)), {})
    return SourceAd(
        ad_id=ad_id,
        ad_group_id=group_id,
        campaign_id=campaign_id,
        ad_name="",
        ad_group_name=groups.get(group_id, ""),
        campaign_name=campaigns.get(campaign_id, ""),
        href=text(content, "Href", longest=4000),
        utm="",
        status=text(row, "State", longest=30),
    )


def _day(row: Mapping[str, str], first: date, last: date) -> date:
    try:
        day = date.fromisoformat(row["Date"])
    except ValueError:
        day = None
    if day is None or not first <= day <= last:
        raise BadRow("report: a row has no day of those that were asked for")
    return day


def _figures(row: Mapping[str, str], where: str) -> tuple[int, int, Any]:
    cost = money(row, "Cost", where=where)
    if cost is None:
        raise BadRow(f"{where}: Cost is absent")
    return whole(row, "Impressions", where=where, default=0), whole(row, "Clicks", where=where, default=0), cost

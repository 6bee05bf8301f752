"""The legacy `ads.*` methods of api.vk.com, v5.131: errors come with HTTP 200, the right `ads` only by request to VK.

Kept for accounts that have it; its ads have no groups and its answers no places for UTM labels but the ad's link.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from include.clients.advertising import AdDay, Corrections, DayTotal, SourceAd
from include.clients.source_api import SourceApi, SourceName, retry_after, vendor_text
from include.clients.source_values import money, text, whole
from include.common.errors import ExportError, LoadCode, StopRun, Temporary, Throttled

VK_LEGACY = SourceName("VK", "VK_TOKEN")
VERSION = "5.131"
_IDS_PER_REQUEST = 2000
_TOKEN_CODES = frozenset({5, 27, 28, 1114, 1116})
_RIGHT_CODES = frozenset({7, 15, 600})
_RATE_CODES = {6: 1.0, 9: 60.0, 29: 3600.0, 601: 3600.0}  # 601: the limit of the account's day
_SERVER_CODES = frozenset({1, 10})
_NO_ACCOUNT = 100  # a parameter is wrong; the account is the only one that comes from a setting


class VkLegacyApi:
    """One advertising account (`AdvertisingAccount`)."""

    def __init__(self, api: SourceApi, token: str, account: int) -> None:
        self._api = api
        self._token = token
        self._account = account
        self._campaign_of: dict[int, int] = {}
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
        self._call("ads.getCampaigns", {"include_deleted": 1})

    def ads(self) -> Iterator[list[SourceAd]]:
        campaigns = {
            whole(row, "id", where="campaigns"): text(row, "name")
            for row in self._rows("ads.getCampaigns", {"include_deleted": 1})
        }
        links = {
            whole(row, "id", where="layouts"): text(row, "link_url", longest=4000)
            for row in self._rows("ads.getAdsLayout", {"include_deleted": 1})
        }
        found = []
        for row in self._rows("ads.getAds", {"include_deleted": 1}):
            ad_id = whole(row, "id", where="ads")
            campaign_id = whole(row, "campaign_id", where=f"ad {ad_id}")
            self._campaign_of[ad_id] = campaign_id
            found.append(
                SourceAd(
                    ad_id=ad_id,
                    ad_group_id=0,
                    campaign_id=campaign_id,
                    ad_name=text(row, "name"),
                    ad_group_name="",
                    campaign_name=campaigns.get(campaign_id, ""),
                    href=links.get(ad_id, ""),
                    utm="",
                    status=text(row, "status", longest=30),
                )
            )
        yield found

    def days(self, first: date, last: date, report_name: str) -> Iterator[list[AdDay]]:  # noqa: ARG002
        if not self._campaign_of:
            for _ in self.ads():
                pass
        ids = sorted(self._campaign_of)
        for at in range(0, len(ids), _IDS_PER_REQUEST):
            found = []
            for ad_id, day, row in self._statistics("ad", ids[at : at + _IDS_PER_REQUEST], first, last):
                found.append(AdDay(day, self._campaign_of[ad_id], 0, ad_id, *_figures(row, f"ad {ad_id}")))
            yield found

    def corrections(self, since: datetime) -> Corrections | None:  # noqa: ARG002 - VK says nothing of them
        return None

    def totals(self, first: date, last: date, report_name: str) -> dict[date, DayTotal]:  # noqa: ARG002
        rows = self._statistics("office", [self._account], first, last)
        return {day: DayTotal(*_figures(row, "account")) for _, day, row in rows}

    def _statistics(
        self, kind: str, ids: Sequence[int], first: date, last: date
    ) -> Iterator[tuple[int, date, Mapping[str, Any]]]:
        asked = {
            "ids_type": kind,
            "ids": ",".join(map(str, ids)),
            "period": "day",
            "date_from": first.isoformat(),
            "date_to": last.isoformat(),
        }
        wanted = set(ids)
        for item in self._rows("ads.getStatistics", asked):
            owner = whole(item, "id", where="statistics")
            stats = item.get("stats")
            for row in stats if isinstance(stats, list) else []:
                try:
                    day = date.fromisoformat(str(row["day"]))
                except (KeyError, TypeError, ValueError):
                    raise self._api.unknown_form("ads.getStatistics", "a row has no day") from None
                if owner not in wanted or not first <= day <= last:
                    raise self._api.unknown_form("ads.getStatistics", f"{owner}, {day} was not asked for")
                yield owner, day, row

    def _rows(self, method: str, params: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        answer = self._call(method, params)
        if not isinstance(answer, list) or not all(isinstance(row, Mapping) for row in answer):
            raise self._api.unknown_form(method, "no list")
        return answer

    def _call(self, method: str, params: Mapping[str, Any]) -> Any:
        return self._api.retrying(method, lambda: self._call_once(method, params))

    def _call_once(self, method: str, params: Mapping[str, Any]) -> Any:
        form = {"account_id": self._account, **params, "access_token": self._token, "v": VERSION}
        response = self._api.send("POST", f"method/{method}", method, form={name: str(form[name]) for name in form})
        if response.status_code >= 400:
            raise self._api.error_of(response.status_code, method, retry_after=retry_after(response.headers))
        answer = self._api.json_of(response, method)
        error = answer.get("error") if isinstance(answer, Mapping) else None
        if isinstance(error, Mapping):
            raise self._error(error, method)
        if not isinstance(answer, Mapping) or "response" not in answer:
            raise self._api.unknown_form(method, "neither a response nor an error")
        return answer["response"]

    def _error(self, error: Mapping[str, Any], method: str) -> ExportError:
        code = error.get("error_code")
        where = f"VK: {method}: {code} {vendor_text(error.get('error_msg'))}"
        if code in _TOKEN_CODES:
            return self._api.unauthorized(where)
        if code in _RIGHT_CODES:
            return self._api.forbidden(where)
        if code in _RATE_CODES:
            return Throttled(where, code=LoadCode.SOURCE_THROTTLED, retry_after=_RATE_CODES[code])
        if code in _SERVER_CODES:
            return Temporary(where, code=LoadCode.SOURCE_UNAVAILABLE)
        if code == _NO_ACCOUNT:
            return StopRun(where, code=LoadCode.ACCOUNT_GONE, problem="source_account_gone", source=VK_LEGACY.title)
        return self._api.rejected(where, method)


def _figures(row: Mapping[str, Any], where: str) -> tuple[int, int, Any]:
    """A day without a show has no `spent`."""
    spent = money(row, "spent", where=where)
    return (
        whole(row, "impressions", where=where, default=0),
        whole(row, "clicks", where=where, default=0),
        money({"spent": "0"}, "spent", where=where) if spent is None else spent,
    )

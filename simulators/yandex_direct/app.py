"""Yandex Direct's API v5 as an ASGI application: objects as JSON, reports as TSV from a queue, units in a header."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from simulators.kit.advertising import Account, Figures
from simulators.kit.faults import Faults
from simulators.kit.instrumentation import Instrumented, entry_of
from simulators.kit.journal import Journal

TOKEN = "simulated-direct-token"
MOST_QUEUED = 5
_MOST_OBJECTS = 10_000
_ERRORS = {
    53: "Authorization error",
    54: "No rights",
    152: "Not enough units",
    513: "Your login is not connected to Yandex.Direct",
    1002: "Operation error",
    4000: "Invalid request",
    9000: "Report queue limit exceeded",
}


@dataclass(slots=True)
class Report:
    """A report under its name: `polls` more requests find it unfinished; its `body` is made once and kept."""

    polls: int
    body: str | None = None


class DirectSimulator:
    """Serves logins under `/json/v5/...` and `/json/v501/...`. Everything public may be changed while it runs.

    `polls`: requests that find a new report unfinished; `retry_in` seconds are what it says meanwhile. `heavy_days`: a
    report of more days is 502. `units`: left for objects. `wizard_ads`: ads whose reports have neither group nor ad.
    `page`: objects of one answer.
    `corrected`: campaigns whose figures were changed: when, and from which day on. `unprocessed`: campaigns that the
    next check leaves out.
    """

    def __init__(self, accounts: Mapping[str, Account], *, token: str = TOKEN) -> None:
        self.accounts, self.token = dict(accounts), token
        self.polls, self.retry_in, self.heavy_days = 0, 5, 10_000
        self.units = 50_000
        self.wizard_ads: set[int] = set()
        self.queue_full = False
        self.page = _MOST_OBJECTS
        self.corrected: dict[int, tuple[datetime, date]] = {}
        self.unprocessed: set[int] = set()
        self.has_changes = True
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.reverses_days = False
        self.drops_last_row = False
        self.error: int | None = None
        self.reports: dict[tuple[str, str], Report] = {}
        self.journal, self.faults = Journal(), Faults()
        routes = [
            Route("/json/{version}/reports", self._reports, methods=["POST"]),
            Route("/json/{version}/changes", self._changes, methods=["POST"]),
            Route("/json/{version}/{service}", self._objects, methods=["POST"]),
        ]
        self._app = Instrumented(Starlette(routes=routes), self.journal, self.faults, _locate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def queued(self, login: str) -> int:
        return sum(report.body is None for (owner, _), report in self.reports.items() if owner == login)

    async def _objects(self, request: Request) -> Response:
        asked = await request.json()
        account = self._account(request)
        if isinstance(account, Response):
            return account
        if self.units <= 0:
            return self._error(152, 200)
        self.units -= 15
        params = asked["params"]
        rows, name = _objects_of(request.path_params["service"], account, params)
        offset = params.get("Page", {}).get("Offset", 0)
        limit = min(params.get("Page", {}).get("Limit", self.page), self.page)
        result: dict[str, Any] = {name: rows[offset : offset + limit]}
        if offset + limit < len(rows) and limit == self.page:
            result["LimitedBy"] = offset + limit
        return JSONResponse({"result": result}, headers={"Units": f"15/{self.units}/50000"})

    async def _changes(self, request: Request) -> Response:
        """`check` of campaigns, as far as the figures go; `checkCampaigns` and `checkDictionaries` are not served."""
        asked = await request.json()
        account = self._account(request)
        if isinstance(account, Response):
            return account
        params = asked["params"]
        ids = params.get("CampaignIds", [])
        lists = {"CampaignIds", "AdGroupIds", "AdIds"} & params.keys()
        fields = params.get("FieldNames")
        if not self.has_changes:
            return PlainTextResponse("Not Found", 404)
        if asked["method"] != "check" or lists != {"CampaignIds"} or not 1 <= len(ids) <= 3000 or not fields:
            return self._error(4000, 200)
        since = datetime.strptime(params["Timestamp"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        self.units -= 10
        left, self.unprocessed = self.unprocessed & set(ids), set()
        own = {ad.campaign_id for ad in account.ads}
        borders = [
            {"CampaignId": number, "BorderDate": border.isoformat()}
            for number, (at, border) in self.corrected.items()
            if number in ids and number not in left and at >= since
        ]
        result: dict[str, Any] = {"Modified": {}, "Timestamp": self.clock().strftime("%Y-%m-%dT%H:%M:%SZ")}
        if borders and "CampaignsStat" in fields:
            result["Modified"]["CampaignsStat"] = borders
        if missing := sorted(set(ids) - own):
            result["NotFound"] = {"CampaignIds": missing}
        if left:
            result["Unprocessed"] = {"CampaignIds": sorted(left)}
        return JSONResponse({"result": result}, headers={"Units": f"10/{self.units}/50000"})

    async def _reports(self, request: Request) -> Response:
        params = (await request.json())["params"]
        account = self._account(request)
        if isinstance(account, Response):
            return account
        login, name = request.headers.get("client-login", ""), params["ReportName"]
        first, last = (date.fromisoformat(params["SelectionCriteria"][key]) for key in ("DateFrom", "DateTo"))
        entry_of(request).subject = name
        if (last - first).days + 1 > self.heavy_days:
            return PlainTextResponse("", 502)
        report = self.reports.get((login, name))
        if report is None:
            if self.queue_full or self.queued(login) >= MOST_QUEUED:
                return self._error(9000, 400)
            report = self.reports[(login, name)] = Report(self.polls)
            if report.polls:
                return PlainTextResponse("", 201, headers=self._waiting())
        if report.polls > 0:
            report.polls -= 1
            return PlainTextResponse("", 202, headers=self._waiting())
        if report.body is None:  # from now on the copy is served, whatever changes
            rows = self._rows(account, params, first, last)
            heading = "\t".join(params["FieldNames"])
            report.body = "\n".join([heading, *rows]) + "\n"
            if request.headers.get("skipreportsummary") != "true":
                report.body += f"Total rows: {len(rows) + self.drops_last_row}\n"
        return PlainTextResponse(report.body, 200, headers={"Content-Type": "text/tab-separated-values; charset=utf-8"})

    def _waiting(self) -> dict[str, str]:
        return {"retryIn": str(self.retry_in), "reportsInQueue": "1"}

    def _account(self, request: Request) -> Account | Response:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return self._error(53, 400)
        if self.error is not None:
            return self._error(self.error, 400)
        account = self.accounts.get(request.headers.get("client-login", ""))
        return account or self._error(513, 400)

    def _error(self, code: int, status: int) -> Response:
        request_id = hashlib.sha256(str(code).encode()).hexdigest()[:19]
        error = {"error_code": str(code), "error_string": _ERRORS[code], "error_detail": "", "request_id": request_id}
        return JSONResponse({"error": error}, status)

    def _rows(self, account: Account, params: Mapping[str, Any], first: date, last: date) -> list[str]:
        found: list[tuple[date, dict[str, str]]] = []
        if params["ReportType"] == "ACCOUNT_PERFORMANCE_REPORT":
            days = sorted({day for _, day in account.days} | set(account.beyond))
            found = [(day, _values(day, account.total(day))) for day in days]
        else:
            for (ad_id, day), figures in sorted(account.days.items(), key=lambda item: (item[0][1], item[0][0])):
                ad = account.ad(ad_id)
                assert ad is not None
                wizard = ad_id in self.wizard_ads
                ids = {
                    "CampaignId": str(ad.campaign_id),
                    "AdGroupId": "--" if wizard else str(ad.group_id),
                    "AdId": "--" if wizard else str(ad_id),
                }
                found.append((day, {**_values(day, figures), **ids}))
        lines = [
            "\t".join(values[name] for name in params["FieldNames"]) for day, values in found if first <= day <= last
        ]
        if self.drops_last_row:
            lines = lines[:-1]
        return lines[::-1] if self.reverses_days else lines


def _values(day: date, figures: Figures) -> dict[str, str]:
    """Money in the account's currency with two places, as `returnMoneyInMicros: false` asks."""
    cost = figures.spent.quantize(Decimal("0.01"))
    return {
        "Date": day.isoformat(),
        "Impressions": str(figures.shows),
        "Clicks": str(figures.clicks),
        "Cost": str(cost),
    }


def _objects_of(service: str, account: Account, params: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str]:
    wanted = params["SelectionCriteria"].get("CampaignIds")
    ads = [ad for ad in account.ads if wanted is None or ad.campaign_id in wanted]
    makers: dict[str, Callable[[], tuple[list[dict[str, Any]], str]]] = {
        "campaigns": lambda: (
            [{"Id": number, "Name": f"Кампания {number}"} for number in sorted({ad.campaign_id for ad in ads})],
            "Campaigns",
        ),
        "adgroups": lambda: (
            [{"Id": number, "Name": f"Группа {number}"} for number in sorted({ad.group_id for ad in ads})],
            "AdGroups",
        ),
        "ads": lambda: (
            [
                {
                    "Id": ad.id,
                    "CampaignId": ad.campaign_id,
                    "AdGroupId": ad.group_id,
                    "State": "ON",
                    "Type": "TEXT_AD",
                    "TextAd": {"Href": ad.href},
                }
                for ad in ads
            ],
            "Ads",
        ),
    }
    return makers[service]()


def _locate(request: Request) -> tuple[str, str]:
    return request.url.path.rsplit("/", 1)[1], ""

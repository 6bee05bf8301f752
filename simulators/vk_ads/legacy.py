"""The legacy `ads.*` methods of VK's API, v5.131: everything is HTTP 200, errors are in the body."""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from simulators.vk_ads.app import VkAdsSimulator

Form = dict[str, str]


def legacy_routes(simulator: "VkAdsSimulator") -> list[Route]:
    async def call(request: Request) -> Response:
        async with request.form() as form:
            asked = {name: str(value) for name, value in [*request.query_params.items(), *form.items()]}
        held = simulator.tokens.get(asked.get("access_token", ""))
        if held is None:
            return _error(5, "User authorization failed: invalid access_token.")
        if int(asked.get("account_id", 0)) not in simulator.accounts:
            return _error(100, "One of the parameters specified was missing or invalid: account_id")
        answer = _METHODS.get(request.path_params["name"])
        if answer is None:
            return _error(3, "Unknown method passed")
        return JSONResponse({"response": answer(simulator, asked)})

    return [Route("/method/{name}", call, methods=["GET", "POST"])]


def _campaigns(simulator: "VkAdsSimulator", asked: Form) -> Any:
    account = simulator.accounts[int(asked["account_id"])]
    return [{"id": number, "name": f"Кампания {number}"} for number in sorted({ad.campaign_id for ad in account.ads})]


def _ads(simulator: "VkAdsSimulator", asked: Form) -> Any:
    account = simulator.accounts[int(asked["account_id"])]
    return [
        {"id": str(ad.id), "campaign_id": ad.campaign_id, "name": ad.name, "status": 1, "ad_format": 9}
        for ad in account.ads
    ]


def _layouts(simulator: "VkAdsSimulator", asked: Form) -> Any:
    account = simulator.accounts[int(asked["account_id"])]
    return [{"id": str(ad.id), "campaign_id": ad.campaign_id, "link_url": ad.href} for ad in account.ads]


def _statistics(simulator: "VkAdsSimulator", asked: Form) -> Any:
    number = int(asked["account_id"])
    account = simulator.accounts[number]
    first, last = date.fromisoformat(asked["date_from"]), date.fromisoformat(asked["date_to"])
    days = sorted({day for _, day in account.days} | set(account.beyond))
    found = []
    for owner in map(int, asked["ids"].split(",")):
        stats = []
        for day in days:
            office = asked["ids_type"] == "office"
            figures = account.total(day) if office else account.days.get((owner, day))
            if figures is not None and first <= day <= last:
                stats.append(
                    {
                        "day": day.isoformat(),
                        "spent": str(figures.spent),
                        "impressions": figures.shows,
                        "clicks": figures.clicks,
                    }
                )
        found.append({"id": owner, "type": asked["ids_type"], "stats": stats})
    return found


_METHODS: dict[str, Callable[["VkAdsSimulator", Form], Any]] = {
    "ads.getCampaigns": _campaigns,
    "ads.getAds": _ads,
    "ads.getAdsLayout": _layouts,
    "ads.getStatistics": _statistics,
}


def _error(code: int, message: str) -> Response:
    return JSONResponse({"error": {"error_code": code, "error_msg": message, "request_params": []}})

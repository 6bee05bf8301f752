"""VK Ads API v2 as an ASGI application: tokens of which five live, lists by offset, statistics by day, its limits."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from simulators.kit.advertising import Account, Figures
from simulators.kit.faults import Faults
from simulators.kit.instrumentation import Instrumented, entry_of
from simulators.kit.journal import Journal
from simulators.vk_ads.legacy import legacy_routes

CLIENT_ID, CLIENT_SECRET = "simulated-vk-client", "simulated-vk-secret"
MOST_TOKENS = 5
_DEFAULT_LIMIT = 20
_MOST_LIMIT = 50


class VkAdsSimulator:
    """Serves accounts by their number; the client's own account is the first one, an agency's client any of them.

    Everything public may be changed while it runs. `most_ids`, `most_days`: of one request of statistics. `unknown_ads`
    are refused in statistics. `hourly`, `daily`: requests that are left; None is no limit. `strangers`: statistics hold
    an ad that was not asked for.
    """

    def __init__(
        self,
        accounts: Mapping[int, Account],
        *,
        client_id: str = CLIENT_ID,
        client_secret: str = CLIENT_SECRET,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.accounts, self.client_id, self.client_secret, self.clock = dict(accounts), client_id, client_secret, clock
        self.most_ids, self.most_days = 200, 366
        self.unknown_ads: set[int] = set()
        self.gone: set[int] = set()
        self.hourly: int | None = None
        self.daily: int | None = None
        self.strangers = False
        self.repeats_rows = False
        self.token_seconds = 86_400
        self.tokens: dict[str, tuple[int, float, str]] = {}  # token -> account, end, refresh token
        self.journal, self.faults = Journal(), Faults()
        routes = [
            Route("/api/v2/oauth2/token.json", self._token, methods=["POST"]),
            Route("/api/v2/user.json", self._guarded(self._user)),
            Route("/api/v2/throttling.json", self._guarded(self._throttling)),
            Route("/api/v2/{kind}.json", self._guarded(self._list)),
            Route("/api/v2/statistics/{kind}/day.json", self._guarded(self._statistics)),
            *legacy_routes(self),
        ]
        self._app = Instrumented(Starlette(routes=routes), self.journal, self.faults, _locate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def issue(self, account: int) -> str:
        """A ready token, as a person makes one in the account."""
        token = secrets.token_hex(16)
        self.tokens[token] = (account, self.clock() + self.token_seconds, secrets.token_hex(16))
        return token

    def expire_tokens(self) -> None:
        self.tokens = {token: (account, 0.0, refresh) for token, (account, _, refresh) in self.tokens.items()}

    async def _token(self, request: Request) -> Response:
        async with request.form() as form:
            asked = {name: str(value) for name, value in form.items()}
        entry_of(request).detail = {"grant": asked.get("grant_type", "")}
        if (asked.get("client_id"), asked.get("client_secret")) != (self.client_id, self.client_secret):
            return JSONResponse({"error": "invalid_client", "error_description": "Client not found"}, 401)
        if asked.get("grant_type") == "refresh_token":
            known = [token for token, held in self.tokens.items() if held[2] == asked.get("refresh_token")]
            if not known:
                return JSONResponse({"error": "invalid_grant", "error_description": "Unknown refresh token"}, 401)
            account = self.tokens.pop(known[0])[0]  # the old value ends for all that use it
        else:
            account = int(asked.get("agency_client_id") or next(iter(self.accounts)))
            if sum(held[0] == account for held in self.tokens.values()) >= MOST_TOKENS:
                return JSONResponse(
                    {"error": "token_limit_exceeded", "error_description": "Active access token limit"}, 403
                )
        token = self.issue(account)
        return JSONResponse(
            {
                "access_token": token,
                "token_type": "Bearer",
                "scope": ["read_ads", "read_payments"],
                "expires_in": self.token_seconds,
                "refresh_token": self.tokens[token][2],
                "tokens_left": MOST_TOKENS - len(self.tokens),
            }
        )

    def _guarded(self, handler: Callable[[Request, int], Response]) -> Callable[[Request], Response]:
        def guarded(request: Request) -> Response:
            held = self.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
            if held is None:
                return self._with_limits(
                    JSONResponse({"code": "invalid_token", "message": "Unknown access token"}, 401)
                )
            if held[1] <= self.clock():
                return self._with_limits(
                    JSONResponse({"code": "expired_token", "message": "Access token is expired"}, 401)
                )
            if self.hourly == 0 or self.daily == 0:
                entry_of(request).error = "limit"
                return self._with_limits(
                    JSONResponse({"error": {"code": "ERR_LIMIT", "message": "Too many requests"}}, 429)
                )
            self.hourly = None if self.hourly is None else self.hourly - 1
            self.daily = None if self.daily is None else self.daily - 1
            return self._with_limits(handler(request, held[0]))

        return guarded

    def _with_limits(self, response: Response) -> Response:
        for window, limit, left in (("Hourly", 10_000, self.hourly), ("Daily", 100_000, self.daily)):
            response.headers[f"X-RateLimit-{window}-Limit"] = str(limit)
            response.headers[f"X-RateLimit-{window}-Remaining"] = str(limit if left is None else left)
        return response

    def _user(self, request: Request, account: int) -> Response:  # noqa: ARG002 - the shape of a handler
        return JSONResponse({"id": account, "username": "canary-user@example.org", "types": ["advertiser"]})

    def _throttling(self, request: Request, account: int) -> Response:  # noqa: ARG002
        return JSONResponse({"limits": {"hourly": 10_000}, "remaining": {"hourly": self.hourly or 10_000}})

    def _list(self, request: Request, account: int) -> Response:
        rows = self._rows(request.path_params["kind"], self.accounts[account])
        if rows is None:
            return JSONResponse({"error": {"code": "ERR_WRONG_RESOURCE", "message": "Unknown resource"}}, 404)
        states = request.query_params.get("_status__in", "active,blocked").split(",")
        rows = [row for row in rows if row.get("status", "active") in states]
        limit = min(int(request.query_params.get("limit", _DEFAULT_LIMIT)), _MOST_LIMIT)
        offset = int(request.query_params.get("offset", 0))
        some = rows[offset : offset + limit]
        if self.repeats_rows and offset:
            some = rows[offset - 1 : offset - 1 + limit]
        return JSONResponse({"count": len(rows), "offset": offset, "items": some})

    def _rows(self, kind: str, account: Account) -> list[dict[str, Any]] | None:
        if kind == "banners":
            return [
                {
                    "id": ad.id,
                    "name": ad.name,
                    "ad_group_id": ad.group_id,
                    "status": ad.status,
                    "urls": {"primary": {"id": ad.id + 1, "url": ad.href}},
                }
                for ad in account.ads
            ]
        if kind == "ad_groups":
            groups = {ad.group_id: ad for ad in account.ads}
            return [
                {
                    "id": number,
                    "name": f"Группа {number}",
                    "ad_plan_id": ad.campaign_id,
                    "utm": ad.utm or None,
                    "enable_utm": bool(ad.utm),
                }
                for number, ad in sorted(groups.items())
            ]
        if kind == "ad_plans":
            return [
                {"id": number, "name": f"Кампания {number}"}
                for number in sorted({ad.campaign_id for ad in account.ads})
            ]
        return None

    def _statistics(self, request: Request, account: int) -> Response:
        kind, wanted = request.path_params["kind"], [int(one) for one in request.query_params["id"].split(",")]
        first, last = (date.fromisoformat(request.query_params[name]) for name in ("date_from", "date_to"))
        entry_of(request).detail = {"ids": len(wanted), "days": (last - first).days + 1}
        if len(wanted) > self.most_ids or (last - first).days + 1 > self.most_days:
            return _error(400, "ERR_LIMIT_EXCEEDED")
        served = self.accounts[account]
        if kind == "users":
            if account in self.gone or wanted != [account]:
                return _error(400, "ERR_WRONG_USERS")
            days = sorted({day for _, day in served.days} | set(served.beyond))
            rows = [(day, served.total(day)) for day in days if first <= day <= last]
            return JSONResponse({"items": [_item(account, rows)], "total": {"base": {}}})
        if self.unknown_ads & set(wanted):
            return _error(400, "ERR_WRONG_BANNERS")
        items = [
            _item(
                ad_id, sorted((day, f) for (of, day), f in served.days.items() if of == ad_id and first <= day <= last)
            )
            for ad_id in wanted
        ]
        if self.strangers:
            items.append(_item(1, []))
        return JSONResponse({"items": items, "total": {"base": {}}})


def _item(number: int, rows: Sequence[tuple[date, Figures]]) -> dict[str, Any]:
    return {
        "id": number,
        "total": {"base": _base(Figures())},
        "rows": [{"date": day.isoformat(), "base": _base(figures)} for day, figures in rows],
    }


def _base(figures: Figures) -> dict[str, Any]:
    """Money is a string, counts are numbers, as documented."""
    spent = figures.spent
    return {
        "shows": figures.shows,
        "clicks": figures.clicks,
        "goals": 0,
        "spent": "0" if spent == Decimal(0) else str(spent),
        "cpm": "0",
        "cpc": "0",
        "ctr": 0,
        "vk": {"goals": 0, "cpa": 0, "cr": 0},
    }


def _error(status: int, code: str) -> Response:
    return JSONResponse({"error": {"message": "simulated", "code": code}}, status)


def _locate(request: Request) -> tuple[str, str]:
    path = request.url.path.removeprefix("/api/v2/").removesuffix(".json")
    return path.removeprefix("/method/"), ""

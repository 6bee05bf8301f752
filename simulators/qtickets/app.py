"""QTickets' REST API v1 as an ASGI application: its documented form, its unfiltered mistakes, its buyers' data."""

import json
import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from simulators.kit.faults import Faults
from simulators.kit.instrumentation import Instrumented, entry_of
from simulators.kit.journal import Journal
from simulators.qtickets.box_office import Basket, BoxOffice, Event, Order

TOKEN = "simulated-qtickets-token"
PER_PAGE = 100
# what no system of ours may keep; a test looks for each of them
CANARIES = (
    "canary-buyer@example.org",
    "+79100000017",
    "Канарейкин",
    "Канареевна",
    "7727547261",
    "427600******1717",
    "canary-uniqid",
    "canary-comment",
)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "in": lambda value, wanted: value in wanted,
    "null": lambda value, _wanted: value is None,
}


class QticketsSimulator:
    """Serves a box office under `/api/rest/v1/{events|orders}[/{id}]` and `/api/rest/v1/shows/{id}/seats`.

    Everything public may be changed while it runs.

    `ignored_columns`: conditions on them are dropped in silence. `loses_bodies`: the body of a GET does not arrive.
    `adds_to_total` makes the count of the paging wrong. `between_pages` runs after each page of a list.
    """

    def __init__(self, office: BoxOffice, *, token: str = TOKEN) -> None:
        self.office, self.token = office, token
        self.ignored_columns: set[str] = set()
        self.loses_bodies = False
        self.adds_to_total = 0
        self.repeats_rows = False
        self.between_pages: Callable[[int], None] | None = None
        self.journal, self.faults = Journal(), Faults()
        routes = [
            Route("/api/rest/v1/{kind}", self._list, methods=["GET", "POST", "PUT", "DELETE"]),
            Route("/api/rest/v1/shows/{id:int}/seats", self._seats, methods=["GET", "POST", "PUT", "DELETE"]),
            Route("/api/rest/v1/{kind}/{id:int}", self._one, methods=["GET", "POST", "PUT", "DELETE"]),
        ]
        self._app = Instrumented(Starlette(routes=routes), self.journal, self.faults, _locate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def _list(self, request: Request) -> Response:
        refused = self._refusal(request)
        if refused is not None:
            return refused
        wanted = await self._body(request)
        rows = self._rows(request.path_params["kind"])
        for condition in wanted.get("where", []):
            if condition["column"] not in self.ignored_columns:
                rows = [row for row in rows if _holds(row, condition)]
        descending = wanted.get("orderBy", {}).get("id") == "desc"
        rows.sort(key=lambda row: row["id"], reverse=descending)
        page = int(wanted.get("page", 1))
        entry_of(request).detail = {"page": page, "where": wanted.get("where", [])}
        some = rows[(page - 1) * PER_PAGE : page * PER_PAGE]
        if self.repeats_rows and some:
            some = [*some, some[-1]]
        paging = {"perPage": PER_PAGE, "currentPage": page, "total": len(rows) + self.adds_to_total}
        if self.between_pages is not None:
            self.between_pages(page)
        return _json({"data": some, "paging": paging})

    async def _one(self, request: Request) -> Response:
        refused = self._refusal(request)
        if refused is not None:
            return refused
        found = [row for row in self._rows(request.path_params["kind"]) if row["id"] == request.path_params["id"]]
        return _json({"data": found[0]}) if found else _json({"error": "Not found", "status": 404}, 404)

    async def _seats(self, request: Request) -> Response:
        """The flat form: places by their ids, and of each the fields that were selected."""
        refused = self._refusal(request)
        if refused is not None:
            return refused
        wanted = (await self._body(request)).get("select", [])
        show_id = request.path_params["id"]
        places = self.office.places(show_id)
        if places is None:
            return _json({"error": "Not found", "status": 404}, 404)
        parterre: dict[str, Any] = {"id": "PARTERRE-1;1", "max_quantity": places[0], "ordered_quantity": places[1]}
        parterre["free_quantity"] = places[0] - places[1]
        seats: dict[str, dict[str, Any]] = {
            "PARTERRE-1;1": parterre,
            "BOX-1;1": dict.fromkeys(parterre, 0) | {"id": "BOX-1;1"},
        }
        return _json({"data": {seat: {name: row[name] for name in wanted} for seat, row in seats.items()}})

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            entry_of(request).error = "unauthorized"
            return _json({"error": "Unauthorized", "status": 401}, 401)
        if request.method != "GET":
            entry_of(request).error = "write"
            return _json({"error": "The simulator sells nothing and refunds nothing", "status": 405}, 405)
        return None

    async def _body(self, request: Request) -> dict[str, Any]:
        content = b"" if self.loses_bodies else await request.body()
        found: dict[str, Any] = json.loads(content) if content else {}
        return found

    def _rows(self, kind: str) -> list[dict[str, Any]]:
        if kind == "events":
            return [event_json(event) for event in list(self.office.events.values())]
        return [order_json(order) for order in list(self.office.orders.values())]


def order_json(order: Order) -> dict[str, Any]:
    """The documented fields of an order, those about its buyer included."""
    return {
        "id": order.id,
        "uniqid": f"canary-uniqid-{order.id}",
        "payed": order.payed_at is not None,
        "payed_at": _when(order.payed_at),
        "created_at": _when(order.created_at),
        "updated_at": _when(order.updated_at),
        "deleted_at": _when(order.deleted_at),
        "client_id": order.id + 7,
        "client": {
            "id": order.id + 7,
            "email": CANARIES[0],
            "details": {
                "id": order.id + 9,
                "name": CANARIES[2],
                "middlename": CANARIES[3],
                "surname": CANARIES[2],
                "phone": CANARIES[1],
                "vk_id": "",
            },
        },
        "site_id": 16,
        "site": {"id": 16, "host": "example.org"},
        "payment_id": 36,
        "payment_type_id": order.payment_type,
        "payment_card_number": CANARIES[5],
        "payment_url": f"https://example.org/pay/canary-uniqid-{order.id}",
        "cancel_url": f"https://example.org/cancel-order/canary-uniqid-{order.id}",
        "promo_code_id": order.promo_code_id,
        "reserved": 0,
        "event_id": order.event_id,
        "price": order.price,
        "original_price": sum((basket.original_price * basket.quantity for basket in order.baskets), Decimal(0)),
        "currency_id": order.currency,
        "utm": order.utm or [],
        "custom": {"var1": CANARIES[7]},
        "fields": {"organization_name": CANARIES[2], "inn": CANARIES[4]},
        "baskets": [_basket_json(basket) for basket in order.baskets],
    }


def event_json(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "name": event.name,
        "is_active": int(event.is_active),
        "currency_id": event.currency,
        "place_name": event.place,
        "place_address": "Адрес места",
        "city_id": event.city_id,
        "deleted_at": _when(event.deleted_at),
        "shows": [
            {
                "id": show.id,
                "is_active": int(show.is_active),
                "start_date": _when(show.starts_at),
                "finish_date": _when(show.starts_at),
                "deleted_at": _when(show.deleted_at),
            }
            for show in event.shows
        ],
    }


def _basket_json(basket: Basket) -> dict[str, Any]:
    return {
        "id": basket.id,
        "barcode": f"8770{basket.id}",
        "show_id": basket.show_id,
        "seat_id": f"PARTERRE-1;{basket.id}",
        "original_price": basket.original_price,
        "discount_value": None,
        "price": basket.price,
        "quantity": basket.quantity,
        "client_email": CANARIES[0],
        "client_phone": CANARIES[1],
        "client_name": CANARIES[2],
        "client_surname": CANARIES[2],
        "client_middlename": CANARIES[3],
        "inn": CANARIES[4],
        "comment": CANARIES[7],
        "pdf_url": f"https://example.org/ticket/pdf/canary-uniqid-{basket.id}",
        "checked_at": None,
        "deleted_at": _when(basket.deleted_at),
        "refunded_at": _when(basket.refunded_at),
        "refunded_amount": None if basket.silent_refund else basket.refunded_amount,
        "refunded_deduction_amount": None,
    }


def _holds(row: Mapping[str, Any], condition: Mapping[str, Any]) -> bool:
    value, wanted = row.get(condition["column"]), condition.get("value")
    name = condition.get("operator", "=")
    if name == "null":
        return value is None
    if isinstance(value, str) and isinstance(wanted, str) and condition["column"].endswith("_at"):
        return _OPERATORS[name](datetime.fromisoformat(value), datetime.fromisoformat(wanted))
    return value is not None and _OPERATORS[name](value, wanted)


def _when(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="seconds") if instant else None


def _json(tree: Any, status: int = 200) -> Response:
    """Prices are JSON numbers, as PHP writes them: 800, 99.5."""
    return Response(json.dumps(tree, ensure_ascii=False, default=_number), status, media_type="application/json")


def _number(value: Any) -> Any:
    assert isinstance(value, Decimal)
    return int(value) if value == value.to_integral_value() else float(value)


def _locate(request: Request) -> tuple[str, str]:
    parts = request.url.path.removeprefix("/api/rest/v1/").split("/")
    return parts[0], parts[1] if len(parts) > 1 else ""

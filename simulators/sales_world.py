"""The four sources of sales in one server, and what happens in their world on request, for the demo.

    python -m simulators sales --from 2026-11-01 --to 2026-11-30

Paths are the sources' own. `POST /__world__/{act}` lets something happen: `refund` (a ticket is returned), `down`
and `up` (QTickets refuses every request, and answers again), `sell` and `letter` (a sale, and a letter about the
event), `truth` (nothing). Each answers with the truth: net revenue and tickets.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from simulators.gmail.app import GmailSimulator
from simulators.gmail.letters import letter
from simulators.kit.advertising import labels_of, seeded_account
from simulators.qtickets.app import TOKEN, QticketsSimulator
from simulators.qtickets.box_office import MOSCOW, Order, seeded_box_office
from simulators.vk_ads.app import VkAdsSimulator
from simulators.yandex_direct.app import DirectSimulator

ACCOUNT, LOGIN = 4711, "organiser"
CITIES = {1: "Москва"}


class SalesWorld:
    """An ASGI application: the four simulators by their paths."""

    def __init__(self, first: date, last: date, *, orders: int = 600, seed: int = 3) -> None:
        labels = labels_of("vk", first) + labels_of("yandex", first)
        self.qtickets = QticketsSimulator(seeded_box_office(seed, first, last, orders, labels))
        self.ads = VkAdsSimulator({ACCOUNT: seeded_account(1, first, last, labels_of("vk", first))})
        self.direct = DirectSimulator({LOGIN: seeded_account(2, first, last, labels_of("yandex", first))})
        self.gmail = GmailSimulator()
        self.direct.polls, self.direct.retry_in = 1, 2
        self._world = Starlette(routes=[Route("/__world__/{act}", self._act, methods=["POST"])])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._of(scope["path"])(scope, receive, send)

    def _of(self, path: str) -> Any:
        if path.startswith("/__world__/"):
            return self._world
        if path.startswith("/api/rest/"):
            return self.qtickets
        if path.startswith("/api/v2/"):
            return self.ads
        if path.startswith("/json/"):
            return self.direct
        return self.gmail

    async def _act(self, request: Request) -> Response:
        now, office = datetime.now(UTC).replace(microsecond=0), self.qtickets.office
        act = request.path_params["act"]
        if act == "refund":
            office.refund(self._unrefunded(), now)
        elif act == "sell":
            office.sell(now, 1, [Decimal(1500)])
        elif act == "letter":
            self._letter(now)
        elif act in ("down", "up"):
            self.qtickets.token = "-" if act == "down" else TOKEN
        truth = office.truth().values()
        revenue = sum((day.revenue - day.refunds for day in truth), Decimal(0))
        tickets = sum(day.tickets - day.returned for day in truth)
        return JSONResponse({"net_revenue": str(revenue), "tickets": tickets})

    def _unrefunded(self) -> Order:
        for order in self.qtickets.office.orders.values():
            if order.payed_at and all(one.refunded_at is None for one in order.baskets) and not order.deleted_at:
                return order
        raise LookupError("every ticket was returned")

    def _letter(self, now: datetime) -> None:
        """What the first event has sold by now."""
        event = self.qtickets.office.events[1]
        sold = [o for o in self.qtickets.office.orders.values() if o.event_id == event.id and o.payed_at]
        kept = [basket for order in sold for basket in order.baskets if basket.refunded_at is None]
        revenue = sum((one.price * one.quantity for order in sold for one in order.baskets), Decimal(0))
        refunds = sum((one.refunded_amount or Decimal(0) for order in sold for one in order.baskets), Decimal(0))
        day = event.shows[0].starts_at.astimezone(MOSCOW).date()
        count = sum(one.quantity for one in kept)
        row = (day.isoformat(), event.name, CITIES[1], str(count), str(revenue), str(refunds))
        self.gmail.deliver(letter([row], now), now)

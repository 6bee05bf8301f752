"""What a simulated organiser sells, and the truth about it: sales and refunds by day, counted from the tickets."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

MOSCOW = ZoneInfo("Europe/Moscow")
_PRICES = (500, 800, 1200, 1500, 2500)


@dataclass(slots=True)
class Show:
    """`places`: how many tickets there are of it."""

    id: int
    starts_at: datetime
    places: int = 300
    is_active: bool = True
    deleted_at: datetime | None = None


@dataclass(slots=True)
class Event:
    id: int
    name: str
    city_id: int
    place: str
    shows: list[Show]
    currency: str = "RUB"
    is_active: bool = True
    deleted_at: datetime | None = None


@dataclass(slots=True)
class Basket:
    """`silent_refund`: the refund is sent without its amount."""

    id: int
    show_id: int
    price: Decimal
    original_price: Decimal
    quantity: int = 1
    refunded_at: datetime | None = None
    refunded_amount: Decimal | None = None
    silent_refund: bool = False
    deleted_at: datetime | None = None


@dataclass(slots=True)
class Order:
    """`odd_by` is added to the total that is sent: then no reading of the prices adds up."""

    id: int
    event_id: int
    created_at: datetime
    updated_at: datetime
    payed_at: datetime | None
    baskets: list[Basket]
    utm: dict[str, str] = field(default_factory=dict)
    currency: str = "RUB"
    payment_type: str = "bankcard"
    promo_code_id: int | None = None
    deleted_at: datetime | None = None
    odd_by: Decimal = Decimal(0)

    @property
    def price(self) -> Decimal:
        live = (basket for basket in self.baskets if basket.deleted_at is None)
        return sum((basket.price * basket.quantity for basket in live), Decimal(0)) + self.odd_by


@dataclass(frozen=True, slots=True)
class DayTruth:
    """Money in the currency of the orders; a refund belongs to its own day."""

    tickets: int = 0
    revenue: Decimal = Decimal(0)
    returned: int = 0
    refunds: Decimal = Decimal(0)


class BoxOffice:
    """Orders by id. Every change of an order moves its `updated_at`, as the source does."""

    def __init__(self, events: Sequence[Event], zone: ZoneInfo = MOSCOW) -> None:
        self.events = {event.id: event for event in events}
        self.orders: dict[int, Order] = {}
        self.zone = zone
        self._last_order, self._last_basket = 1000, 5000

    def sell(
        self,
        at: datetime,
        event_id: int,
        prices: Sequence[Decimal | int],
        *,
        utm: dict[str, str] | None = None,
        payed: bool = True,
        quantity: int = 1,
        currency: str = "RUB",
    ) -> Order:
        event = self.events[event_id]
        self._last_order += 1
        baskets = []
        for price in prices:
            self._last_basket += 1
            amount = Decimal(price)
            baskets.append(Basket(self._last_basket, event.shows[0].id, amount, amount, quantity))
        payed_at = at + timedelta(seconds=16) if payed else None
        order = Order(self._last_order, event_id, at, payed_at or at, payed_at, baskets, utm or {}, currency)
        self.orders[order.id] = order
        return order

    def refund(self, order: Order, at: datetime, *, amount: Decimal | None = None, silent: bool = False) -> None:
        """The first ticket that is not yet refunded, wholly unless `amount` says how much."""
        basket = next(one for one in order.baskets if one.refunded_at is None and one.deleted_at is None)
        basket.refunded_at, basket.silent_refund = at, silent
        basket.refunded_amount = basket.price * basket.quantity if amount is None else amount
        order.updated_at = at

    def delete(self, order: Order, at: datetime) -> None:
        order.deleted_at = order.updated_at = at

    def vanish(self, order: Order) -> None:
        """The source forgets the order without a trace."""
        del self.orders[order.id]

    def drop_basket(self, order: Order, at: datetime) -> None:
        """The last ticket is no longer in the order."""
        order.baskets.pop()
        order.updated_at = at

    def places(self, show_id: int) -> tuple[int, int] | None:
        """How many tickets the show has, and how many of them are in orders."""
        shows = [show for event in self.events.values() for show in event.shows if show.id == show_id]
        ordered = sum(
            basket.quantity
            for order in self.orders.values()
            for basket in order.baskets
            if basket.show_id == show_id and not (order.deleted_at or basket.deleted_at or basket.refunded_at)
        )
        return (shows[0].places, ordered) if shows else None

    def truth(self, currency: str = "RUB") -> dict[date, DayTruth]:
        """By day in the organiser's zone; what a ticket counts: paid, and not deleted unless it was refunded."""
        days: dict[date, DayTruth] = defaultdict(DayTruth)
        for order in self.orders.values():
            if order.payed_at is None or order.currency != currency:
                continue
            for basket in order.baskets:
                gone = (basket.deleted_at or order.deleted_at) and basket.refunded_at is None
                if gone:
                    continue
                day = order.payed_at.astimezone(self.zone).date()
                known = days[day]
                money = known.revenue + basket.price * basket.quantity
                days[day] = DayTruth(known.tickets + basket.quantity, money, known.returned, known.refunds)
                if basket.refunded_at is not None:
                    day = basket.refunded_at.astimezone(self.zone).date()
                    known = days[day]
                    money = known.refunds + (basket.refunded_amount or Decimal(0))
                    days[day] = DayTruth(known.tickets, known.revenue, known.returned + basket.quantity, money)
        return dict(days)


def seeded_box_office(
    seed: int, first: date, last: date, orders: int, labels: Sequence[dict[str, str]] = ()
) -> BoxOffice:
    """`orders` orders of the days, spread by chance: some unpaid, some refunded later, some without labels.

    Nothing happens after `last`: a world that ends yesterday knows no refund of tomorrow.
    """
    chance = random.Random(seed)
    office = BoxOffice(
        [
            Event(
                number,
                f"Концерт {number}",
                1 if number == 1 else number,
                f"Зал {number}",
                [Show(number * 10, datetime.combine(last + timedelta(days=5 + number), datetime.min.time(), MOSCOW))],
            )
            for number in range(1, 5)
        ]
    )
    span = (last - first).days + 1
    moments = sorted(
        datetime.combine(first, datetime.min.time(), MOSCOW)
        + timedelta(days=chance.randrange(span), seconds=chance.randrange(86_000))
        for _ in range(orders)
    )
    end = datetime.combine(last, datetime.max.time(), MOSCOW).replace(microsecond=0)
    for at in moments:
        utm = dict(chance.choice(labels)) if labels and chance.random() < 0.8 else {}
        prices = [Decimal(chance.choice(_PRICES)) for _ in range(chance.choice((1, 2, 2, 3)))]
        order = office.sell(at, chance.randint(1, 4), prices, utm=utm, payed=chance.random() < 0.9)
        if order.payed_at and chance.random() < 0.05:
            office.refund(order, min(at + timedelta(hours=chance.randint(1, 72)), end))
    return office

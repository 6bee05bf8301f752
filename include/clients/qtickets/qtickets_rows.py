"""Rows of QTickets by an allow list: what is not named here (buyers, cards, links that pay or cancel) never leaves it.

Facts about the fields: the vendor's documentation of REST API v1.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from include.clients.source_values import instant, money, text, whole
from include.common.errors import BadRow

_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
_NOTHING = Decimal("0.00")


class QticketsBasket(NamedTuple):
    """One ticket, or several equal ones (`quantity`). `refunded_amount` is None where the source names no amount."""

    basket_id: int
    show_id: int
    quantity: int
    price: Decimal
    original_price: Decimal
    refunded_at: datetime | None
    refunded_amount: Decimal | None
    deleted_at: datetime | None


class QticketsOrder(NamedTuple):
    """Instants have the source's own offset. `price` is the order's total after discounts."""

    order_id: int
    event_id: int
    created_at: datetime
    updated_at: datetime
    is_payed: bool
    payed_at: datetime | None
    deleted_at: datetime | None
    price: Decimal
    currency: str
    payment_type: str
    promo_code_id: int
    utm: dict[str, str]
    baskets: tuple[QticketsBasket, ...]


class QticketsShow(NamedTuple):
    show_id: int
    starts_at: datetime | None
    is_active: bool
    deleted_at: datetime | None


class QticketsEvent(NamedTuple):
    event_id: int
    name: str
    city_id: int
    place_name: str
    currency: str
    is_active: bool
    deleted_at: datetime | None
    shows: tuple[QticketsShow, ...]


class QticketsPlaces(NamedTuple):
    """Places of a show, all price categories together."""

    max_quantity: int
    free_quantity: int
    ordered_quantity: int


def order_from_row(row: Any) -> QticketsOrder:
    """Raises BadRow that names the order and the field, and no value of it."""
    if not isinstance(row, Mapping):
        raise BadRow("a row of the orders is no object")
    order_id = whole(row, "id", where="a row of the orders")
    where = f"order {order_id}"
    created_at = instant(row, "created_at", where=where)
    if created_at is None or order_id == 0:
        raise BadRow(f"{where}: id or created_at is absent")
    utm = row.get("utm")
    return QticketsOrder(
        order_id=order_id,
        event_id=whole(row, "event_id", where=where, default=0),
        created_at=created_at,
        updated_at=instant(row, "updated_at", where=where) or created_at,
        is_payed=row.get("payed") in (True, 1, "1"),
        payed_at=instant(row, "payed_at", where=where),
        deleted_at=instant(row, "deleted_at", where=where),
        price=money(row, "price", where=where) or _NOTHING,
        currency=text(row, "currency_id", longest=8).upper(),
        payment_type=text(row, "payment_type_id", longest=50),
        promo_code_id=whole(row, "promo_code_id", where=where, default=0),
        utm={name: text(utm, name) for name in _UTM if name in utm} if isinstance(utm, Mapping) else {},
        baskets=tuple(_basket(basket, where) for basket in _list(row, "baskets", where)),
    )


def event_from_row(row: Any) -> QticketsEvent:
    """Raises BadRow that names the event and the field."""
    if not isinstance(row, Mapping):
        raise BadRow("a row of the events is no object")
    event_id = whole(row, "id", where="a row of the events")
    where = f"event {event_id}"
    return QticketsEvent(
        event_id=event_id,
        name=text(row, "name"),
        city_id=whole(row, "city_id", where=where, default=0),
        place_name=text(row, "place_name"),
        currency=text(row, "currency_id", longest=8).upper(),
        is_active=row.get("is_active") in (True, 1, "1"),
        deleted_at=instant(row, "deleted_at", where=where),
        shows=tuple(_show(show, where) for show in _list(row, "shows", where)),
    )


def places_from_rows(show_id: int, rows: Any) -> QticketsPlaces:
    """Adds up the places by their ids; a show without places has an empty list. Raises BadRow."""
    seats = list(rows.values()) if isinstance(rows, Mapping) else rows
    if not isinstance(seats, list) or not all(isinstance(seat, Mapping) for seat in seats):
        raise BadRow(f"show {show_id}: places are no list")
    names = QticketsPlaces._fields
    return QticketsPlaces(*(sum(whole(seat, name, where=f"show {show_id}") for seat in seats) for name in names))


def _basket(row: Any, where: str) -> QticketsBasket:
    if not isinstance(row, Mapping):
        raise BadRow(f"{where}: a ticket is no object")
    basket_id = whole(row, "id", where=where)
    where = f"{where}, ticket {basket_id}"
    price = money(row, "price", where=where)
    if price is None:
        raise BadRow(f"{where}: price is absent")
    original = money(row, "original_price", where=where)
    return QticketsBasket(
        basket_id=basket_id,
        show_id=whole(row, "show_id", where=where, default=0),
        quantity=_quantity(row, where),
        price=price,
        original_price=price if original is None else original,
        refunded_at=instant(row, "refunded_at", where=where),
        refunded_amount=money(row, "refunded_amount", where=where),
        deleted_at=instant(row, "deleted_at", where=where),
    )


def _quantity(row: Mapping[str, Any], where: str) -> int:
    quantity = whole(row, "quantity", where=where, default=1)
    if not 1 <= quantity <= 65_535:
        raise BadRow(f"{where}: quantity is not from 1 to 65535")
    return quantity


def _show(row: Any, where: str) -> QticketsShow:
    if not isinstance(row, Mapping):
        raise BadRow(f"{where}: a show is no object")
    show_id = whole(row, "id", where=where)
    where = f"{where}, show {show_id}"
    return QticketsShow(
        show_id=show_id,
        starts_at=instant(row, "start_date", where=where),
        is_active=row.get("is_active") in (True, 1, "1"),
        deleted_at=instant(row, "deleted_at", where=where),
    )


def _list(row: Mapping[str, Any], field: str, where: str) -> list[Any]:
    """A list; PHP sends an object where the keys of a list have gaps, and null for none."""
    value = row.get(field)
    if isinstance(value, Mapping):
        return list(value.values())
    if value is None or isinstance(value, list):
        return value or []
    raise BadRow(f"{where}: {field} is no list")

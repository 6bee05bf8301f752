"""From an order of QTickets to rows of tickets: what counts as sold, and when."""

from collections.abc import Iterable
from decimal import Decimal
from zoneinfo import ZoneInfo

from include.clients.qtickets.qtickets_rows import QticketsBasket, QticketsEvent, QticketsOrder
from include.sales.domain.business_day import business_day
from include.sales.domain.cities import Cities
from include.sales.domain.rows import Event, Show, Ticket
from include.sales.domain.scopes import Counters
from include.sales.domain.times import NO_DAY, in_utc
from include.sales.domain.utm import city_and_day, utm_from_fields

_NOTHING = Decimal("0.00")
_CENT = Decimal("0.01")


def tickets_of(order: QticketsOrder, zone: ZoneInfo, currency: str, counters: Counters) -> list[Ticket]:
    """One row for each ticket.

    A ticket is sold on the day of the order's payment. A refund is of its own day, and keeps the sale on its day even
    where the source also marks the ticket as deleted; a deletion without a refund takes the sale away. `currency` is
    that of the views: another one is a finding.
    """
    utm = utm_from_fields(order.utm)
    city = city_and_day(utm.content).city
    created_at, updated_at, payed_at = in_utc(order.created_at), in_utc(order.updated_at), in_utc(order.payed_at)
    sold_at = payed_at if order.is_payed else None
    sale_date = business_day(sold_at, zone) if sold_at else None
    by_piece, mismatch = _price_is_of_a_piece(order)
    rows = []
    for basket in order.baskets:
        price, of_all = _prices(basket, by_piece=by_piece)
        refunded_at = in_utc(basket.refunded_at)
        assumed = refunded_at is not None and basket.refunded_amount is None
        refunded = of_all if assumed else basket.refunded_amount if refunded_at else None
        deleted_at = None if refunded_at else in_utc(basket.deleted_at or order.deleted_at)
        rows.append(
            Ticket(
                order_id=order.order_id,
                basket_id=basket.basket_id,
                event_id=order.event_id,
                show_id=basket.show_id,
                order_created_at=created_at,
                order_updated_at=updated_at,
                payed_at=payed_at,
                refunded_at=refunded_at,
                deleted_at=deleted_at,
                sale_date=sale_date,
                refund_date=business_day(refunded_at, zone) if refunded_at else None,
                quantity=basket.quantity,
                price=price,
                original_price=basket.original_price,
                refunded_amount=refunded or _NOTHING,
                refund_assumed=int(assumed),
                price_mismatch=int(mismatch),
                currency=order.currency,
                payment_type=order.payment_type,
                promo_code_id=order.promo_code_id,
                utm_source=utm.source,
                utm_medium=utm.medium,
                utm_campaign=utm.campaign,
                utm_content=utm.content,
                utm_term=utm.term,
                utm_city_raw=city,
            )
        )
        if sale_date and deleted_at is None:
            counters.amount[sale_date] = counters.amount.get(sale_date, _NOTHING) + price * basket.quantity
    if rows:
        _note(order, mismatch=mismatch, unparsed=bool(utm.content) and not city, currency=currency, counters=counters)
    return rows


def event_rows(event: QticketsEvent, cities: Cities, counters: Counters) -> tuple[Event, list[Show]]:
    """The event and its shows; those of a deleted event are deleted with it. An unknown city keeps its number."""
    city = cities.of_number(event.city_id) if event.city_id else ""
    if city is None:
        city = f"city:{event.city_id}"
        counters.found("unknown_city", city)
    row = Event(
        event_id=event.event_id,
        name=event.name,
        city_id=event.city_id,
        city=city,
        place_name=event.place_name,
        currency=event.currency,
        is_active=int(event.is_active),
        deleted_at=in_utc(event.deleted_at),
    )
    shows = []
    for show in event.shows:
        offset = show.starts_at.utcoffset() if show.starts_at else None
        shows.append(
            Show(
                show_id=show.show_id,
                event_id=event.event_id,
                starts_at=in_utc(show.starts_at),
                local_date=show.starts_at.date() if show.starts_at else NO_DAY,
                utc_offset_min=int(offset.total_seconds() // 60) if offset else 0,
                is_active=int(show.is_active),
                deleted_at=in_utc(show.deleted_at or event.deleted_at),
            )
        )
    return row, shows


def _price_is_of_a_piece(order: QticketsOrder) -> tuple[bool, bool]:
    """Whether a ticket's price is that of one piece, and whether neither reading adds up to the order's total.

    The source does not say. Deleted tickets are not in the total; whether refunded ones are is unknown, so both fit.
    """
    if all(basket.quantity == 1 for basket in order.baskets) and _fits(order, order.baskets, by_piece=True):
        return True, False
    live = [basket for basket in order.baskets if basket.deleted_at is None or basket.refunded_at is not None]
    kept = [basket for basket in live if basket.refunded_at is None]
    for by_piece in (True, False):
        if any(_fits(order, baskets, by_piece=by_piece) for baskets in (order.baskets, live, kept)):
            return by_piece, False
    return True, bool(order.baskets)


def _fits(order: QticketsOrder, baskets: Iterable[QticketsBasket], *, by_piece: bool) -> bool:
    return order.price == sum((b.price * b.quantity if by_piece else b.price for b in baskets), _NOTHING)


def _prices(basket: QticketsBasket, *, by_piece: bool) -> tuple[Decimal, Decimal]:
    """The price of one piece, and of all; a row's price is divided, and rounded where it must be."""
    if by_piece or basket.quantity == 1:
        return basket.price, basket.price * basket.quantity
    return (basket.price / basket.quantity).quantize(_CENT), basket.price


def _note(order: QticketsOrder, *, mismatch: bool, unparsed: bool, currency: str, counters: Counters) -> None:
    if mismatch:
        counters.found("price_mismatch", f"order {order.order_id}")
    if order.currency != currency:
        counters.found("foreign_currency", f"order {order.order_id}: {order.currency}")
    if unparsed:
        counters.found("utm_unparsed", f"order {order.order_id}")

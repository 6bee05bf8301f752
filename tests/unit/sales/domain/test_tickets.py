"""What counts as sold, refunded and gone; and that nothing of a buyer passes the projection."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.clients.qtickets.qtickets_rows import event_from_row, order_from_row
from include.common.errors import BadRow
from include.sales.domain.rows import Ticket
from include.sales.domain.scopes import Counters
from include.sales.domain.tickets import event_rows, tickets_of
from include.sales.policy import load_cities
from simulators.qtickets.app import CANARIES, order_json
from simulators.qtickets.box_office import BoxOffice, Event, Show
from tests.kit.paths import DATA

MOSCOW = ZoneInfo("Europe/Moscow")
DOCUMENTED = json.loads((DATA / "qtickets/order_4360.json").read_text(encoding="utf-8"), parse_float=Decimal)["data"]


def projected(row: Any, counters: Counters | None = None) -> list[Ticket]:
    return tickets_of(order_from_row(row), MOSCOW, "RUB", counters or Counters())


def changed(**fields: Any) -> dict[str, Any]:
    return {**DOCUMENTED, **fields}


def basket(**fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = {**DOCUMENTED["baskets"][0], **fields}
    return found


def test_the_documented_order() -> None:
    """The vendor's own example; its prices add up to the order's."""
    counters = Counters()
    rows = projected(DOCUMENTED, counters)
    assert [(row.basket_id, row.price, row.sale_date) for row in rows] == [
        (63993, Decimal(150), date(2019, 7, 30)),
        (63994, Decimal(150), date(2019, 7, 30)),
        (63995, Decimal(500), date(2019, 7, 30)),
    ]
    assert rows[0].payed_at == datetime(2019, 7, 30, 9, 50, 52, tzinfo=UTC)
    assert {row.price_mismatch for row in rows} == {0}
    assert (counters.findings, counters.amount) == ({}, {date(2019, 7, 30): Decimal(800)})


def test_the_documented_buyer_is_nowhere() -> None:
    order = order_from_row(DOCUMENTED)
    shown = repr(order) + repr(projected(DOCUMENTED))
    for own in ("username@gmail.com", "79100000000", "Иван", "Петров", "z7rkjcV2BV", "100018", "val1", "877076325904"):
        assert own not in shown


def test_no_canary_of_the_simulated_buyers_passes() -> None:
    office = BoxOffice([Event(1, "Концерт", 1, "Зал", [Show(10, datetime(2026, 12, 1, 19, tzinfo=MOSCOW))])])
    order = office.sell(
        datetime(2026, 11, 1, tzinfo=UTC), 1, [500, 800], utm={"utm_term": CANARIES[0], "utm_content": CANARIES[1]}
    )
    sent = json.loads(json.dumps(order_json(order), default=str))
    assert all(canary in json.dumps(sent, ensure_ascii=False) for canary in CANARIES)
    shown = repr(projected(sent))
    assert [canary for canary in CANARIES if canary in shown] == []


@pytest.mark.parametrize(
    ("payed_at", "day"),
    [
        ("2026-11-28T23:59:59+03:00", date(2026, 11, 28)),
        ("2026-11-28T21:00:00+00:00", date(2026, 11, 29)),
        ("2026-11-29T02:00:00+07:00", date(2026, 11, 28)),
        ("2014-10-25T20:30:00+00:00", date(2014, 10, 26)),  # Moscow was at +04:00
        ("2014-10-27T20:30:00+00:00", date(2014, 10, 27)),
    ],
)
def test_the_day_of_sale_is_the_zones_at_that_time(payed_at: str, day: date) -> None:
    assert {row.sale_date for row in projected(changed(payed_at=payed_at))} == {day}


def test_an_unpaid_order_is_not_sold() -> None:
    assert {row.sale_date for row in projected(changed(payed=False))} == {None}
    assert {row.sale_date for row in projected(changed(payed_at=None))} == {None}


@pytest.mark.parametrize(
    ("total", "price", "mismatch"),
    [(600, 200, 0), (200, Decimal("66.67"), 0), (199, 200, 1)],
    ids=["of a piece", "of the row", "neither"],
)
def test_a_price_is_of_a_piece_or_of_its_row(total: int, price: Decimal, mismatch: int) -> None:
    (row,) = projected(changed(price=total, baskets=[basket(price=200, quantity=3)]))
    assert (row.price, row.quantity, row.price_mismatch) == (price, 3, mismatch)


def test_a_total_with_or_without_what_was_returned_fits() -> None:
    back = basket(id=1, price=300, refunded_at="2026-11-28T10:00:00+03:00", refunded_amount=Decimal("250.5"))
    for total in (450, 150):
        rows = projected(changed(price=total, baskets=[back, basket(price=150)]))
        assert {row.price_mismatch for row in rows} == {0}
        assert (rows[0].refunded_amount, rows[0].refund_date) == (Decimal("250.50"), date(2026, 11, 28))


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        changed(id=None),
        changed(created_at=None),
        changed(created_at="2019-07-30 12:50:36"),
        changed(created_at="0001-01-01T00:00:00+14:00"),
        changed(baskets="none"),
        changed(baskets=[None]),
        changed(baskets=[basket(price=None)]),
        changed(baskets=[basket(price=True)]),
        changed(baskets=[basket(price=float("nan"))]),
        changed(baskets=[basket(quantity=0)]),
        changed(baskets=[basket(quantity=70_000)]),
        changed(baskets=[basket(id=-1)]),
    ],
)
def test_a_row_without_what_is_needed_names_the_field_and_no_value(row: Any) -> None:
    with pytest.raises(BadRow) as refused:
        order_from_row(row)
    assert "Иван" not in str(refused.value)
    assert "username" not in str(refused.value)


def test_php_sends_an_object_where_a_list_has_gaps() -> None:
    assert len(projected(changed(baskets={"0": basket(), "2": basket(id=1)}))) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(DOCUMENTED)), JSON)
def test_any_value_in_any_field_is_read_or_refused(field: str, value: Any) -> None:
    try:
        rows = projected(changed(**{field: value}))
    except BadRow:
        return
    for row in rows:
        assert isinstance(row.price, Decimal)
        assert row.refund_date is None or row.refunded_at is not None


@given(
    st.lists(
        st.tuples(st.integers(1, 10_000), st.integers(1, 5), st.sampled_from(["kept", "refunded", "deleted"])),
        max_size=5,
    )
)
def test_money_of_a_day_is_neither_lost_nor_doubled(tickets: list[tuple[int, int, str]]) -> None:
    """Sold is all that is not deleted; a refund is at most what was sold."""
    moment = "2026-11-28T10:00:00+03:00"
    states = {"kept": {}, "refunded": {"refunded_at": moment}, "deleted": {"deleted_at": moment}}
    baskets = [
        basket(id=number, price=price, quantity=quantity, **states[state])
        for number, (price, quantity, state) in enumerate(tickets)
    ]
    total = sum(price * quantity for price, quantity, state in tickets if state != "deleted")
    counters = Counters()
    rows = projected(changed(price=total, baskets=baskets), counters)
    shown = [row for row in rows if row.deleted_at is None]
    assert sum(row.price * row.quantity for row in shown) == total == sum(counters.amount.values())
    assert sum(row.refunded_amount for row in rows) == sum(p * q for p, q, state in tickets if state == "refunded")
    assert {row.price_mismatch for row in rows} <= {0}


def test_a_shows_day_is_that_of_its_own_place() -> None:
    row = {
        "id": 12,
        "name": "Событие",
        "city_id": 0,
        "is_active": 1,
        "shows": [
            {"id": 21, "is_active": 1, "start_date": "2026-12-01T00:30:00+10:00"},
            {"id": 22, "start_date": None},
        ],
    }
    event, (show, unknown) = event_rows(event_from_row(row), load_cities(), Counters())
    assert (show.local_date, show.utc_offset_min) == (date(2026, 12, 1), 600)
    assert show.starts_at == datetime(2026, 11, 30, 14, 30, tzinfo=UTC)
    assert (unknown.starts_at, unknown.local_date) == (None, date(1970, 1, 1))
    assert event.city == ""


def test_shows_of_a_deleted_event_are_deleted_with_it() -> None:
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    row = {
        "id": 1,
        "deleted_at": moment.isoformat(),
        "shows": [{"id": 2, "start_date": (moment + timedelta(1)).isoformat()}],
    }
    event, (show,) = event_rows(event_from_row(row), load_cities(), Counters())
    assert event.deleted_at == show.deleted_at == moment

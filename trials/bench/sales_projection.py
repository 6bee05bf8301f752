"""Orders of QTickets into rows of tickets, beside the bare parsing of the same pages; processor time."""

import json
import time
from datetime import date
from decimal import Decimal
from pathlib import Path

from trials.bench.world import Result

PAGE = 100
PAGES = 20  # different pages; they are read again and again


def projection(folder: Path, orders: int) -> Result:  # noqa: ARG001 - the shape of a measurement
    """JSON pages to rows, counters included; the note has the ratio to `json.loads` and the rows of a second."""
    from include.clients.qtickets.qtickets_rows import order_from_row
    from include.sales.domain.scopes import Counters
    from include.sales.domain.tickets import tickets_of
    from include.sales.policy import load_sales_policy
    from simulators.kit.advertising import labels_of
    from simulators.qtickets.app import order_json
    from simulators.qtickets.box_office import seeded_box_office

    first, last = date(2026, 10, 1), date(2026, 10, 31)
    office = seeded_box_office(7, first, last, PAGE * PAGES, labels_of("vk", first))
    rows = [order_json(order) for order in office.orders.values()]
    pages = [json.dumps({"data": rows[at : at + PAGE]}, default=float).encode() for at in range(0, len(rows), PAGE)]
    repeats = orders // (PAGE * PAGES)
    start = time.process_time()
    for _ in range(repeats):
        for page in pages:
            json.loads(page)
    bare = time.process_time() - start
    zone, counters, made = load_sales_policy({}).zone, Counters(), 0
    start = time.process_time()
    for _ in range(repeats):
        for page in pages:
            for row in json.loads(page, parse_float=Decimal)["data"]:
                made += len(tickets_of(order_from_row(row), zone, "RUB", counters))
    ours = time.process_time() - start
    note = f"{ours / bare:.1f} x bare json.loads ({orders / bare:,.0f} orders/s); {made / ours:,.0f} tickets/s"
    return Result(orders, "orders", ours, note)

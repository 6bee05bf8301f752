"""Each source, read whole, gives the rows that its simulator knows to be true, to the day and the kopeck."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from include.clients.advertising import Corrections
from include.common.errors import NotReady
from include.sales.domain.rows import Table
from include.sales.domain.scopes import Source, Stream
from include.sales.state.loads import scope_json, scope_of
from simulators.gmail.letters import letter
from simulators.kit.advertising import Account, Figures
from simulators.qtickets.box_office import DayTruth
from tests.kit.sales_sources import (
    ACCOUNT,
    FIRST,
    LAST,
    LOGIN,
    NOW,
    account,
    delta,
    direct,
    gmail,
    money_by_day,
    qtickets,
    read,
    rows_of,
    vk_ads,
    window,
)


def sums(tickets: list) -> dict[date, DayTruth]:
    """What a view over the tickets would say."""
    found: dict[date, list] = defaultdict(lambda: [0, Decimal(0), 0, Decimal(0)])
    for ticket in tickets:
        if ticket.sale_date is None or ticket.deleted_at is not None or ticket.currency != "RUB":
            continue
        found[ticket.sale_date][0] += ticket.quantity
        found[ticket.sale_date][1] += ticket.price * ticket.quantity
        if ticket.refund_date:
            found[ticket.refund_date][2] += ticket.quantity
            found[ticket.refund_date][3] += ticket.refunded_amount
    return {day: DayTruth(*values) for day, values in found.items()}


def test_a_window_of_orders() -> None:
    with qtickets() as sold:
        batches, counters = read(sold.source.fetch(window(Source.QTICKETS), report_name="load-1"))
        assert sums(rows_of(batches, Table.TICKETS)) == sold.office.truth()
        assert {order for batch in batches for order in batch.orders} == set(sold.office.orders)
        assert counters.source_rows == len(sold.office.orders) == 120
        assert counters.requests == 2
        assert counters.amount == {day: truth.revenue for day, truth in sold.office.truth().items() if truth.revenue}


def test_a_delta_has_what_changed_and_nothing_else() -> None:
    with qtickets() as sold:
        some = list(sold.office.orders.values())[:5]
        later = max(order.updated_at for order in sold.office.orders.values()) + timedelta(hours=1)
        for order in some:
            sold.office.delete(order, later)
        batches, counters = read(sold.source.fetch(delta(since=later), report_name="load-1"))
        assert {order for batch in batches for order in batch.orders} == {order.id for order in some}
        assert counters.watermark == later
        assert all(ticket.deleted_at for ticket in rows_of(batches, Table.TICKETS) if ticket.refunded_at is None)


def test_an_order_that_lost_its_last_ticket_is_still_said_to_be_whole() -> None:
    with qtickets() as sold:
        order = sold.office.sell(sold.office.orders[1001].created_at, 1, [500])
        sold.office.drop_basket(order, order.updated_at + timedelta(days=60))
        batches, _ = read(sold.source.fetch(delta(since=order.updated_at), report_name="load-1"))
        assert [batch.orders for batch in batches] == [{order.id}]
        assert rows_of(batches, Table.TICKETS) == []


def test_events_and_shows_with_their_own_day() -> None:
    with qtickets() as sold:
        batches, counters = read(sold.source.fetch(delta(stream=Stream.EVENTS), report_name="load-1"))
        events = {event.event_id: event for event in rows_of(batches, Table.EVENTS)}
        assert events[1].city == "Москва"
        assert events[2].city == "city:2"
        assert counters.findings["unknown_city"] == 3
        for show in rows_of(batches, Table.SHOWS):
            assert show.local_date == sold.office.events[show.event_id].shows[0].starts_at.date()
            assert show.utc_offset_min == 180


@pytest.mark.parametrize("legacy", [False, True], ids=["v2", "legacy"])
def test_a_window_of_vk_ads(legacy: bool) -> None:
    served = account("vk")
    served.beyond[FIRST] = Decimal("120.50")
    with vk_ads(served, legacy=legacy) as advertised:
        batches, counters = read(advertised.source.fetch(window(Source.VK_ADS, str(ACCOUNT)), report_name="load-1"))
        rows = rows_of(batches, Table.VK_ADS_DAILY)
        assert money_by_day(rows, "spent") == served.truth()
        assert [row.spent for row in rows if row.ad_id == 0] == [Decimal("120.50")]
        assert {row.source_api for row in rows} == {"legacy" if legacy else "v2"}
        labelled = next(row for row in rows if row.ad_id == served.ads[0].id)
        assert (labelled.utm_source, labelled.utm_city_raw, labelled.utm_day) == ("vk", "moskva", 1)
        assert {ad.ad_id for ad in rows_of(batches, Table.ADS)} == {ad.id for ad in served.ads}
        assert counters.findings["reconciliation_gap"] == 1


def test_a_window_of_direct_waits_for_its_reports() -> None:
    """A queued report is asked for again under its own name, and no list of ads is read meanwhile."""
    with direct() as advertised:
        advertised.simulator.polls = 2
        waits = []
        while True:
            try:
                batches, counters = read(advertised.source.fetch(window(Source.DIRECT, LOGIN), report_name="load-1"))
                break
            except NotReady as waiting:
                waits.append(waiting.retry_after)
                assert advertised.simulator.journal.count("ads") == 0
        rows = rows_of(batches, Table.DIRECT_DAILY)
        assert waits == [5.0] * 6
        assert len(advertised.simulator.reports) == 2
        assert money_by_day(rows, "cost") == advertised.account.truth()
        assert {row.vat_included for row in rows} == {1}
        assert counters.quota_left["units"] > 0
        assert counters.preliminary == {day for day in advertised.account.truth() if day >= date(2026, 11, 8)}


def test_ads_of_the_wizard_share_one_key_and_are_added_up() -> None:
    with direct() as advertised:
        advertised.simulator.wizard_ads = {ad.id for ad in advertised.account.ads}
        batches, _ = read(advertised.source.fetch(window(Source.DIRECT, LOGIN), report_name="load-1"))
        rows = rows_of(batches, Table.DIRECT_DAILY)
        keys = [(row.stat_date, row.campaign_id, row.ad_group_id, row.ad_id) for row in rows]
        assert len(keys) == len(set(keys))
        assert money_by_day(rows, "cost") == advertised.account.truth()


def test_more_ads_than_one_page_and_one_request() -> None:
    """Two hundred ads are four pages of a list; the request of statistics is halved until the source takes it."""
    served = account("vk", ads=130)
    with vk_ads(served) as advertised:
        advertised.simulator.most_ids = 40
        advertised.simulator.most_days = 4
        batches, _ = read(advertised.source.fetch(window(Source.VK_ADS, str(ACCOUNT)), report_name="load-1"))
        rows = rows_of(batches, Table.VK_ADS_DAILY)
        assert money_by_day(rows, "spent") == served.truth()
        assert len({(row.stat_date, row.ad_id) for row in rows}) == len(rows)


def test_an_account_on_which_nothing_happened() -> None:
    quiet = Account([], {(1, LAST): Figures()})
    quiet.days.clear()
    with vk_ads(quiet) as advertised:
        batches, counters = read(advertised.source.fetch(window(Source.VK_ADS, str(ACCOUNT)), report_name="load-1"))
        assert batches == []
        assert counters.covered_until is not None


def test_a_limit_that_is_nearly_used_up_is_a_finding() -> None:
    with direct() as advertised:
        advertised.simulator.units = 5_500
        _, counters = read(advertised.source.fetch(window(Source.DIRECT, LOGIN), report_name="load-1"))
        assert "quota_low" not in counters.findings
        advertised.simulator.units = 4_900
        _, counters = read(advertised.source.fetch(window(Source.DIRECT, LOGIN), report_name="load-2"))
        assert counters.findings["quota_low"] == 1
        assert counters.examples["quota_low"] == [f"units: {advertised.simulator.units} of 50000"]


def test_what_direct_leaves_unprocessed_is_asked_for_again() -> None:
    with direct() as advertised:
        campaigns = sorted({ad.campaign_id for ad in advertised.account.ads})
        since = datetime(2026, 11, 10, 21, tzinfo=UTC)
        times = iter([since + timedelta(hours=2), since + timedelta(hours=3)])
        advertised.simulator.clock = lambda: next(times)
        advertised.simulator.corrected = {
            campaigns[0]: (since, date(2026, 9, 9)),
            campaigns[1]: (since + timedelta(hours=1), date(2026, 8, 8)),
        }
        advertised.simulator.unprocessed = {campaigns[1]}
        found = advertised.source.corrections(LOGIN, since)
        assert found == Corrections(date(2026, 8, 8), since + timedelta(hours=2)), "nothing between the two is missed"
        assert advertised.simulator.journal.count("changes") == 2
        advertised.simulator.clock = lambda: since
        assert advertised.source.corrections(LOGIN, since + timedelta(hours=5)) == Corrections(None, since)


def test_vk_says_nothing_of_corrections() -> None:
    with vk_ads() as advertised:
        assert advertised.source.corrections(str(ACCOUNT), NOW) is None


def test_a_person_may_name_the_search_and_how_many_of_the_newest_are_read() -> None:
    row = ["20.11.2026", "Концерт 1", "Москва", "12", "24 000,00", "0"]
    with gmail() as mailbox:
        for number in range(3):
            mailbox.simulator.deliver(letter([row], NOW), NOW + timedelta(minutes=number))
        named = replace(delta(Source.GMAIL, Stream.MAIL), query="from:qtickets.ru", limit=2)
        batches, _ = read(mailbox.source.fetch(named, report_name="load-1"))
        sold = rows_of(batches, Table.MAIL_SALES)
        assert [one.msg_received_at for one in sold] == [NOW + timedelta(minutes=number) for number in (2, 1)]
        asked = [entry.detail["q"] for entry in mailbox.simulator.journal.entries() if entry.detail.get("q")]
        assert asked == ["(from:qtickets.ru)"]
        assert scope_of(scope_json(named)) == named

"""A load replaces exactly what it loaded, whatever came before."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest

from include.clients.clickhouse.warehouse import Warehouse
from include.common.errors import ContractBroken, NotReady, StopRun, Temporary
from include.sales.domain.rows import Table
from include.sales.domain.scopes import Kind, Scope, Source, Stream
from include.sales.state.state import SalesState
from include.sales.state.warehouse_rows import WarehouseRows
from include.sales.steps.load import Loaded, LoadOptions, LoadServices, load
from include.sales.steps.open_run import open_loads
from include.sales.wording.run_notes import sentence
from tests.kit.sales import NOW, ZONE, FakeSource, direct_day, refunded, ticket, vk_day

pytestmark = pytest.mark.postgres
OPTIONS = LoadOptions(shrink_share=0.2, shrink_keys=50)
DAY = date(2026, 11, 19)
WINDOW = Scope(Source.QTICKETS, Stream.ORDERS, Kind.WINDOW, "", DAY - timedelta(days=2), DAY)
DELTA = Scope(Source.QTICKETS, Stream.ORDERS, Kind.DELTA, changed_since=NOW - timedelta(days=30))
VK = Scope(Source.VK_ADS, Stream.STATS, Kind.WINDOW, "5", DAY - timedelta(days=2), DAY)


@pytest.fixture
def state(database: str) -> Iterator[SalesState]:
    with SalesState.open(database) as state:
        yield state


class Chain:
    """One run after another over the same warehouse."""

    def __init__(self, state: SalesState, warehouse: Warehouse, source: FakeSource) -> None:
        self.state, self.warehouse, self.source = state, warehouse, source
        self.rows = WarehouseRows(warehouse, ZONE)
        self.runs = 0

    def open(self, scope: Scope) -> int:
        self.state.leases.release(f"run-{self.runs}")
        self.runs += 1
        opened = open_loads([scope], f"run-{self.runs}", self.state, at_least=self.rows.highest_version())
        assert opened.postponed == ()
        return opened.load_ids[0]

    def work(self, load_id: int, options: LoadOptions = OPTIONS) -> Loaded:
        return load(load_id, LoadServices(self.state, self.rows, self.source), options)

    def run(self, scope: Scope, options: LoadOptions = OPTIONS) -> Loaded:
        return self.work(self.open(scope), options)

    def tickets(self) -> list[tuple[object, ...]]:
        return self.warehouse.rows(
            "SELECT order_id, basket_id, price FROM stg_qtickets_tickets FINAL ORDER BY order_id, basket_id"
        )


@pytest.fixture
def chain(state: SalesState, warehouse: Warehouse) -> Chain:
    return Chain(
        state, warehouse, FakeSource([ticket(1), ticket(2), ticket(2, 2), ticket(3, day=DAY - timedelta(days=1))])
    )


def test_the_same_window_again_leaves_identical_content(chain: Chain) -> None:
    first = chain.run(WINDOW)
    second = chain.run(WINDOW)
    assert (first.rows, first.tombstones, second.tombstones) == (4, 0, 0)
    assert second.load_id > first.load_id
    assert second.content_hash == first.content_hash
    assert len(chain.tickets()) == 4
    chain.warehouse.run("OPTIMIZE TABLE stg_qtickets_tickets FINAL")
    assert len(chain.tickets()) == 4


def test_what_is_absent_in_a_window_is_gone_and_comes_back(chain: Chain) -> None:
    chain.run(WINDOW)
    whole = chain.source.tickets
    chain.source.tickets = whole[:2]
    assert chain.run(WINDOW).tombstones == 2
    assert chain.tickets() == [(1, 1, Decimal("1000.00")), (2, 1, Decimal("1000.00"))]
    chain.source.tickets = whole
    chain.run(WINDOW)
    assert len(chain.tickets()) == 4


def test_a_window_touches_no_day_beside_it(chain: Chain) -> None:
    chain.source.tickets.append(ticket(9, day=DAY - timedelta(days=3)))
    chain.run(DELTA)
    chain.source.tickets = chain.source.tickets[:1]
    assert chain.run(WINDOW).tombstones == 3
    assert [row[0] for row in chain.tickets()] == [1, 9]


def test_in_a_delta_only_the_orders_that_came_lose_tickets(chain: Chain) -> None:
    """An absent order means nothing there; an absent ticket of an order that came does."""
    chain.run(DELTA)
    later = NOW + timedelta(minutes=1)
    chain.source.tickets = [ticket(2, order_updated_at=later)]
    loaded = chain.run(Scope(Source.QTICKETS, Stream.ORDERS, Kind.DELTA, changed_since=NOW))
    assert loaded.tombstones == 1
    assert [row[:2] for row in chain.tickets()] == [(1, 1), (2, 1), (3, 1)]


def test_an_answer_that_breaks_off_writes_nothing(chain: Chain) -> None:
    chain.run(WINDOW)
    before = chain.warehouse.rows("SELECT count(), max(_ver) FROM stg_qtickets_tickets")
    chain.source.batch = 1

    def trouble(number: int) -> None:
        if number == 2:
            raise Temporary("the connection was cut")

    chain.source.trouble = trouble
    load_id = chain.open(WINDOW)
    with pytest.raises(Temporary):
        chain.work(load_id)
    assert chain.warehouse.rows("SELECT count(), max(_ver) FROM stg_qtickets_tickets") == before
    chain.source.trouble = lambda _number: None
    assert chain.work(load_id).load_id == load_id, "nothing was written, so the number is still good"


def test_a_report_is_asked_for_under_one_name_until_the_load_ends(chain: Chain) -> None:
    """A new name would take a new place in the queue; an old one would give yesterday's copy."""
    answers = iter([NotReady("in the queue", retry_after=1)])

    def not_yet() -> None:
        for error in answers:
            raise error

    chain.source.before_answer = not_yet
    load_id = chain.open(WINDOW)
    with pytest.raises(NotReady):
        chain.work(load_id)
    chain.work(load_id)
    chain.run(WINDOW)
    first, second, third = chain.source.reports
    assert first == second != third


def test_a_window_that_shrank_is_not_written_until_a_person_says_so(chain: Chain) -> None:
    chain.source.tickets = [ticket(number) for number in range(100)]
    chain.run(WINDOW)
    chain.source.tickets = chain.source.tickets[:30]
    with pytest.raises(StopRun) as refused:
        chain.run(WINDOW)
    assert refused.value.code == "shrunk_window"
    assert len(chain.tickets()) == 100
    accepted = LoadOptions(shrink_share=0.2, shrink_keys=50, accept_shrink=True)
    assert chain.run(WINDOW, accepted).tombstones == 70
    assert len(chain.tickets()) == 30


def test_an_empty_answer_where_there_were_rows_is_refused(chain: Chain) -> None:
    chain.run(WINDOW)
    chain.source.tickets = []
    with pytest.raises(StopRun):
        chain.run(WINDOW)
    assert len(chain.tickets()) == 4


def test_pages_that_shifted_are_fetched_anew_at_once(chain: Chain) -> None:
    """The same load goes on, with what the second answer held and nothing of the first."""
    asked: list[int] = []

    def shifted_once() -> None:
        asked.append(1)
        chain.source.tickets = [one for one in chain.source.tickets if one.order_id != 9]
        if len(asked) == 1:
            chain.source.tickets += [ticket(9), ticket(9, price="1.00")]

    chain.source.before_answer = shifted_once
    load_id = chain.open(WINDOW)
    done = chain.work(load_id)
    assert (done.load_id, done.rows, len(asked)) == (load_id, 4, 2)
    assert done.amount == Decimal("4000.00")
    assert len(chain.tickets()) == 4


def test_a_key_that_comes_twice_again_ends_the_load(chain: Chain) -> None:
    """No third request, nothing written, no retry of the task; the sentence names a key."""
    asked: list[int] = []
    chain.source.before_answer = lambda: asked.append(1)
    chain.source.tickets.append(ticket(1, price="1.00"))
    load_id = chain.open(WINDOW)
    with pytest.raises(ContractBroken) as refused:
        chain.work(load_id)
    assert (refused.value.code, len(asked)) == ("paging_unstable", 2)
    assert "order_id 1, basket_id 1" in sentence(refused.value)
    assert (chain.tickets(), chain.state.loads.current(load_id).status) == ([], "failed")
    chain.source.tickets.pop()
    assert chain.work(load_id).rows == 4


def test_a_writer_that_wakes_late_loses(chain: Chain) -> None:
    """Its number is older: also against a tombstone, also after a merge."""
    early = chain.open(WINDOW)
    chain.source.tickets = chain.source.tickets[:1]
    chain.run(WINDOW)
    chain.rows.insert(Table.TICKETS, [ticket(1, price="5.00"), ticket(3)], early)
    chain.warehouse.run("OPTIMIZE TABLE stg_qtickets_tickets FINAL")
    assert chain.run(WINDOW).tombstones <= 1
    assert chain.tickets() == [(1, 1, Decimal("1000.00"))]


def test_a_lost_lease_stops_the_writer(chain: Chain) -> None:
    load_id = chain.open(WINDOW)
    chain.state.leases.release("run-1")
    assert chain.state.leases.take("qtickets", "", "another run")
    with pytest.raises(Temporary) as refused:
        chain.work(load_id)
    assert refused.value.code == "lease_taken"
    assert chain.tickets() == []


def test_of_two_runs_one_has_the_account(chain: Chain) -> None:
    chain.open(WINDOW)
    other = open_loads([WINDOW], "backfill", chain.state, at_least=0)
    assert (other.load_ids, other.postponed) == ((), ("qtickets",))


def test_an_account_of_ads_replaces_its_own_days_alone(chain: Chain) -> None:
    chain.source.days = [vk_day(DAY), vk_day(DAY, 2), vk_day(DAY, account=6)]
    chain.run(VK)
    chain.run(Scope(Source.VK_ADS, Stream.STATS, Kind.WINDOW, "6", DAY, DAY))
    chain.source.days = [vk_day(DAY, spent="120.50")]
    assert chain.run(VK).tombstones == 1
    shown = chain.warehouse.rows("SELECT account_id, ad_id, spent FROM fact_vk_ads_daily FINAL ORDER BY ALL")
    assert shown == [(5, 1, Decimal("120.50")), (6, 1, Decimal("100.00"))]


def test_every_day_of_a_window_is_covered_without_sales_too(chain: Chain) -> None:
    chain.run(WINDOW)
    covered = chain.warehouse.rows("SELECT day, rows, amount FROM load_coverage FINAL ORDER BY day")
    assert covered == [
        (DAY - timedelta(days=2), 0, Decimal("0.00")),
        (DAY - timedelta(days=1), 1, Decimal("1000.00")),
        (DAY, 3, Decimal("3000.00")),
    ]


def test_the_watermark_moves_when_the_rows_are_there(chain: Chain) -> None:
    assert chain.state.loads.watermark(Source.QTICKETS, Stream.ORDERS) is None
    chain.run(DELTA)
    assert chain.state.loads.watermark(Source.QTICKETS, Stream.ORDERS) == NOW


def test_numbers_rise_above_those_of_the_warehouse(chain: Chain) -> None:
    """PostgreSQL was restored from a copy that is older than ClickHouse."""
    chain.rows.insert(Table.TICKETS, [ticket(1, price="1.00")], 500)
    loaded = chain.run(WINDOW)
    assert loaded.load_id > 500
    assert chain.tickets()[0] == (1, 1, Decimal("1000.00"))


@pytest.mark.long
def test_a_first_load_of_many_months_writes_them_all(chain: Chain) -> None:
    chain.source.tickets = [ticket(n, day=date(2010, 1, 15) + timedelta(days=31 * n)) for n in range(180)]
    loaded = chain.run(Scope(Source.QTICKETS, Stream.ORDERS, Kind.WINDOW, "", date(2010, 1, 1), DAY))
    assert loaded.rows == len(chain.tickets()) == 180


def test_a_refund_books_on_its_own_day(chain: Chain) -> None:
    chain.source.tickets = [ticket(1, day=DAY - timedelta(days=1)), ticket(2, day=DAY - timedelta(days=1))]
    chain.run(WINDOW)
    chain.source.tickets[0] = refunded(chain.source.tickets[0], DAY, "900.00")
    chain.run(WINDOW)
    daily = chain.warehouse.rows("SELECT d, tickets, revenue, refunds, net_revenue FROM v_sales_daily ORDER BY d")
    assert daily == [
        (DAY - timedelta(days=1), 2, Decimal("2000.00"), Decimal("0.00"), Decimal("2000.00")),
        (DAY, -1, Decimal("0.00"), Decimal("900.00"), Decimal("-900.00")),
    ]


def test_direct_is_loaded_by_login(chain: Chain) -> None:
    chain.source.days = [direct_day(DAY), direct_day(DAY, login="other")]
    chain.run(Scope(Source.DIRECT, Stream.STATS, Kind.WINDOW, "ads", DAY, DAY))
    assert chain.warehouse.rows("SELECT account_login FROM fact_direct_daily FINAL") == [("ads",)]


def test_what_a_source_writes_into_a_label_comes_back_as_it_was(chain: Chain) -> None:
    """Rows are sent as lines of text: no character of a value divides a column or a row."""
    labels = ["two\tcolumns", "two\nrows\r", "\\N", "'\"` \\t", "Тур «Осень» \u2028 🎫", "\x01\x08\x0c", ""]
    chain.source.tickets = [ticket(number, utm_term=label) for number, label in enumerate(labels, 1)]
    assert chain.run(WINDOW).rows == len(labels)
    shown = chain.warehouse.rows("SELECT utm_term FROM stg_qtickets_tickets FINAL ORDER BY order_id")
    assert [label for (label,) in shown] == labels

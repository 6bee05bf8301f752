"""The sources fail, refuse, lie or change their form: a load gets a whole, true answer, or an error that says why.

Every answer is read through the real client and projection; the batches are those that would be written.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from include.clients.access_tokens import OwnTokens
from include.clients.vk_ads.vk_tokens import ClientTokens
from include.common.errors import (
    AccessDenied,
    ContractBroken,
    ExportError,
    LoadCode,
    NotReady,
    StopRun,
    Temporary,
    Throttled,
)
from include.sales.domain.letters import KnownEvent
from include.sales.domain.rows import MailSale, Table
from include.sales.domain.scopes import Batch, Counters, Kind, Scope, Source, Stream
from simulators.gmail.letters import SIGNED, letter
from tests.kit.sales_sources import (
    ACCOUNT,
    LOGIN,
    NOW,
    account,
    days_later,
    delta,
    direct,
    gmail,
    money_by_day,
    office,
    qtickets,
    read,
    rows_of,
    vk_ads,
    window,
)

ORDERS = window(Source.QTICKETS)
OPEN = Scope(Source.QTICKETS, Stream.OPEN_ORDERS, Kind.DELTA, last=NOW.date())
VK_DAYS = window(Source.VK_ADS, str(ACCOUNT))
DIRECT_DAYS = window(Source.DIRECT, LOGIN)
MAIL = delta(Source.GMAIL, Stream.MAIL)
ROW = ["20.11.2026", "Концерт 1", "Москва", "12", "24 000,00", "0"]


def refused(source: Any, scope: Any, kind: type[ExportError], code: LoadCode) -> ExportError:
    """The error of reading the scope; all but its code and class is for people."""
    with pytest.raises(kind) as caught:
        read(source.fetch(scope, report_name="load-1"))
    assert caught.value.code == code
    return caught.value


def whole(source: Any, scope: Any) -> tuple[list[Batch], Counters]:
    return read(source.fetch(scope, report_name="load-1"))


class TestQtickets:
    @pytest.mark.parametrize(
        ("status", "kind", "code"),
        [
            (401, AccessDenied, LoadCode.SOURCE_UNAUTHORIZED),
            (403, AccessDenied, LoadCode.SOURCE_FORBIDDEN),
            (422, ContractBroken, LoadCode.SOURCE_BAD_ANSWER),
        ],
    )
    def test_a_refusal_ends_the_load_at_once(self, status: int, kind: type[ExportError], code: LoadCode) -> None:
        with qtickets() as sold:
            sold.simulator.faults.add(
                "orders", "status", times=-1, status=status, body={"error": "no", "status": status}
            )
            refused(sold.source, ORDERS, kind, code)
            assert sold.simulator.journal.count("orders") == 1

    @pytest.mark.parametrize("status", [429, 503])
    def test_throttling_is_waited_out_as_the_source_says(self, status: int) -> None:
        with qtickets() as sold:
            sold.simulator.faults.add("orders", "status", times=3, status=status, headers={"Retry-After": "7"})
            batches, _ = whole(sold.source, ORDERS)
            assert sold.pauses.slept == [7.0] * 3
            assert len(sold.pauses.refusals) == 3
            assert {order for batch in batches for order in batch.orders} == set(sold.office.orders)

    def test_a_long_wait_is_given_back_to_the_caller(self) -> None:
        with qtickets() as sold:
            sold.simulator.faults.add("orders", "status", times=-1, status=429, headers={"Retry-After": "900"})
            assert refused(sold.source, ORDERS, Throttled, LoadCode.SOURCE_THROTTLED).retry_after == 900
            assert sold.pauses.slept == []

    @pytest.mark.parametrize(
        ("what", "options"),
        [
            ("status", {"status": 500}),
            ("html200", {}),
            ("empty", {}),
            ("truncate", {}),
            ("short", {}),
            ("drop_connection", {}),
            ("redirect", {"url": "/login"}),
            ("hang", {}),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_a_broken_answer_is_asked_for_again(self, what: str, options: dict[str, Any]) -> None:
        with qtickets(timeout=0.3) as sold:
            sold.simulator.faults.add("orders", what, after=1, **options)
            batches, _ = whole(sold.source, ORDERS)
            assert sold.pauses.slept == [2.0]
            assert {order for batch in batches for order in batch.orders} == set(sold.office.orders)

    def test_a_source_that_stays_broken_ends_the_attempt(self) -> None:
        with qtickets() as sold:
            sold.simulator.faults.add("orders", "html200", times=-1)
            refused(sold.source, ORDERS, Temporary, LoadCode.SOURCE_BAD_ANSWER)
            assert sold.simulator.journal.count("orders") == 4

    @pytest.mark.parametrize("scope", [ORDERS, delta(since=days_later(-3))], ids=["window", "delta"])
    def test_an_ignored_filter_is_noticed_and_done_without(self, scope: Any) -> None:
        box_office = office()
        old = box_office.sell(days_later(-500), 1, [500])  # with a higher id than the orders of the window
        with qtickets(box_office) as sold:
            truly, _ = whole(sold.source, scope)
            sold.simulator.ignored_columns = {"created_at", "updated_at"}
            batches, counters = whole(sold.source, scope)
            assert counters.findings["filter_ignored"] == 1
            assert sorted(rows_of(batches, Table.TICKETS)) == sorted(rows_of(truly, Table.TICKETS))
            assert old.id not in {order for batch in batches for order in batch.orders}

    def test_a_proxy_that_loses_the_body_of_a_get_is_named(self) -> None:
        """Else page one of the whole history would look like the answer, again and again."""
        with qtickets(office(250)) as sold:
            sold.simulator.loses_bodies = True
            error = refused(sold.source, delta(), ContractBroken, LoadCode.FILTER_IGNORED)
            assert error.problem == "source_loses_body"

    def test_an_order_that_vanishes_between_pages_is_unstable_paging(self) -> None:
        with qtickets(office(250)) as sold:
            first = min(sold.office.orders)
            sold.simulator.between_pages = lambda page: page == 1 and sold.office.orders.pop(first, None)
            refused(sold.source, ORDERS, Temporary, LoadCode.PAGING_UNSTABLE)
            whole(sold.source, ORDERS)

    def test_a_count_that_lies_is_unstable_paging(self) -> None:
        with qtickets() as sold:
            sold.simulator.adds_to_total = 3
            refused(sold.source, ORDERS, Temporary, LoadCode.PAGING_UNSTABLE)

    def test_an_id_that_comes_twice_is_unstable_paging(self) -> None:
        with qtickets() as sold:
            sold.simulator.repeats_rows = True
            refused(sold.source, ORDERS, Temporary, LoadCode.PAGING_UNSTABLE)

    def test_numbers_that_are_ignored_are_asked_for_one_by_one(self) -> None:
        named = [1003, 1001, 99]
        with qtickets(open_orders=lambda _last: named) as sold:
            listed, counters = whole(sold.source, OPEN)
            assert ({order for batch in listed for order in batch.orders}, counters.findings) == ({1001, 1003}, {})
            sold.simulator.ignored_columns = {"id"}
            batches, counters = whole(sold.source, OPEN)
            assert sorted(rows_of(batches, Table.TICKETS)) == sorted(rows_of(listed, Table.TICKETS))
            assert counters.findings == {"filter_ignored": 1}
            sold.simulator.faults.add("orders", "status", times=3, status=503, headers={"Retry-After": "7"})
            assert sorted(rows_of(whole(sold.source, OPEN)[0], Table.TICKETS)) == sorted(rows_of(listed, Table.TICKETS))

    def test_an_empty_answer_is_an_answer(self) -> None:
        """Whether an empty window is believed is for the load to say."""
        with qtickets(office(0)) as sold:
            batches, counters = whole(sold.source, ORDERS)
            assert (batches, counters.source_rows) == ([], 0)
            assert counters.covered_until == NOW

    def test_an_unreadable_order_stops_a_window_and_is_left_out_of_a_delta(self) -> None:
        with qtickets() as sold:
            broken = sold.office.sell(days_later(0), 1, ["NaN"])
            assert f"order {broken.id}" in str(refused(sold.source, ORDERS, ContractBroken, LoadCode.BAD_ROW))
        with qtickets() as sold:
            broken = sold.office.sell(days_later(0), 1, ["NaN"])
            batches, counters = whole(sold.source, delta(since=days_later(-1)))
            assert counters.findings["bad_row"] == counters.bad_rows == 1
            assert broken.id not in {order for batch in batches for order in batch.orders}

    def test_a_refund_without_an_amount_is_the_whole_price(self) -> None:
        with qtickets(office(0)) as sold:
            order = sold.office.sell(days_later(-1), 1, [800, 500])
            sold.office.refund(order, days_later(3), silent=True)
            first, second = rows_of(whole(sold.source, ORDERS)[0], Table.TICKETS)
            assert (first.refunded_amount, first.refund_assumed) == (Decimal(800), 1)
            assert (second.refunded_amount, second.refund_assumed, second.refund_date) == (Decimal(0), 0, None)
            assert first.sale_date < first.refund_date

    def test_a_deleted_refund_keeps_its_sale_and_a_deletion_takes_it(self) -> None:
        with qtickets(office(0)) as sold:
            returned = sold.office.sell(days_later(-1), 1, [800])
            sold.office.refund(returned, days_later(1))
            sold.office.delete(returned, days_later(1))
            deleted = sold.office.sell(days_later(-1), 1, [800])
            sold.office.delete(deleted, days_later(1))
            kept, gone = rows_of(whole(sold.source, ORDERS)[0], Table.TICKETS)
            assert (kept.deleted_at, gone.deleted_at) == (None, days_later(1))

    def test_odd_prices_and_foreign_money_are_kept_and_reported(self) -> None:
        with qtickets(office(0)) as sold:
            odd = sold.office.sell(days_later(-1), 1, [800, 500])
            odd.odd_by = Decimal(17)
            abroad = sold.office.sell(days_later(-1), 1, [20], currency="USD")
            batches, counters = whole(sold.source, ORDERS)
            rows = rows_of(batches, Table.TICKETS)
            assert [row.price_mismatch for row in rows] == [1, 1, 0]
            assert rows[-1].currency == "USD"
            assert counters.examples == {
                "price_mismatch": [f"order {odd.id}"],
                "foreign_currency": [f"order {abroad.id}: USD"],
            }

    def test_an_order_moves_to_another_event_and_an_event_is_renamed(self) -> None:
        with qtickets() as sold:
            order = next(iter(sold.office.orders.values()))
            order.event_id, order.updated_at = 4, days_later(9)
            sold.office.events[4].name = "Новое имя"
            moved = rows_of(whole(sold.source, delta(since=days_later(9)))[0], Table.TICKETS)
            assert {row.event_id for row in moved} == {4}
            events = rows_of(whole(sold.source, delta(stream=Stream.EVENTS))[0], Table.EVENTS)
            assert next(event.name for event in events if event.event_id == 4) == "Новое имя"

    def test_nothing_but_get_is_ever_sent(self) -> None:
        """The token can refund and mark people as entered."""
        with qtickets() as sold:
            sold.source.check_access()
            whole(sold.source, ORDERS)
            whole(sold.source, delta(stream=Stream.EVENTS))
            assert [entry.error for entry in sold.simulator.journal.entries()] == [""] * 4


class TestVkAds:
    def test_the_sixth_token_is_refused_with_what_to_do(self) -> None:
        with vk_ads() as advertised:
            for _ in range(5):
                advertised.simulator.issue(ACCOUNT)
            error = refused(advertised.source, VK_DAYS, StopRun, LoadCode.TOKEN_LIMIT)
            assert error.problem == "vk_token_limit"

    def test_a_token_that_expires_during_a_load_is_renewed_once(self) -> None:
        with vk_ads(account("vk", ads=130)) as advertised:
            fetched = advertised.source.fetch(VK_DAYS, report_name="load-1")
            batches = [next(fetched.batches)]
            advertised.simulator.expire_tokens()
            batches += fetched.batches
            assert money_by_day(rows_of(batches, Table.VK_ADS_DAILY), "spent") == advertised.account.truth()
            assert len(advertised.simulator.tokens) == 1
            assert advertised.simulator.journal.count("oauth2/token") == 2

    def test_two_tasks_renew_one_token_once(self) -> None:
        """The second finds the token that the first has renewed: renewing again would end the first one's."""
        store = OwnTokens()
        with vk_ads(store=store) as advertised:
            assert isinstance(advertised.tokens, ClientTokens)
            first = advertised.tokens.current()
            renewed = advertised.tokens.renewed(first)
            assert advertised.tokens.renewed(first) == renewed != first
            assert list(advertised.simulator.tokens) == [renewed]

    def test_a_wrong_client_is_an_access_that_is_refused(self) -> None:
        with vk_ads() as advertised:
            advertised.simulator.client_secret = "another"
            refused(advertised.source, VK_DAYS, AccessDenied, LoadCode.SOURCE_UNAUTHORIZED)

    def test_a_ready_token_that_is_revoked_cannot_be_renewed(self) -> None:
        with vk_ads(ready_token=True) as advertised:
            advertised.simulator.tokens.clear()
            refused(advertised.source, VK_DAYS, AccessDenied, LoadCode.SOURCE_UNAUTHORIZED)

    @pytest.mark.parametrize(("window_name", "seconds"), [("hourly", 3600.0), ("daily", 43_200.0)])
    def test_an_exhausted_limit_is_waited_for_outside(self, window_name: str, seconds: float) -> None:
        """NOW is noon in Moscow: the hour ends in an hour, the day in twelve."""
        with vk_ads() as advertised:
            setattr(advertised.simulator, window_name, 1)
            error = refused(advertised.source, VK_DAYS, Throttled, LoadCode.SOURCE_THROTTLED)
            assert error.retry_after == seconds

    def test_one_unknown_ad_of_many_costs_that_ad_alone(self) -> None:
        """Its money is still there: it is what the account's total has beyond its ads."""
        with vk_ads(account("vk", ads=60)) as advertised:
            lost = advertised.account.ads[17].id
            advertised.simulator.unknown_ads = {lost}
            batches, counters = whole(advertised.source, VK_DAYS)
            rows = rows_of(batches, Table.VK_ADS_DAILY)
            assert lost not in {row.ad_id for row in rows}
            assert money_by_day(rows, "spent") == advertised.account.truth()
            assert counters.examples["bad_row"] == [f"ad {lost}"]
            assert counters.findings["reconciliation_gap"] > 0

    def test_deleted_ads_keep_their_money(self) -> None:
        with vk_ads() as advertised:
            for ad in advertised.account.ads[:3]:
                ad.status = "deleted"
            batches, counters = whole(advertised.source, VK_DAYS)
            rows = rows_of(batches, Table.VK_ADS_DAILY)
            assert {ad.id for ad in advertised.account.ads} == {row.ad_id for row in rows}
            assert counters.findings["reconciliation_gap"] == 0

    def test_money_that_is_no_money_stops_the_load(self) -> None:
        with vk_ads() as advertised:
            item = {"id": ACCOUNT, "rows": [{"date": "2026-11-02", "base": {"shows": 1, "clicks": 0, "spent": "1 2"}}]}
            advertised.simulator.faults.add("statistics/users/day", "body", body={"items": [item]})
            refused(advertised.source, VK_DAYS, ContractBroken, LoadCode.BAD_ROW)

    def test_statistics_of_an_ad_that_was_not_asked_for_are_no_data(self) -> None:
        with vk_ads() as advertised:
            advertised.simulator.strangers = True
            refused(advertised.source, VK_DAYS, ContractBroken, LoadCode.FILTER_IGNORED)

    def test_pages_that_shift_are_unstable_paging(self) -> None:
        with vk_ads(account("vk", ads=130)) as advertised:
            advertised.simulator.repeats_rows = True
            refused(advertised.source, VK_DAYS, Temporary, LoadCode.PAGING_UNSTABLE)

    def test_an_account_that_is_gone_is_named(self) -> None:
        with vk_ads() as advertised:
            advertised.simulator.gone = {ACCOUNT}
            refused(advertised.source, VK_DAYS, StopRun, LoadCode.ACCOUNT_GONE)

    @pytest.mark.parametrize(
        ("code", "kind", "meaning"),
        [
            (5, AccessDenied, LoadCode.SOURCE_UNAUTHORIZED),
            (7, AccessDenied, LoadCode.SOURCE_FORBIDDEN),
            (601, Throttled, LoadCode.SOURCE_THROTTLED),
            (100, StopRun, LoadCode.ACCOUNT_GONE),
            (10, Temporary, LoadCode.SOURCE_UNAVAILABLE),
        ],
    )
    def test_legacy_errors_come_with_200(self, code: int, kind: type[ExportError], meaning: LoadCode) -> None:
        with vk_ads(legacy=True) as advertised:
            body = {"error": {"error_code": code, "error_msg": "simulated"}}
            advertised.simulator.faults.add("ads.getStatistics", "body", times=-1, body=body)
            refused(advertised.source, VK_DAYS, kind, meaning)


class TestDirect:
    def test_a_killed_task_asks_for_the_same_report(self) -> None:
        """The name is the load's, so the second attempt takes no new place in the queue."""
        with direct() as advertised:
            advertised.simulator.polls = 1
            for _ in range(2):
                refused(advertised.source, DIRECT_DAYS, NotReady, LoadCode.REPORT_NOT_READY)
            assert len(advertised.simulator.reports) == 1

    def test_another_load_does_not_get_the_stored_copy(self) -> None:
        with direct() as advertised:
            whole(advertised.source, DIRECT_DAYS)
            key, figures = next(iter(advertised.account.days.items()))
            advertised.account.days[key] = type(figures)(figures.shows, figures.clicks, Decimal("7.77"))
            stale = rows_of(whole(advertised.source, DIRECT_DAYS)[0], Table.DIRECT_DAILY)
            fresh = rows_of(read(advertised.source.fetch(DIRECT_DAYS, report_name="load-2"))[0], Table.DIRECT_DAILY)
            assert money_by_day(stale, "cost") != advertised.account.truth()
            assert money_by_day(fresh, "cost") == advertised.account.truth()

    def test_a_full_queue_is_waited_for_without_a_slot(self) -> None:
        with direct() as advertised:
            advertised.simulator.queue_full = True
            assert refused(advertised.source, DIRECT_DAYS, NotReady, LoadCode.REPORT_QUEUE_FULL).retry_after == 60
            assert advertised.pauses.slept == []

    def test_a_bad_request_is_no_full_queue(self) -> None:
        with direct() as advertised:
            advertised.simulator.error = 4000
            refused(advertised.source, DIRECT_DAYS, ContractBroken, LoadCode.SOURCE_BAD_ANSWER)

    def test_a_report_that_is_too_heavy_is_ordered_in_halves(self) -> None:
        with direct() as advertised:
            advertised.simulator.heavy_days = 3
            batches, _ = whole(advertised.source, DIRECT_DAYS)
            rows = rows_of(batches, Table.DIRECT_DAILY)
            assert money_by_day(rows, "cost") == advertised.account.truth()
            assert len(rows) == len({row[:5] for row in rows})

    @pytest.mark.parametrize("body", ['{"result": {}}', "<html>maintenance</html>"], ids=["json", "page"])
    def test_200_without_a_report_is_an_error(self, body: str) -> None:
        with direct() as advertised:
            advertised.simulator.faults.add("reports", "status", times=-1, status=200, body=body)
            refused(advertised.source, DIRECT_DAYS, Temporary, LoadCode.SOURCE_BAD_ANSWER)

    @pytest.mark.parametrize("what", ["truncate", "short"])
    def test_half_a_report_is_noticed(self, what: str) -> None:
        with direct() as advertised:
            advertised.simulator.faults.add("reports", what, after=2, times=-1)
            error = refused_with_any_code(advertised.source)
            assert isinstance(error, Temporary)

    def test_a_row_that_is_missing_is_noticed(self) -> None:
        with direct() as advertised:
            advertised.simulator.drops_last_row = True
            refused(advertised.source, DIRECT_DAYS, Temporary, LoadCode.SOURCE_BAD_ANSWER)

    def test_rows_out_of_the_order_of_days_are_no_data(self) -> None:
        with direct() as advertised:
            advertised.simulator.reverses_days = True
            refused(advertised.source, DIRECT_DAYS, ContractBroken, LoadCode.FILTER_IGNORED)

    def test_a_column_that_is_gone_is_named(self) -> None:
        with direct() as advertised:
            heading = "Date\tImpressions\tClicks\nTotal rows: 0\n"
            advertised.simulator.faults.add("reports", "status", times=-1, status=200, body=heading)
            error = refused(advertised.source, DIRECT_DAYS, ContractBroken, LoadCode.SCHEMA_DRIFT)
            assert error.facts["fields"] == "Cost"

    @pytest.mark.parametrize(
        ("code", "kind", "meaning"),
        [
            (53, AccessDenied, LoadCode.SOURCE_UNAUTHORIZED),
            (54, AccessDenied, LoadCode.SOURCE_FORBIDDEN),
            (152, Throttled, LoadCode.UNITS_EXHAUSTED),
            (513, StopRun, LoadCode.ACCOUNT_GONE),
            (1002, Temporary, LoadCode.SOURCE_UNAVAILABLE),
        ],
    )
    def test_each_code_says_what_to_do_next(self, code: int, kind: type[ExportError], meaning: LoadCode) -> None:
        with direct() as advertised:
            advertised.simulator.error = code
            refused(advertised.source, DIRECT_DAYS, kind, meaning)

    def test_units_that_are_gone_are_waited_for_outside(self) -> None:
        with direct() as advertised:
            advertised.simulator.units = 0
            assert refused(advertised.source, DIRECT_DAYS, Throttled, LoadCode.UNITS_EXHAUSTED).retry_after == 3600

    def test_more_ads_than_a_page(self) -> None:
        with direct(account("yandex", seed=2, ads=25)) as advertised:
            advertised.simulator.page = 7
            batches, _ = whole(advertised.source, DIRECT_DAYS)
            assert {ad.ad_id for ad in rows_of(batches, Table.ADS)} == {ad.id for ad in advertised.account.ads}


def refused_with_any_code(source: Any) -> ExportError:
    with pytest.raises(ExportError) as caught:
        read(source.fetch(DIRECT_DAYS, report_name="load-1"))
    return caught.value


class TestGmail:
    def sold(self, batches: list[Batch]) -> list[MailSale]:
        return rows_of(batches, Table.MAIL_SALES)

    def test_a_revoked_consent_ends_the_run_with_what_to_do(self) -> None:
        with gmail() as mailbox:
            mailbox.simulator.revoked = True
            assert refused(mailbox.source, MAIL, AccessDenied, LoadCode.MAIL_AUTH).problem == "mail_access_ended"

    def test_an_access_token_that_ends_is_renewed(self) -> None:
        with gmail() as mailbox:
            mailbox.simulator.deliver(letter([ROW], NOW), NOW)
            mailbox.source.check_access()
            mailbox.simulator.access_tokens.clear()
            assert len(self.sold(whole(mailbox.source, MAIL)[0])) == 1

    def test_the_second_page_is_read_and_the_quota_is_waited_out(self) -> None:
        with gmail() as mailbox:
            mailbox.simulator.page = 2
            for number in range(5):
                mailbox.simulator.deliver(letter([ROW], NOW), NOW + timedelta(minutes=number))
            reason = {"error": {"code": 429, "message": "slow", "errors": [{"reason": "rateLimitExceeded"}]}}
            mailbox.simulator.faults.add("messages", "status", status=429, body=reason, headers={"Retry-After": "3"})
            assert len(self.sold(whole(mailbox.source, MAIL)[0])) == 5
            assert mailbox.pauses.slept == [3.0]

    @pytest.mark.parametrize(
        "options",
        [
            {"results": None},
            {"results": "mx.google.com; dkim=none; spf=pass smtp.mailfrom=robot@qtickets.ru"},
            {"results": "mx.google.com; dkim=fail header.i=@qtickets.ru", "forged": SIGNED},
            {"results": "mx.google.com; dkim=pass header.i=@qtickets.ru.example.org"},
            {"results": "mx.google.com; dkim=fail (dkim=pass header.i=@qtickets.ru)"},
            {"results": "mx.example.org; dkim=pass header.i=@qtickets.ru"},
            {"results": None, "forged": "mx.example.org; dkim=pass header.i=@qtickets.ru"},
        ],
    )
    def test_a_forged_sender_is_not_counted(self, options: dict[str, Any]) -> None:
        with gmail() as mailbox:
            mailbox.simulator.deliver(letter([ROW], NOW, **options), NOW)
            batches, counters = whole(mailbox.source, MAIL)
            assert self.sold(batches) == []
            assert counters.findings["mail_untrusted"] == 1

    @pytest.mark.parametrize(
        "options",
        [
            {"encoding": "cp1251"},
            {"encoding": "utf-16"},
            {"encoding": "utf-8"},
            {"delimiter": ","},
            {"delimiter": "\t"},
            {"form": "html"},
        ],
        ids=str,
    )
    def test_encodings_delimiters_and_tables_read_the_same(self, options: dict[str, Any]) -> None:
        known = KnownEvent(1, "Концерт 1", "Москва", date(2026, 11, 20))
        totals = ["", "Итого", "", "12", "24 000,00", "0"]
        with gmail([known]) as mailbox:
            mailbox.simulator.deliver(letter([ROW, totals], NOW, **options), NOW)
            batches, counters = whole(mailbox.source, MAIL)
            (row,) = self.sold(batches)
            assert (row.event_date, row.event_id, row.event_name, row.city) == (
                date(2026, 11, 20),
                1,
                "Концерт 1",
                "Москва",
            )
            assert (row.tickets_sold, row.revenue, row.refunds, row.currency) == (12, Decimal(24000), Decimal(0), "RUB")
            assert row.msg_received_at == NOW
            assert counters.findings == {}

    @pytest.mark.parametrize(
        "options",
        [
            {"rows": [["11/28/2026", *ROW[1:]]]},
            {"rows": [ROW, [*ROW[:3], "много", *ROW[4:]]]},
            {"rows": [ROW], "form": "xlsx"},
            {"rows": [ROW], "form": "none"},
            {"rows": [], "form": "csv"},
            {"rows": [ROW], "headings": ("a", "b", "c", "d", "e", "f")},
        ],
        ids=["month before day", "no number", "spreadsheet", "no table", "no row", "other headings"],
    )
    def test_what_cannot_be_read_refuses_its_letter_and_not_the_run(self, options: dict[str, Any]) -> None:
        rows = options.pop("rows")
        with gmail() as mailbox:
            mailbox.simulator.deliver(letter(rows, NOW, **options), NOW)
            mailbox.simulator.deliver(letter([ROW], NOW), NOW)
            batches, counters = whole(mailbox.source, MAIL)
            assert [row.msg_id for row in self.sold(batches)] == [mailbox.simulator.letters[1].id]
            assert counters.findings["mail_unparsed"] == 1

    def test_a_row_of_an_unknown_event_is_kept_and_reported(self) -> None:
        with gmail([KnownEvent(1, "Другое", "Москва", date(2026, 11, 20))]) as mailbox:
            mailbox.simulator.deliver(letter([ROW], NOW), NOW)
            batches, counters = whole(mailbox.source, MAIL)
            assert self.sold(batches)[0].event_id == 0
            assert counters.findings["reserve_unmatched"] == 1

    def test_a_letter_that_is_too_large_is_not_read(self) -> None:
        with gmail() as mailbox:
            mailbox.simulator.deliver(letter([ROW], NOW) + b"x" * 10_485_760, NOW)
            batches, counters = whole(mailbox.source, MAIL)
            assert (self.sold(batches), counters.findings["mail_unparsed"]) == ([], 1)
            assert not [entry for entry in mailbox.simulator.journal.entries() if entry.detail.get("format") == "raw"]

    def test_the_search_is_bound_in_time_as_a_whole(self) -> None:
        with gmail() as mailbox:
            mailbox.simulator.deliver(letter([ROW], NOW), NOW - timedelta(days=30))
            scope = delta(Source.GMAIL, Stream.MAIL, since := NOW - timedelta(days=7))
            after = f"after:{int(since.timestamp())}"
            assert whole(mailbox.source, scope)[0] == []
            assert mailbox.source.search(scope) == f"((subject:QTickets OR from:qtickets.ru)) {after}"
            assert mailbox.source.search(replace(scope, query="a OR b")) == f"(a OR b) {after}"


BODIES: list[Callable[[], Any]] = [qtickets, vk_ads, direct, gmail]


@pytest.mark.parametrize("opened", BODIES, ids=["qtickets", "vk_ads", "direct", "gmail"])
def test_no_error_and_no_log_has_a_secret_or_a_buyer(
    opened: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """What a source says of a refusal may quote the token and the buyer."""
    import logging

    said = {"error": "token simulated-qtickets-token Bearer abcdefgh12345678 canary-buyer@example.org +79100000017"}
    caplog.set_level(logging.DEBUG)
    with opened() as simulated:
        simulated.simulator.faults.add("*", "status", times=-1, status=400, body=said)
        with pytest.raises(ExportError) as caught:
            simulated.source.check_access()
    shown = f"{caught.value} {caught.value.facts} {caught.value.__context__} {caplog.text}"
    for secret in ("abcdefgh12345678", "canary-buyer", "9100000017", "simulated-vk-secret", "simulated-google-secret"):
        assert secret not in shown

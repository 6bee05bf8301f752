"""Backups of the warehouse, alerts and the health page, on a real engine."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from include.clients.clickhouse.warehouse import Warehouse, WarehouseSettings
from include.common.errors import BadInput, LoadCode, Permanent, Temporary
from include.sales.domain.cities import Cities
from include.sales.domain.jobs import DIRECT
from include.sales.domain.rows import Coverage, Table
from include.sales.domain.scopes import Kind, Scope, Source, Stream
from include.sales.policy import KeepingPolicy, load_sales_policy
from include.sales.state import source_figures, warehouse_schema
from include.sales.state.pruning import Pruned
from include.sales.state.pruning import prune as prune_work
from include.sales.state.source_pace import SharedPace
from include.sales.state.state import SalesState
from include.sales.state.warehouse_rows import WarehouseRows
from include.sales.steps.close_run import close_run
from include.sales.steps.copy_logs import copy_logs
from include.sales.steps.notify import notify
from include.sales.steps.open_run import open_loads
from include.sales.steps.warehouse_backup import back_up, contents, prune, restore_check, verify
from include.sales.steps.warehouse_restore import compare, restore
from include.sales.steps.watch import watch
from include.sales.steps.watch_tokens import GivenToken, watch_tokens
from tests.kit.sales import ZONE, ticket

pytestmark = pytest.mark.postgres
DAY = timedelta(days=1)
TEN_DAYS = KeepingPolicy(loads_days=10, events_days=10, runs_days=10, alerts_days=10)


@pytest.fixture
def state(database: str) -> Iterator[SalesState]:
    with SalesState.open(database) as state:
        yield state


@pytest.fixture
def rows(warehouse: Warehouse) -> WarehouseRows:
    found = WarehouseRows(warehouse, ZONE)
    found.insert(Table.TICKETS, [ticket(number) for number in range(1, 50)], 1)
    return found


def backed_up(state: SalesState, warehouse: Warehouse, at: datetime, mode: str = "auto") -> str:
    return back_up(state, warehouse, disk="backups", mode=mode, now=at, full_hour=2)  # type: ignore[arg-type]


def test_a_full_and_an_incremental_backup_restore_to_what_they_held(
    state: SalesState, warehouse: Warehouse, rows: WarehouseRows
) -> None:
    now = datetime.now(UTC)
    full = backed_up(state, warehouse, now)
    rows.insert(Table.TICKETS, [ticket(100)], 2)
    incremental = backed_up(state, warehouse, now + timedelta(seconds=1))
    verify(state, incremental)
    assert (full[-4:], incremental[-4:]) == ("full", "incr")
    assert restore_check(state, warehouse, disk="backups").backup == incremental
    older = restore_check(state, warehouse, disk="backups", name=full)
    assert older.manifest["stg_qtickets_tickets"]["rows"] == 49
    assert warehouse.value("SELECT count() FROM system.databases WHERE name = 'zakaz_restore'") == 0


def test_one_changed_row_is_found(state: SalesState, warehouse: Warehouse, rows: WarehouseRows) -> None:
    """A comparison by count alone, or by a hash that is NULL, would pass."""
    before = contents(warehouse, warehouse.database)
    rows.insert(Table.TICKETS, [ticket(1, price="1000.01")], 3)
    after = contents(warehouse, warehouse.database)
    table = "stg_qtickets_tickets"
    assert before[table]["rows"] == after[table]["rows"]
    assert before[table]["hash"] != after[table]["hash"]


def test_a_chain_without_its_base_is_not_verified(state: SalesState, warehouse: Warehouse, rows: WarehouseRows) -> None:
    now = datetime.now(UTC)
    full = backed_up(state, warehouse, now + timedelta(seconds=10), "full")
    incremental = backed_up(state, warehouse, now + timedelta(seconds=11))
    state.backups.pruned(full)
    with pytest.raises(Permanent) as refused:
        verify(state, incremental)
    assert refused.value.code == "backup_missing"


def restored(state: SalesState, warehouse: Warehouse, name: str, *tables: str) -> None:
    restore(state, warehouse, disk="backups", name=name, tables=tables, timezone="Europe/Moscow", holder="restore-run")


def shown(warehouse: Warehouse) -> list[tuple[object, ...]]:
    return warehouse.rows("SELECT order_id, price FROM stg_qtickets_tickets FINAL ORDER BY order_id")


def test_a_restore_puts_back_what_the_backup_held(state: SalesState, warehouse: Warehouse, rows: WarehouseRows) -> None:
    orders = Scope(Source.QTICKETS, Stream.ORDERS, Kind.DELTA)
    (load_id,) = open_loads([orders], "r1", state, at_least=5).load_ids
    state.leases.release("r1")
    held = shown(warehouse)
    name = backed_up(state, warehouse, datetime.now(UTC) + timedelta(seconds=20), "full")
    state.loads.advance_watermark(state.loads.current(load_id), datetime(2100, 1, 1, tzinfo=UTC))
    rows.insert(Table.TICKETS, [ticket(1, price="7.00"), ticket(77)], 6)
    warehouse.run("DROP TABLE dim_city_alias")

    found = {one.table: one for one in compare(state, warehouse, name=name, tables=()).tables}
    tickets = found["stg_qtickets_tickets"]
    assert (tickets.in_backup, tickets.now, tickets.same) == (49, 50, False)
    assert (found["dim_events"].same, found["dim_city_alias"].now) == (True, 0)
    assert [one.table for one in compare(state, warehouse, name=name, tables=["dim_ads"]).tables] == ["dim_ads"]
    with pytest.raises(BadInput):
        compare(state, warehouse, name=name, tables=["v_tickets"])

    assert state.leases.take("qtickets", "", "a-load")
    with pytest.raises(Temporary):
        restored(state, warehouse, name)
    assert len(shown(warehouse)) == 50, "nothing is exchanged while a load works"
    state.leases.release("a-load")

    restored(state, warehouse, name)
    assert shown(warehouse) == held
    assert warehouse.value("SELECT count() FROM dim_city_alias") == 0
    assert warehouse.value("SELECT count() FROM v_tickets") == 49
    assert warehouse.value("SELECT count() FROM zakaz_restore.stg_qtickets_tickets FINAL") == 50, "a way back"
    mark = state.loads.watermark(Source.QTICKETS, Stream.ORDERS)
    assert mark is not None
    assert mark <= datetime.now(UTC), "the next delta reads what changed since the backup"
    assert state.leases.take("qtickets", "", "the-next-load")
    restored_again = compare(state, warehouse, name=name, tables=())
    assert all(one.same for one in restored_again.tables)
    warehouse.run("DROP DATABASE zakaz_restore")


def test_old_backups_are_removed_where_their_disk_can_be_reached(
    state: SalesState, warehouse: Warehouse, rows: WarehouseRows, tmp_path: Path
) -> None:
    now, policy = datetime.now(UTC), load_sales_policy({})
    full = backed_up(state, warehouse, now + timedelta(seconds=30), "full")
    incremental = backed_up(state, warehouse, now + timedelta(seconds=31))
    newest = backed_up(state, warehouse, now + timedelta(seconds=32), "full")
    for name in (full, incremental):
        (tmp_path / name).mkdir()
    later = now + timedelta(days=8)
    assert prune(state, policy, None, later) == ([], [incremental])
    assert {one.backup for one in state.backups.living()} == {full, incremental, newest}
    assert prune(state, policy, tmp_path, later) == ([incremental], [])
    assert [path.name for path in tmp_path.iterdir()] == [full]
    assert prune(state, policy, tmp_path, now + timedelta(days=29)) == ([full], [])
    assert prune(state, policy, tmp_path, now + timedelta(days=90)) == ([], [])
    assert [one.backup for one in state.backups.living()] == [newest]


def test_spellings_of_cities_meet_in_the_views_and_mend_the_past(
    warehouse: Warehouse, rows: WarehouseRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cities() -> list[str]:
        return [name for (name,) in warehouse.rows("SELECT DISTINCT utm_city FROM v_campaign_daily")]

    assert cities() == ["msk"]
    warehouse_schema.apply(warehouse, "Europe/Moscow")
    assert cities() == ["Москва"]
    count = warehouse.value("SELECT count() FROM dim_city_alias")
    warehouse_schema.apply(warehouse, "Europe/Moscow")
    assert warehouse.value("SELECT count() FROM dim_city_alias") == count, "nothing is written anew"
    monkeypatch.setattr(warehouse_schema, "load_cities", lambda: Cities.of({"Мск": ["msk"]}, {}))
    warehouse_schema.apply(warehouse, "Europe/Moscow")
    assert cities() == ["Мск"]
    assert warehouse.value("SELECT count() FROM dim_city_alias FINAL") == 2


def test_a_trouble_is_one_alert_until_it_is_over(state: SalesState, warehouse: Warehouse, rows: WarehouseRows) -> None:
    now, sent = datetime.now(UTC).replace(microsecond=0), []

    def mail(subject: str, text: str) -> bool:
        sent.append((subject, text))
        return True

    def covered(hours: int, load_id: int) -> None:
        at = now - timedelta(hours=hours)
        row = Coverage("qtickets", "orders", "", at.astimezone(ZONE).date(), at, 1, Decimal("1.00"), at)
        rows.insert(Table.COVERAGE, [row], load_id)

    covered(8, 5)
    for _ in range(3):
        watch(state, warehouse, [Source.QTICKETS], now, backup_stale=DAY)
        notify(state, {"email": mail})
    assert [one.code for one in state.alerts.open()] == ["stale_data"]
    assert len(sent) == 1, "three looks, one letter"
    assert "make sales-load SOURCE=qtickets" in sent[0][1]
    covered(0, 6)
    watch(state, warehouse, [Source.QTICKETS], now, backup_stale=DAY)
    notify(state, {"email": mail})
    assert state.alerts.open() == []
    assert len(sent) == 2
    copy_logs(state, warehouse)
    assert warehouse.rows("SELECT code, resolved_at IS NOT NULL FROM alerts") == [("stale_data", 1)]


def test_a_dead_mail_server_leaves_the_alert_to_be_sent(state: SalesState) -> None:
    state.alerts.see("job_failed", "error", job="qtickets", message="x")
    assert notify(state, {"email": lambda _subject, _text: False}) == 0
    assert {one.code for one in state.alerts.open()} == {"job_failed", "mail_send_failed"}
    assert notify(state, {"email": lambda _subject, _text: True}) >= 1


def test_alerts_work_with_the_warehouse_down(state: SalesState) -> None:
    with Warehouse(WarehouseSettings("127.0.0.1", 1, "u", "", "zakaz", secure=False)) as down:
        watch(state, down, [Source.QTICKETS], datetime.now(UTC), backup_stale=DAY)
    assert [(one.code, one.source) for one in state.alerts.open()] == [("health", "clickhouse")]


def test_a_system_without_a_verified_backup_of_the_last_day_says_so(state: SalesState, warehouse: Warehouse) -> None:
    def stale() -> bool:
        return "backup_stale" in {one.code for one in state.alerts.open()}

    watch(state, warehouse, [], datetime.now(UTC), backup_stale=DAY)
    assert not stale(), "a new system has had no night yet"
    open_loads([Scope(Source.QTICKETS, Stream.ORDERS, Kind.DELTA)], "r1", state, at_least=0)
    watch(state, warehouse, [], datetime.now(UTC) + 2 * DAY, backup_stale=DAY)
    assert stale()
    verify(state, backed_up(state, warehouse, datetime.now(UTC) + timedelta(seconds=40), "full"))
    watch(state, warehouse, [], datetime.now(UTC), backup_stale=DAY)
    assert not stale()


@pytest.mark.parametrize(
    ("code", "alert"),
    [
        (LoadCode.SOURCE_FORBIDDEN, "source_rights"),
        (LoadCode.SHRUNK_WINDOW, "shrunk_window"),
        (LoadCode.SOURCE_UNAVAILABLE, "job_failed"),
    ],
)
def test_a_failed_load_opens_the_alert_that_says_what_helps(state: SalesState, code: LoadCode, alert: str) -> None:
    scope = Scope(Source.DIRECT, Stream.STATS, Kind.DELTA, "organiser")
    for run_id in ("red", "green"):
        state.job_runs.begin(DIRECT.name, run_id)
        (load_id,) = open_loads([scope], run_id, state, at_least=0).load_ids
        load = state.loads.current(load_id)
        if run_id == "red":
            state.loads.fail(load, code)
            close_run(state, DIRECT, run_id, failed_task=None)
            assert [one.code for one in state.alerts.open()] == [alert]
            continue
        state.loads.begin_writing(load)
        state.loads.finish(load, rows=0, tombstones=0, amount=Decimal(0), content_hash="", counters={})
        close_run(state, DIRECT, run_id, failed_task=None)
        assert state.alerts.open() == []


def test_a_token_of_known_life_is_announced_before_it_ends(state: SalesState) -> None:
    now = datetime.now(UTC)

    def looked(after: timedelta, *tokens: str) -> list[str]:
        given = [GivenToken(Source.DIRECT, one, 365 * DAY, "DIRECT_TOKEN") for one in tokens]
        watch_tokens(state, given, now + after, warning=14 * DAY)
        return [one.message for one in state.alerts.open() if one.code == "token_expiring"]

    assert looked(DAY, "first") == []
    assert looked(350 * DAY, "first") == []
    (said,) = looked(352 * DAY, "first")
    assert f"выйдет {now + 365 * DAY:%d.%m.%Y}" in said
    (said,) = looked(366 * DAY, "first")
    assert "вышел" in said
    assert looked(352 * DAY, "first") != []
    state.given_tokens.seen("direct", "second", 500 * DAY)
    assert state.given_tokens.ends()["direct"] > now + 499 * DAY, "another token has a life of its own"
    assert looked(DAY, "second") == []
    assert looked(352 * DAY, "second") != []
    assert looked(352 * DAY) == []
    assert state.given_tokens.ends() == {}, "a source without such a token is forgotten"
    assert "first" not in str(state.session.values("given_tokens", "ends"))


def test_old_loads_and_events_go_and_the_counters_stand(state: SalesState, database: str) -> None:
    """Nothing that a load still needs goes, whatever its age."""
    scope = Scope(Source.QTICKETS, Stream.ORDERS, Kind.DELTA)

    def opened(run_id: str, *, end: str) -> int:
        (load_id,) = open_loads([scope], run_id, state, at_least=0).load_ids
        load = state.loads.current(load_id)
        if end == "failed":
            state.loads.fail(load, "internal")
        elif end == "loaded":
            state.loads.begin_writing(load)
            counters = {"requests": 3, "quota_left": {"hourly": load_id}}
            state.loads.finish(load, rows=10, tombstones=0, amount=Decimal(0), content_hash="", counters=counters)
        state.leases.release(run_id)
        return load_id

    def aged(days: int) -> None:
        with psycopg.connect(database) as connection:
            back = "make_interval(days => %(days)s)"
            moved = f"opened_at = opened_at - {back}, finished_at = finished_at - {back}"
            connection.execute(f"UPDATE sales.loads SET {moved}", {"days": days})
            connection.execute(f"UPDATE sales.events SET at = at - {back}", {"days": days})

    failed = opened("r1", end="failed")
    state.loads.anew(state.loads.current(failed))
    opened("r2", end="loaded")
    newest, running = opened("r3", end="loaded"), opened("r4", end="")
    SharedPace(state.session, "qtickets", "", rate=1.0).refused("source_throttled", 1.0, "orders")
    before = source_figures.figures(state.session), source_figures.refusals(state.session)
    assert (before[0][0].rows, before[0][0].requests, before[1]) == (20, 6, {"qtickets": 1})
    assert prune_work(state.session, TEN_DAYS) == Pruned(0, 0, 0, 0), "nothing is old"
    aged(11)
    gone = prune_work(state.session, TEN_DAYS)
    assert gone.loads == 2
    assert gone.events > 5
    for _ in range(3):
        assert (source_figures.figures(state.session), source_figures.refusals(state.session)) == before
        assert state.loads.current(newest).status == "loaded"
        assert state.loads.current(running).status == "fetching"
        aged(11)
        assert prune_work(state.session, TEN_DAYS).loads == 0
    with psycopg.connect(database) as connection:
        kept = connection.execute("SELECT event, load_id FROM sales.events ORDER BY id").fetchall()
    assert [event for event, _ in kept].count("figures_carried") == 1
    assert ("load_opened", running) in kept, "what happened to a load that has not ended stays"


def test_old_runs_and_alerts_go_once_they_are_copied_and_over(
    state: SalesState, warehouse: Warehouse, database: str
) -> None:
    for run_id in ("old-good", "old-bad", "newest-good", "newest"):
        state.job_runs.begin("qtickets", run_id)
        if run_id != "newest":
            state.job_runs.end("qtickets", run_id, "error" if "bad" in run_id else "success")
    for code in ("over", "untold", "open"):
        state.alerts.see(code, "error", job="qtickets", message="x")
    state.alerts.resolve("untold", job="qtickets")
    notify(state, {"email": lambda _subject, _text: True})
    state.alerts.resolve("over", job="qtickets")

    def kept() -> tuple[list[str], list[str]]:
        with psycopg.connect(database) as connection:
            runs = connection.execute("SELECT run_id FROM sales.job_runs ORDER BY started_at").fetchall()
            alerts = connection.execute("SELECT code FROM sales.alerts ORDER BY alert_id").fetchall()
        return [run for (run,) in runs], [code for (code,) in alerts]

    everything = kept()
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE sales.job_runs SET started_at = started_at - interval '11 days'")
        connection.execute("UPDATE sales.alerts SET resolved_at = resolved_at - interval '11 days'")
    prune_work(state.session, TEN_DAYS)
    assert kept() == everything, "ClickHouse has none of them yet"
    copy_logs(state, warehouse)
    prune_work(state.session, TEN_DAYS)
    assert kept() == (["newest-good", "newest"], ["over", "open"]), "nobody was told that it is over"
    notify(state, {"email": lambda _subject, _text: True})
    copy_logs(state, warehouse)
    assert prune_work(state.session, TEN_DAYS) == Pruned(0, 0, 0, 1)
    assert kept()[1] == ["open"]

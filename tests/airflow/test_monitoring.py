"""Alerts and dashboards against a real Prometheus and Alertmanager that read the real page over a real PostgreSQL."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import Jsonb
from starlette.applications import Starlette
from starlette.routing import Mount

from include.calls.domain.audit_chain import Action
from include.calls.domain.metric_values import Disk, Surroundings
from include.calls.domain.run_bars import Bar
from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.names import PORTAL_POOL
from include.calls.state.audit import AuditLog
from include.calls.state.metrics import MetricsReader
from include.calls.state.state import State
from include.common.errors import ErrorCode, Temporary
from include.common.names import QUEUES, RECOGNISER_POOL
from ops.settings.profile import REPOSITORY
from plugins.airflow_kit.celery_workers import Serving
from plugins.hooks.calls_state import CallsStateHook
from plugins.web.app import app
from plugins.web.calls import metrics_endpoint as page
from plugins.web.calls import worker_metrics
from simulators.kit.in_process import running
from tests.airflow.monitored import (
    FILES,
    Pager,
    Prometheus,
    alertmanager,
    at_last,
    needs_prometheus,
    prometheus,
    seldom,
)
from tests.kit.state_samples import call, give_up, opened, rows, to_text

pytestmark = [pytest.mark.postgres, *needs_prometheus]

S = RecordStatus
TOKEN = "a-token-of-this-test"
LOW_RATE = (
    b"INSERT INTO portal_pace (portal, next_permit_at, low_rate_until) VALUES ('p', now(), now() + interval '1 hour')"
)
RULES = FILES / "rules" / "call_export.yml"
ALERTS = {rule["alert"]: rule for rule in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"][0]["rules"]}
DASHBOARDS = sorted((FILES / "grafana" / "dashboards").glob("call_export_*.json"))


def hasty_rules(file: Path = RULES) -> str:
    """The rules with shorter times only: minutes of waiting and of looking back become seconds."""
    text = re.sub(r"for: \d+m", "for: 1s", file.read_text(encoding="utf-8"))
    return re.sub(r"\[(15m|30m|1h|1d)\]", "[15s]", text)


@pytest.fixture
def served(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Host and port of the plugin's app, as the api-server mounts it, over this test's database."""
    parts = {key: str(value) for key, value in conninfo_to_dict(database).items()}
    state = {"conn_type": "postgres", "host": parts.get("host"), "login": parts.get("user"), "schema": parts["dbname"]}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_DB", json.dumps(state))
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_METRICS", json.dumps({"conn_type": "generic", "password": TOKEN}))
    monkeypatch.setattr(page, "FRESH_SECONDS", 0.2)
    with (
        MetricsReader.open(CallsStateHook().conninfo()) as reader,
        running(Starlette(routes=[Mount("/call_export", app)])) as url,
    ):
        monkeypatch.setattr(page, "_page", page.Page(lambda: reader))
        yield urlsplit(url).netloc


def crowded(_: MetricsReader) -> Surroundings:
    return Surroundings(backups_configured=True, disks=(Disk("storage", 1, 100),))


def event(database: str, name: str, times: int = 1, **detail: object) -> None:
    record = ("c", "r") if name in ("completed", "pending", "error") else (None, None)
    with psycopg.connect(database, autocommit=True) as connection:
        for _ in range(times):
            connection.execute(
                "INSERT INTO call_events (call_id, record_id, stage, event, error_code, detail)"
                " VALUES (%s, %s, 'transcribe', %s, %s, %s)",
                [*record, name, "stt_timeout" if name == "pending" else None, Jsonb(detail)],
            )


def scraped(server: Prometheus) -> None:
    seldom(lambda: bool(server.query('up{job="call_export"} == 1')), 60, lambda: "nothing was scraped")


class TestFiles:
    """Prometheus's own tools check the files."""

    def run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=FILES, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def test_each_rule_fires_where_it_has_to_and_nowhere_else(self) -> None:
        ours = ("rules_test.yml", "rules_of_hours_test.yml")
        call_centre = ("call_centre_rules_test.yml", "call_centre_rules_of_hours_test.yml")
        assert self.run("promtool", "test", "rules", *ours, *call_centre).count("SUCCESS") == 4
        tested = "".join((FILES / name).read_text(encoding="utf-8") for name in ours)
        assert [name for name in ALERTS if tested.count(f'alertname="{name}"') < 2] == []

    @pytest.mark.parametrize(
        ("labels", "receivers"),
        [
            ({"severity": "critical"}, "pagerduty,slack"),
            ({"severity": "warning"}, "slack"),
            ({"severity": "info"}, "slack"),
            ({"severity": "warning", "team": "product"}, "email,slack"),
        ],
    )
    def test_who_hears_what(self, labels: dict[str, str], receivers: str) -> None:
        self.run("amtool", "check-config", "alertmanager.yml")
        given = [f"{name}={value}" for name, value in labels.items()]
        assert self.run("amtool", "config", "routes", "test", "--config.file=alertmanager.yml", *given) == receivers

    def test_every_alert_says_how_bad_it_is_and_where_its_page_is(self) -> None:
        for name, rule in ALERTS.items():
            assert rule["labels"]["severity"] in ("critical", "warning", "info"), name
            assert re.search("[а-я]", rule["annotations"]["summary"]), name
            assert rule["annotations"]["description"], name
            file, _, anchor = rule["annotations"]["runbook_url"].partition("#")
            assert anchor == name.lower()
            assert f"### {name}\n" in (REPOSITORY / file).read_text(encoding="utf-8"), name

    def test_the_alerts_of_the_prd_and_the_runbook_are_all_there(self) -> None:
        assert {"CallExportRunFailed", "CallExportCostBudget", "CallExportRetryStorm", "Bitrix24RateLimitWarn"} <= set(
            ALERTS
        ), "the runbook's"
        assert {"CallExportRunStaysFailed", "CallExportErrorShare"} <= set(ALERTS), "alerts of the customer"


def test_every_alert_fires_and_resolves(
    served: str, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "surroundings", crowded)
    pager = Pager()
    with (
        alertmanager(tmp_path, pager) as manager,
        prometheus(tmp_path, served, TOKEN, alertmanager=manager, rules=hasty_rules()) as server,
        psycopg.connect(database, autocommit=True) as connection,
    ):
        scraped(server)
        assert pager.heard == []
        provoke(database, connection)
        early = set(ALERTS) - {"CallExportMetricsDown"}
        seldom(
            lambda: pager.names("firing") >= early,
            120,
            lambda: f"silent: {early - pager.names('firing')}",
        )
        assert ("pagerduty", "CallExportRunFailed", "firing") in pager.heard
        assert ("slack", "CallExportRunFailed", "firing") in pager.heard
        assert ("email", "CallExportCostBudget", "firing") in pager.heard
        assert ("email", "CallExportRunFailed", "firing") not in pager.heard
        texts = json.dumps([alert["annotations"] for alert in pager.alerts], ensure_ascii=False)
        assert "AccessDenied" in texts
        assert "<no value>" not in texts
        repair(connection)
        monkeypatch.setattr(page, "surroundings", lambda _: Surroundings(backups_configured=True))
        with no_way_into(database):
            down = ("pagerduty", "CallExportMetricsDown", "firing")
            seldom(lambda: down in pager.heard, 90, lambda: "a database that is down was not noticed")
        all_of_them = set(ALERTS)
        seldom(
            lambda: pager.names("resolved") >= all_of_them, 120, lambda: f"on: {all_of_them - pager.names('resolved')}"
        )


@pytest.mark.long
def test_every_alert_of_several_hosts_fires_and_resolves(
    served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one machine the page has none of these series, so nothing is heard before there are workers."""
    found = {queue: Serving(1, 10) for queue in QUEUES}
    oldest: dict[str, float] = {}
    pools = {PORTAL_POOL: 4, RECOGNISER_POOL: 10}
    monkeypatch.setattr(worker_metrics, "FRESH_SECONDS", 0.2)
    monkeypatch.setattr(worker_metrics, "serving", lambda: found)
    monkeypatch.setattr(worker_metrics, "waiting", lambda: oldest)
    monkeypatch.setattr(worker_metrics, "pool_slots", lambda: pools)
    rules = FILES / "rules" / "hosts.yml"
    alerts = {rule["alert"] for rule in yaml.safe_load(rules.read_text(encoding="utf-8"))["groups"][0]["rules"]}
    pager = Pager()
    with (
        alertmanager(tmp_path, pager) as manager,
        prometheus(tmp_path, served, TOKEN, alertmanager=manager, rules=hasty_rules(rules)) as server,
    ):
        scraped(server)
        assert server.query("call_export_queue_workers") == []
        monkeypatch.setattr(worker_metrics, "on_celery", lambda: True)
        seldom(
            lambda: len(server.query("call_export_queue_workers")) == len(QUEUES), 20, lambda: "no series of workers"
        )
        assert pager.heard == []
        found["portal"] = Serving()
        found["recogniser"] = Serving(1, 9)
        oldest["recogniser"] = 121
        seldom(lambda: pager.names("firing") >= alerts, 40, lambda: f"silent: {alerts - pager.names('firing')}")
        assert ("pagerduty", "CallExportNoWorker", "firing") in pager.heard
        assert ("pagerduty", "CallExportQueueWaits", "firing") not in pager.heard
        queues = {(alert["labels"]["alertname"], alert["labels"]["queue"]) for alert in pager.alerts}
        assert queues == {
            ("CallExportNoWorker", "portal"),
            ("CallExportFewSlots", "portal"),
            ("CallExportFewSlots", "recogniser"),
            ("CallExportQueueWaits", "recogniser"),
        }
        texts = json.dumps([alert["annotations"] for alert in pager.alerts], ensure_ascii=False)
        assert "Самая старая ждёт 121 с" in texts
        assert "<no value>" not in texts
        found |= {"portal": Serving(1, 4), "recogniser": Serving(2, 10)}
        oldest.clear()
        seldom(lambda: pager.names("resolved") >= alerts, 60, lambda: f"on: {alerts - pager.names('resolved')}")


def provoke(database: str, connection: psycopg.Connection[Any]) -> None:
    """Causes every alert, through the state's own functions where they exist."""
    with State.open(database) as state:
        AuditLog(state.session).record(Action.EXPORT_STARTED, actor="Operator")
        done = opened(state, "done", call(9))
        to_text(state, done, rows(state, done)[0], cost="70")
        state.runs.finish(done.run_id, RunStatus.COMPLETED, verdict="", failed_step=None)
        bad = opened(state, "bad", call(1), call(2))
        for row in rows(state, bad):
            if row.status is not S.COMPLETED:
                give_up(state, bad, row, stored=False)
        connection.execute(
            "UPDATE recordings SET first_failed_at = now() - interval '25 hours' WHERE first_failed_at IS NOT NULL"
        )
        assert state.dead_letters.move_overdue(bad.run_id, failed_before=datetime.now(UTC)) == 2
        above = {"cases": 9, "tried": 10, "exceeded": 1}
        state.runs.note(bad.run_id, {"bars": dict.fromkeys(Bar, above), "clock_offset_sec": -3600})
        state.runs.finish(bad.run_id, RunStatus.ERROR, verdict="", failed_step=None)
        late = opened(state, "late")
    # days ago, which no test can wait for
    connection.execute(
        "UPDATE call_exports SET finished_at = now() - interval '3 days' WHERE run_id = %s", [done.run_id]
    )
    connection.execute("ALTER TABLE call_events DISABLE TRIGGER USER")
    connection.execute(
        "UPDATE call_events SET at = now() - interval '7 hours' WHERE run_id = %s AND event = 'running'", [late.run_id]
    )
    connection.execute("ALTER TABLE call_events ENABLE TRIGGER USER")
    change_entry(connection, "what was never done")
    event(database, "pending", 60)
    event(database, "portal_refused", 12, code="QUERY_LIMIT_EXCEEDED")
    event(database, "run_stopped", kind="AccessDenied")
    event(database, "run_stopped", kind="BudgetSpent")
    connection.execute(LOW_RATE)
    smoke(connection, "good", 5, days_ago=2)
    smoke(connection, "worse", 9, days_ago=1)
    connection.execute(
        "INSERT INTO backups (backup_id, reason, made_at, bytes, seconds)"
        " VALUES ('b', 'schedule', now() - interval '3 days', 1, 1)"
    )
    connection.execute("INSERT INTO secrets_seen VALUES ('bitrix24', 'a hash', now() - interval '81 days')")
    connection.execute(
        "INSERT INTO erasures (erasure_id, kind, subject_hash, key_name, masked, reason, asked_by, triggered_by,"
        " demanded_at) VALUES (gen_random_uuid(), 'call', 'h', 'k', '***', 'r', 'a', 't', now() - interval '31 days')"
    )
    connection.execute(
        "INSERT INTO file_removals (recording_id, what, keys, ordered_at)"
        " SELECT min(recording_id), 'audio', '{raw/x}', now() - interval '2 days' FROM recordings"
    )


def smoke(connection: psycopg.Connection[Any], smoke_id: str, errors: int, *, days_ago: int) -> None:
    connection.execute(
        "INSERT INTO stt_smoke_results (smoke_id, at, playlist, playlist_hash, engine, model, normaliser, call_id,"
        " record_id, status, wer, words, errors, seconds, audio_sec, cost)"
        " VALUES (%(id)s, now() - make_interval(days => %(ago)s), 'demo', 'h', 'default', 'm', 'ru-1', 'a', '1',"
        " 'success', %(wrong)s / 100.0, 100, %(wrong)s, 1, 60, 0)",
        {"id": smoke_id, "ago": days_ago, "wrong": errors},
    )


def change_entry(connection: psycopg.Connection[Any], reason: str) -> None:
    """As a superuser can; the chain shows it."""
    connection.execute("ALTER TABLE audit_log DISABLE TRIGGER USER")
    connection.execute("UPDATE audit_log SET reason = %s WHERE entry_no = 1", [reason])
    connection.execute("ALTER TABLE audit_log ENABLE TRIGGER USER")


def repair(connection: psycopg.Connection[Any]) -> None:
    """Ends the conditions that do not pass by themselves: run, texts, low rate."""
    connection.execute("UPDATE call_exports SET status = 'completed', finished_at = now(), metadata = '{}'")
    connection.execute("UPDATE recordings SET status = 'completed', first_failed_at = NULL")
    connection.execute("UPDATE portal_pace SET low_rate_until = NULL")
    change_entry(connection, "")
    connection.execute("UPDATE erasures SET status = 'settled'")
    connection.execute("UPDATE backups SET made_at = now(), verified_at = now()")
    smoke(connection, "better", 6, days_ago=0)
    connection.execute("UPDATE secrets_seen SET first_seen_at = now()")
    connection.execute("DELETE FROM file_removals")


@contextmanager
def no_way_into(database: str) -> Iterator[None]:
    """PostgreSQL refuses new connections and closes all others."""
    name = conninfo_to_dict(database)["dbname"]
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(database, dbname="postgres", autocommit=True) as administrator:
        administrator.execute(allow.format(sql.Identifier(str(name)), sql.SQL("false")))
        administrator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        yield
        administrator.execute(allow.format(sql.Identifier(str(name)), sql.SQL("true")))


PANELS: dict[str, float | dict[str, float]] = {
    "Запуски по итогу": {"completed": 1, "error": 1, "cancelled": 0},
    "Последний запуск в ошибке": 1,
    "Щадящий режим портала": 1,
    "Ход: записи по статусам": dict.fromkeys(S, 0) | {"completed": 2, "error": 1, "no_recording": 1},
    "Проверено людьми": {"ok": 1, "issue": 1},
    "Доля замечаний": 0.5,
    "Покрытие: тексты у существующих записей": 2 / 3,
    "Тексты и ошибки, всего": {"completed": 2, "error": 1, "missing_audio": 0},
    "Ошибки дольше суток": 1,
    "DLQ": 1,
}
"""The result of each panel's first query after `a_known_night`; the other queries must have a result."""


def a_known_night(database: str, connection: psycopg.Connection[Any]) -> None:
    with State.open(database) as state:
        good = opened(state, "good", call(1), call(2))
        for number, row in enumerate(rows(state, good)):
            to_text(state, good, row, checksum=str(number), cost="0.01")
        state.runs.finish(good.run_id, RunStatus.COMPLETED, verdict="", failed_step=None)
        for row, result in zip(rows(state, good), ("ok", "issue"), strict=True):
            connection.execute(
                "INSERT INTO call_qa_checks (run_id, recording_id, transcript_id, result, checked_by)"
                " VALUES (%s, %s, %s, %s, 'analyst')",
                [good.run_id, row.recording_id, row.transcript_id, result],
            )
        bad = opened(state, "bad", call(3), call(4, file_id=None))
        (row,) = (row for row in rows(state, bad) if row.status is S.PENDING)
        assert state.moves.take(bad.run_id, row.recording_id, S.DOWNLOADING, stage="download")
        assert state.moves.move(
            bad.run_id, row.recording_id, S.PENDING, expected={S.DOWNLOADING}, stage="download",
            error=Temporary("later", code=ErrorCode.DOWNLOAD_FAILED), attempts_plus=1,
        )  # fmt: skip
        give_up(state, bad, row, stored=False)
        connection.execute("UPDATE recordings SET first_failed_at = now() - interval '25 hours' WHERE status = 'error'")
        state.dead_letters.move_overdue(bad.run_id, failed_before=datetime.now(UTC))
        state.runs.finish(bad.run_id, RunStatus.ERROR, verdict="", failed_step=None)
        september = datetime(2025, 9, 1, tzinfo=UTC)  # of other days: runs over the same days report the same calls
        opened(state, "running", period_from=september, period_to=september)
    connection.execute(LOW_RATE)
    smoke(connection, "before", 5, days_ago=2)
    smoke(connection, "now", 7, days_ago=1)


def test_every_panel_shows_what_the_database_holds(served: str, database: str, tmp_path: Path) -> None:
    """The dashboards' own queries, run by a Prometheus that scraped before, during and after the night."""
    with (
        prometheus(tmp_path, served, TOKEN) as server,
        psycopg.connect(database, autocommit=True) as connection,
    ):
        scraped(server)
        seldom(lambda: len(server.query("call_export_cost_total")) == 3, 60, lambda: "no money on the page")
        a_known_night(database, connection)
        seldom(
            lambda: (
                server.value("sum(call_export_runs_total)") == 2
                and server.value('sum(increase(call_transcripts_total{status="completed"}[1h]))') > 1.9
                and server.value("count_over_time(up[1h])") > 15  # with few samples an increase is a guess
            ),
            90,
            lambda: "the night was not scraped",
        )
        at_last(lambda: all_is_shown(server), 30)


def all_is_shown(server: Prometheus) -> None:
    shown = {
        panel["title"]: panel["targets"] for file in DASHBOARDS for panel in json.loads(file.read_text())["panels"]
    }
    assert set(PANELS) <= set(shown)
    empty = [(title, one["expr"]) for title, of in shown.items() for one in of if not server.query(one["expr"])]
    assert empty == []
    for title, expected in PANELS.items():
        found = server.query(shown[title][0]["expr"])
        if isinstance(expected, dict):
            assert {next(iter(labels.values())): value for labels, value in found} == expected, title
        else:
            assert [value for _, value in found] == [pytest.approx(expected)], title
    rising = {
        "Потрачено за сутки и бюджет запуска": 0.02,
        "Минуты распознанной речи за час": 2 * 90.5 / 60,
        "Деньги за час": 0.02,
        "Записи за час по исходу": 3,
        "Повторы за 15 минут": 1,
    }
    for title, expected in rising.items():
        total = sum(value for _, value in server.query(shown[title][0]["expr"]))
        assert total == pytest.approx(expected, rel=0.25), f"{title}: Prometheus extrapolates to the window's edges"

"""The health page answers in the customer's shapes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.parser import text_string_to_metric_families

from include.sales.domain.freshness import Freshness, preliminary
from include.sales.reporting.health import JobState, Seen, SourceState, data_freshness, detailed, healthz, metrics

NOW = datetime(2026, 11, 28, 8, 15, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Moscow")


def sales(minutes: int, days: int = 0) -> Freshness:
    return Freshness(
        "qtickets_sales", date(2026, 11, 28) - timedelta(days=days), days, 12345, NOW - timedelta(minutes=minutes)
    )


def seen(*rows: Freshness, error: str = "") -> Seen:
    job = JobState(NOW - timedelta(minutes=9), "success", NOW - timedelta(minutes=9), timedelta(seconds=20))
    return Seen(
        now=NOW,
        zone=ZONE,
        warehouse_version="26.9",
        warehouse_error=error,
        freshness=rows,
        jobs={"qtickets": job},
        last_backups={"full": NOW},
        last_verified_backup=NOW,
    )


def test_a_healthy_system() -> None:
    assert healthz(seen()) == (
        200, {"status": "ok", "timestamp": "2026-11-28T11:15:00+03:00", "checks": {"clickhouse": "ok"}},
    )  # fmt: skip


def test_a_dead_warehouse_is_503_and_says_why() -> None:
    status, body = healthz(seen(error="no answer in 2 s"))
    assert (status, body["status"], body["error"]) == (503, "error", "clickhouse: no answer in 2 s")
    assert data_freshness(seen(error="no answer in 2 s"))[0] == 503


@pytest.mark.parametrize(
    ("minutes", "days", "strict", "expected"),
    [
        (9, 0, False, (200, "ok")),
        (46, 0, False, (200, "warning")),
        (46, 0, True, (503, "warning")),
        (361, 0, False, (503, "error")),
        (9, 3, False, (503, "error")),
    ],
)
def test_the_worst_part_decides(minutes: int, days: int, strict: bool, expected: tuple[int, str]) -> None:
    status, body = detailed(seen(sales(minutes, days)), strict=strict)
    assert (status, body["status"]) == expected
    assert body["checks"]["data_freshness"]["qtickets_sales"]["lag_minutes"] == minutes
    assert body["checks"]["job_runs"]["qtickets"]["last_status"] == "success"
    assert body["checks"]["job_runs"]["gmail"] == {"status": "disabled", "last_run": None, "last_status": None}


def test_freshness_has_the_fields_of_the_view() -> None:
    never = Freshness("direct", None, 9999, 0, None)
    status, body = data_freshness(seen(sales(9), never))
    assert (status, body["status"]) == (200, "ok")
    assert body["data"][0] == {
        "source": "qtickets_sales",
        "latest_date": "2026-11-28",
        "days_behind": 0,
        "total_rows": 12345,
        "covered_until": "2026-11-28T11:06:00+03:00",
        "status": "ok",
    }
    assert (body["data"][1]["latest_date"], body["data"][1]["days_behind"]) == (None, 9999)


def test_the_metrics_are_what_prometheus_reads() -> None:
    state = SourceState(
        rows=100, requests=7, refusals=2, seconds=1.5, quota_left={"Hourly": 40}, quota_limits={"Hourly": 90}
    )
    shown = replace(
        seen(sales(9)), sources={"vk_ads": state}, gaps={"vk_ads": 0.25}, token_ends={"direct": NOW}, state_error="x"
    )
    families = text_string_to_metric_families(metrics(shown).decode())
    found = {(one.name, *sorted(one.labels.values())): one.value for family in families for one in family.samples}
    assert found[("zakaz_freshness_days", "qtickets_sales")] == 0
    assert found[("zakaz_lag_seconds", "qtickets_sales")] == 540
    assert ("zakaz_job_last_success_timestamp_seconds", "qtickets") in found
    assert found[("zakaz_rows_loaded_total", "vk_ads")] == 100
    assert found[("zakaz_api_requests_total", "refused", "vk_ads")] == 2
    assert found[("zakaz_api_quota_left", "Hourly", "vk_ads")] == 40
    assert found[("zakaz_api_quota_limit", "Hourly", "vk_ads")] == 90
    assert found[("zakaz_token_expires_timestamp_seconds", "direct")] == NOW.timestamp()
    assert found[("zakaz_reconciliation_gap", "vk_ads")] == 0.25
    assert (found[("zakaz_up", "state")], found[("zakaz_up", "clickhouse")]) == (0, 1)


def test_days_that_the_source_may_still_correct_are_preliminary() -> None:
    """Today is the 28th: with three days the 25th is the first of them."""
    today = date(2026, 11, 28)
    assert preliminary(sales(9, days=1), 3, today) == (date(2026, 11, 25), date(2026, 11, 27))
    assert preliminary(sales(9, days=4), 3, today) is None, "all that is there has settled"
    assert preliminary(sales(9), 0, today) is None, "this source corrects nothing"
    assert preliminary(Freshness("direct", None, 9999, 0, None), 3, today) is None

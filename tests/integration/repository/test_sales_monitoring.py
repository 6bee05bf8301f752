"""Rules, dashboard and page of sales' monitoring fit the metrics that the health page gives out."""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from include.sales.domain.freshness import Freshness
from include.sales.reporting.health import JobState, Seen, SourceState, metrics
from tests.kit.firing_alerts import HAS_PROMTOOL
from tests.kit.paths import ROOT

FILES = ROOT / "ops" / "monitoring"
RULES = yaml.safe_load((FILES / "rules" / "zakaz.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
DASHBOARD = json.loads((FILES / "grafana" / "dashboards" / "sales" / "zakaz.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "sales" / "monitoring.md").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 29, tzinfo=UTC)


def given_out() -> set[str]:
    """Names of all metrics of a system that has everything."""
    whole = Seen(
        now=NOW,
        zone=ZoneInfo("Europe/Moscow"),
        freshness=[Freshness("vk_ads", date(2026, 11, 28), 1, 5, NOW - timedelta(hours=1))],
        jobs={"vk_ads": JobState(NOW, "success", NOW, None)},
        open_alerts={("error", "job_failed"): 1},
        sources={"vk_ads": SourceState(1, 1, 1, 1.0, {"Hourly": 1}, {"Hourly": 9})},
        gaps={"vk_ads": 0.1},
        token_ends={"direct": NOW},
        last_backups={"full": NOW},
        last_verified_backup=NOW,
    )
    families = text_string_to_metric_families(metrics(whole).decode())
    return {sample.name for family in families for sample in family.samples if not sample.name.endswith("_created")}


def named(texts: Iterator[str]) -> set[str]:
    return {name for text in texts for name in re.findall(r"\bzakaz_[a-z_]+", text)}


def test_the_dashboard_and_the_page_name_every_metric_and_no_other() -> None:
    panels: list[dict[str, Any]] = DASHBOARD["panels"]
    assert named(target["expr"] for panel in panels for target in panel["targets"]) == given_out()
    table = re.findall(r"^\| (`zakaz_.*?) \|", PAGE, re.MULTILINE)
    assert named(iter(table)) == given_out()


def test_rules_ask_for_metrics_that_exist() -> None:
    assert named(rule["expr"] for rule in RULES) <= given_out()


def test_every_alert_says_how_bad_it_is_and_where_its_page_is() -> None:
    for rule in RULES:
        assert rule["labels"]["severity"] in ("critical", "warning"), rule["alert"]
        assert rule["annotations"]["runbook_url"] == f"docs/sales/monitoring.md#{rule['alert'].lower()}"
        assert f"### {rule['alert']}\n" in PAGE


@pytest.mark.skipif(not HAS_PROMTOOL, reason="the Debian package prometheus is missing")
def test_each_rule_fires_where_it_has_to_and_nowhere_else() -> None:
    command = ["promtool", "test", "rules", "zakaz_rules_test.yml"]
    done = subprocess.run(command, cwd=FILES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    tested = (FILES / "zakaz_rules_test.yml").read_text(encoding="utf-8")
    assert [rule["alert"] for rule in RULES if tested.count(f'alertname="{rule["alert"]}"') < 2] == []

"""Queues, workers and slots: as Celery answers, as the preflight and the metrics say it, and the alerts about them."""

import shutil
import subprocess
from typing import Any

import pytest
import yaml

from include.calls.names import PORTAL_POOL
from include.common.names import RECOGNISER_POOL
from ops.settings.profile import REPOSITORY
from plugins.airflow_kit import queues
from plugins.airflow_kit.celery_workers import Serving, counted, on_celery, too_few
from plugins.web.calls import worker_metrics

MONITORING = REPOSITORY / "ops" / "monitoring"
RULES: list[dict[str, Any]] = yaml.safe_load((MONITORING / "rules" / "hosts.yml").read_text(encoding="utf-8"))[
    "groups"
][0]["rules"]
# as `inspect` answers, without what is not read
QUEUES = {
    "celery@worker-1": [{"name": "portal"}, {"name": "default"}],
    "celery@worker-2": [{"name": "recogniser"}, {"name": "another team's"}],
    "celery@worker-3": [{"name": "recogniser"}],
}
STATS = {
    "celery@worker-1": {"pool": {"max-concurrency": 6}},
    "celery@worker-2": {"pool": {"max-concurrency": 8}},
}


def test_workers_and_slots_are_counted_by_queue() -> None:
    """A worker that says nothing of its slots has none that could be counted on."""
    assert counted(QUEUES, STATS) == {
        "portal": Serving(1, 6),
        "default": Serving(1, 6),
        "recogniser": Serving(2, 8),
    }
    assert set(counted({}, {}).values()) == {Serving(0, 0)}


def test_fewer_slots_than_the_pool_are_named_with_both_numbers() -> None:
    pools = {PORTAL_POOL: 6, RECOGNISER_POOL: 10}
    assert too_few(counted(QUEUES, STATS), pools) == {"recogniser": (8, 10)}
    assert too_few({}, pools) == {"portal": (0, 6), "recogniser": (0, 10)}


def test_the_page_says_it_for_prometheus() -> None:
    text = worker_metrics.rendered(counted(QUEUES, STATS), {"portal": 12.5}, {PORTAL_POOL: 6, RECOGNISER_POOL: 10})
    lines = set(text.decode().splitlines())
    assert {
        'call_export_queue_workers{queue="recogniser"} 2.0',
        'call_export_queue_slots{queue="recogniser"} 8.0',
        'call_export_queue_pool_slots{queue="recogniser"} 10.0',
        'call_export_queue_oldest_seconds{queue="portal"} 12.5',
        'call_export_queue_oldest_seconds{queue="default"} 0.0',
    } <= lines


def test_one_machine_has_no_such_page() -> None:
    assert not on_celery()
    assert worker_metrics.page() == b""


def test_a_task_names_a_queue_on_our_own_workers_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """In an Airflow of others no worker serves such a name, and the task would wait for ever."""
    assert queues.queue_of("portal") == {}
    monkeypatch.setattr(queues, "OWN_QUEUES", True)
    assert queues.queue_of("portal") == {"queue": "portal"}


def test_every_alert_has_its_heading_for_the_person_on_duty() -> None:
    page = (REPOSITORY / "docs" / "runbooks" / "hosts.md").read_text(encoding="utf-8")
    for rule in RULES:
        file, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert file == "docs/runbooks/hosts.md"
        assert f"\n### {rule['alert']}\n" in page
        assert anchor == rule["alert"].lower()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Debian's prometheus is not installed")
def test_each_alert_fires_where_it_has_to_and_nowhere_else() -> None:
    done = subprocess.run(
        ["promtool", "test", "rules", "hosts_rules_test.yml"],
        cwd=MONITORING,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

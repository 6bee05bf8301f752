"""OpenLineage's own provider beside the product: what it is told of an export, and what it is never told."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from include.calls.names import DAG_ID, ERASURE_DAG_ID
from plugins.calls import lineage
from tests.airflow.system import LINEAGE_DAY, System, eventually
from tests.kit import cluster

NUMBER = "+79990001122"


def test_without_the_provider_nothing_is_asked_or_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "find_spec", lambda _: None)
    lineage.tell_collector(SimpleNamespace(), SimpleNamespace())


@pytest.mark.parametrize(
    ("location", "uri"),
    [("s3://bucket/calls/x.csv", "s3://bucket/calls/x.csv"), ("/var/lib/звонки/x.csv", "file:///var/lib/%D0%B7")],
)
def test_every_storage_has_an_address_that_lineage_knows(location: str, uri: str) -> None:
    assert lineage.uri_of(location).startswith(uri)


@pytest.fixture
def told(_system: System, tmp_path: Path) -> Iterator[Path]:
    """The events of the system, one in a line: its provider writes them into a file."""
    file = tmp_path / "events.jsonl"
    added = {
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps({"type": "file", "log_file_path": str(file), "append": True}),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "trial",
    }
    _system.settings |= added
    _system.configured()
    yield file
    for name in added:
        del _system.settings[name]


def events(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


@pytest.mark.airflow
@pytest.mark.cluster
@pytest.mark.postgres
@pytest.mark.long
@pytest.mark.timeout(900)
def test_an_export_names_its_files_and_an_erasure_nothing(told: Path, system: System) -> None:
    cluster.package("airflow.providers.openlineage")
    conf = {"erase_number": NUMBER, "reason": "trial", "asked_by": "trial"}
    erasure = system.api("POST", f"dags/{ERASURE_DAG_ID}/dagRuns", {"logical_date": None, "conf": conf})
    assert erasure.ok, erasure.text
    done = system.export("--from", LINEAGE_DAY, "--to", LINEAGE_DAY, "--key", "lineage")
    assert done.returncode == 0, done.stdout + done.stderr
    run_id = str(system.rows("SELECT run_id FROM call_exports WHERE idempotency_key = 'lineage'")[0]["run_id"])

    def published() -> list[dict[str, Any]]:
        of_task = [event for event in events(told) if event["job"]["name"] == f"{DAG_ID}.publish"]
        return [event for event in of_task if event["eventType"] == "COMPLETE"]

    eventually(lambda: bool(published()), 60, "the end of publish was not told")
    (event,) = published()
    registry = next(system.folder(LINEAGE_DAY, LINEAGE_DAY).glob("registry/*.csv"))
    found = {(one["namespace"], one["name"]) for one in event["outputs"]}
    assert found == {("file", str(file)) for file in (registry, system.runtime.storage / "transcripts")}
    facet = event["run"]["facets"]["callExport"]
    day = {"date_from": LINEAGE_DAY, "date_to": LINEAGE_DAY}
    told_of_run = {"run_id": run_id, **day, "status": "running", "rows": 2, "completed": 2}
    assert {name: facet[name] for name in told_of_run} == told_of_run

    path = f"dags/{ERASURE_DAG_ID}/dagRuns/{quote(erasure.json()['dag_run_id'], safe='')}/taskInstances"

    def registered() -> bool:
        found = {one["task_id"]: one["state"] for one in system.api("GET", path).json()["task_instances"]}
        return found.get("register") in ("success", "failed")

    eventually(registered, 120, "the erasure has not begun")
    everything = told.read_text(encoding="utf-8")
    assert NUMBER.lstrip("+") not in everything
    assert {one["job"]["name"].partition(".")[0] for one in events(told)} == {DAG_ID}
    assert "def publish" not in everything, "no source"

"""The running system from outside: command line, REST, note, a cleared task, files."""

import csv
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from include.calls.names import DAG_ID
from include.calls.state.state import State
from plugins.airflow_kit.retry import FAILURES, TASK_RETRIES
from simulators.kit.faults import FaultKind
from tests.airflow.system import AFTER_EXPORT, System, eventually

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.timeout(900)]

FIRST_DAYS = ("2025-08-01", "2025-08-02")
RED_DAYS = ("2025-08-03", "2025-08-04")
DRY_DAYS = ("2025-08-05", "2025-08-06")


def days(period: tuple[str, str]) -> tuple[str, ...]:
    return ("--from", period[0], "--to", period[1])


@pytest.fixture
def first_run(system: System) -> str:
    """The dag_run_id of a completed export of FIRST_DAYS, made once."""
    if system.dag_run("key__first").get("state") == "success":
        return "key__first"
    done = system.export(*days(FIRST_DAYS), "--key", "first")
    assert done.returncode == 0, done.stdout + done.stderr
    return "key__first"


def registry(system: System, period: tuple[str, str]) -> list[dict[str, str]]:
    file = next(system.folder(*period).glob("registry/*.csv"))
    with file.open(encoding="utf-8-sig", newline="") as text:
        return list(csv.DictReader(text, delimiter=";"))


def records(system: System, dag_run_id: str) -> list[dict[str, object]]:
    return system.rows(
        "SELECT r.* FROM call_records r JOIN call_exports USING (run_id) WHERE dag_run_id = %s", dag_run_id
    )


@pytest.mark.long
def test_without_a_recogniser_preflight_fails(
    system_without_recogniser: System,
) -> None:
    """The file's first test: the next one restarts the system with a recogniser. Nothing is listed or downloaded."""
    system = system_without_recogniser
    asked = len(system.portal.journal.entries())
    done = system.export(*days(DRY_DAYS), "--key", "unconfigured")
    assert done.returncode == 1
    assert "OPENAI_API_KEY" in system.dag_run("key__unconfigured")["note"]
    states = {task["task_id"]: task["state"] for task in system.tasks("key__unconfigured")}
    assert states["preflight"] == "failed"
    assert states["list_calls"] == "upstream_failed"
    assert len(system.portal.journal.entries()) == asked
    assert records(system, "key__unconfigured") == []


def test_two_days_by_the_command_line_end_completed_and_green(system: System, first_run: str) -> None:
    assert system.dag_run(first_run)["state"] == "success"
    states = {(task["task_id"], task["state"]) for task in system.tasks(first_run)}
    green = [
        "open_run",
        "preflight",
        "list_calls",
        "plan",
        "batch.download",
        "batch.transcribe",
        "publish",
        "close_run",
    ]
    unasked = ["want_summaries", "batch.summarize"]
    assert states == {*((name, "success") for name in green), *((name, "skipped") for name in unasked)}
    questions = system.api("GET", f"dags/{DAG_ID}/dagRuns/{first_run}/hitlDetails").json()
    assert questions["hitl_details"] == [], "within the budget no question is asked"
    rows = registry(system, FIRST_DAYS)
    in_world = [call for call in system.portal.world.calls.values() if f"{call.started_at:%Y-%m-%d}" in FIRST_DAYS]
    assert len(rows) == len(in_world)
    assert {row["status"] for row in rows} == {"completed", "no_recording"}
    for row in rows:
        if row["status"] == "completed":
            assert "[симуляция]" in (system.folder(*FIRST_DAYS) / row["transcript_path"]).read_text(encoding="utf-8")
    assert list(system.folder(*FIRST_DAYS).glob("reports/summary_*.pdf"))


def test_note_and_labels_of_a_finished_run(system: System, first_run: str) -> None:
    note = system.dag_run(first_run)["note"]
    run_id = records(system, first_run)[0]["run_id"]
    assert note.startswith("Completed: тексты есть у ")
    assert "ошибок 0 (0,0 %)" in note
    assert note.endswith(f" run_id {run_id}"), "what `make resume` asks for"
    labels = [task["rendered_map_index"] for task in system.tasks(first_run) if task["task_id"] == "batch.download"]
    assert len(labels) > 1
    recordings = [row for row in records(system, first_run) if row["status"] == "completed"]
    assert sum(int(label.split()[2]) for label in labels) == len(recordings)
    assert {label.split(":")[0] for label in labels} == {f"пачка {n}" for n in range(1, len(labels) + 1)}
    assert all(label.endswith(" мин") for label in labels)


def test_requests_to_the_recogniser_went_through_the_proxy_only(system: System, first_run: str) -> None:
    assert system.proxy.targets() == {system.settings["OPENAI_BASE_URL"].split("/")[2]}
    assert 0 < system.recognitions() <= len(system.proxy.journal)


def test_the_same_key_twice_is_one_run(system: System, first_run: str) -> None:
    before = len(system.dag_runs()), len(system.downloads()), system.recognitions()
    again = system.export(*days(FIRST_DAYS), "--key", "first")
    assert again.returncode == 0
    assert f"с этим ключом запуск уже есть: {first_run}" in again.stdout
    assert (len(system.dag_runs()), len(system.downloads()), system.recognitions()) == before
    assert len(system.rows("SELECT 1 FROM call_exports WHERE idempotency_key = 'first'")) == 1


def test_the_same_key_through_rest_changes_nothing(system: System, first_run: str) -> None:
    before = len(system.downloads()), system.recognitions()
    dag_run_id = system.trigger(period_from=FIRST_DAYS[0], period_to=FIRST_DAYS[1], idempotency_key="first").json()[
        "dag_run_id"
    ]
    ended = system.ended(dag_run_id)
    assert ended["state"] == "success"
    run_id = records(system, first_run)[0]["run_id"]
    assert f"Этот ключ уже у запуска {run_id} (статус completed)" in ended["note"]
    assert {task["state"] for task in system.tasks(dag_run_id)} == {"skipped"}
    assert (len(system.downloads()), system.recognitions()) == before
    assert system.rows("SELECT 1 FROM call_exports WHERE dag_run_id = %s", dag_run_id) == []


@pytest.mark.parametrize(
    "conf",
    [
        {"period_from": "yesterday"},
        {"period_to": "01.08.2025"},
        {"dry_run": "yes"},
        {"limit_calls": -1},
        {"resume_run_id": "17"},
        {"idempotency_key": "k" * 129},
    ],
    ids=lambda conf: next(iter(conf)),
)
def test_a_bad_parameter_through_rest_creates_nothing(system: System, conf: dict[str, object]) -> None:
    before = [run["dag_run_id"] for run in system.dag_runs()]
    answer = system.trigger(**conf)
    assert answer.status_code == 400
    assert next(iter(conf)) in answer.text
    assert [run["dag_run_id"] for run in system.dag_runs()] == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--from", "2025-13-01"), "period_from"),
        (("--from", "2025-08-02", "--to", "2025-08-01"), "period_from"),
        (("--resume",), "--run-id"),
        (("--key", "k" * 129), "--key"),
    ],
)
def test_a_bad_argument_is_exit_2_and_creates_nothing(system: System, arguments: tuple[str, ...], says: str) -> None:
    before = [run["dag_run_id"] for run in system.dag_runs()]
    refused = system.export(*arguments)
    assert refused.returncode == 2
    assert says in refused.stderr
    assert refused.stderr.count("\n") == 1, "one sentence, no traceback"
    assert [run["dag_run_id"] for run in system.dag_runs()] == before


def test_a_reversed_period_through_rest_fails_in_open_run(system: System) -> None:
    """Airflow's form checks each field by itself, so through REST this one is a failed run that created nothing."""
    answer = system.trigger(period_from="2025-08-02", period_to="2025-08-01")
    assert answer.status_code == 200
    ended = system.ended(answer.json()["dag_run_id"])
    assert ended["state"] == "failed"
    assert {task["try_number"] for task in system.tasks(ended["dag_run_id"])} <= {0, 1}, "no retry repairs a date"
    assert ended["note"].startswith("open_run: ")
    assert "2025-08-02" in ended["note"]
    assert "2025-08-01" in ended["note"]
    assert system.rows("SELECT 1 FROM call_exports WHERE dag_run_id = %s", answer.json()["dag_run_id"]) == []


def test_a_dry_run_downloads_and_spends_nothing(system: System) -> None:
    before = len(system.downloads()), system.recognitions()
    done = system.export(*days(DRY_DAYS), "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "прогноз готов, ничего не скачано и не потрачено" in done.stdout
    assert (len(system.downloads()), system.recognitions()) == before
    assert list(system.folder(*DRY_DAYS).glob("reports/estimate_*.md"))
    run = system.rows("SELECT * FROM call_exports WHERE dry_run AND period_from = %s", DRY_DAYS[0])
    assert [(one["status"], one["spent_cost"]) for one in run] == [("completed", 0)]
    assert run[0]["forecast_cost"] > 0


def test_failures_of_a_step_are_counted_over_its_tries(system: System) -> None:
    """The count survives the try and decides when to give up: Airflow's own count includes the waits."""
    system.portal.faults.add("batch", FaultKind.STATUS, times=2, status=500)
    done = system.export(*days(DRY_DAYS), "--dry-run", "--key", "counted")
    assert done.returncode == 0, done.stdout + done.stderr
    task = f"dags/{DAG_ID}/dagRuns/key__counted/taskInstances/list_calls"
    assert system.api("GET", f"{task}/state-store/{FAILURES}").json()["value"] == [TASK_RETRIES, 2]


def test_a_dag_of_others_starts_after_an_export_and_not_after_a_forecast(system: System, first_run: str) -> None:
    """The DAG is the example of `docs/api.md`. The forecast of the tests above has published by now."""
    runs: list[dict[str, Any]] = []
    seen: dict[str, int] = {}

    def started() -> bool:
        runs[:] = system.api("GET", f"dags/{AFTER_EXPORT}/dagRuns").json()["dag_runs"]
        for run in runs:
            if run["state"] == "success":
                task = f"dags/{AFTER_EXPORT}/dagRuns/{quote(run['dag_run_id'], safe='')}/taskInstances/read_registry"
                seen.update(system.api("GET", f"{task}/xcomEntries/return_value?deserialize=true").json()["value"])
        return FIRST_DAYS[0] in seen

    eventually(started, 120, f"{AFTER_EXPORT} has not seen the export")
    assert {run["run_type"] for run in runs} == {"asset_triggered"}
    events = system.api("GET", "assets/events?limit=100").json()["asset_events"]
    by_asset = {event["name"] for event in events}
    assert by_asset == {"call_export/registry", "call_export/texts"}
    assert {event["extra"]["date_from"] for event in events} & {FIRST_DAYS[0], DRY_DAYS[0]} == {FIRST_DAYS[0]}
    (run,) = system.rows("SELECT run_id FROM call_exports WHERE dag_run_id = %s", first_run)
    of_run = [event["extra"] for event in events if event["extra"]["run_id"] == str(run["run_id"])]
    assert {extra["completed"] for extra in of_run} == {len(completed_of(system, first_run))}
    assert seen[FIRST_DAYS[0]] == len(registry(system, FIRST_DAYS))


def completed_of(system: System, dag_run_id: str) -> list[dict[str, object]]:
    return [record for record in records(system, dag_run_id) if record["status"] == "completed"]


@pytest.mark.long
def test_a_cleared_red_batch_is_finished(system: System) -> None:
    """Registry and report are written in spite of it; clearing repeats exactly the unfinished recordings."""
    victim = next(call for call in system.portal.world.calls.values() if call.file_id and _in(RED_DAYS, call))
    system.portal.faults.add("download", FaultKind.STATUS, times=-1, match=str(victim.file_id), status=500)
    done = system.export(*days(RED_DAYS), "--key", "red")
    assert done.returncode == 1
    assert system.dag_run("key__red")["state"] == "failed"
    red = {(task["task_id"], task["map_index"]) for task in system.tasks("key__red") if task["state"] == "failed"}
    assert {name for name, _ in red} == {"batch.download", "close_run"}
    tries = {task["task_id"]: task["try_number"] for task in system.tasks("key__red") if task["state"] == "failed"}
    assert tries == {"batch.download": 6, "close_run": 1}, "five retries by the ladder; a verdict is never retried"
    assert [(row["call_id"], row["error_code"]) for row in registry(system, RED_DAYS) if row["status"] == "error"] == [
        (victim.call_id, "download_failed")
    ]
    assert list(system.folder(*RED_DAYS).glob("reports/summary_*.pdf"))

    system.portal.faults.clear()
    fetched, recognised = len(system.downloads()), system.recognitions()
    index = next(index for name, index in red if name == "batch.download")
    cleared = system.api("POST", f"dags/{DAG_ID}/clearTaskInstances", {
        "dry_run": False, "only_failed": False, "dag_run_id": "key__red",
        "task_ids": [["batch.download", index]], "include_downstream": True,
    })  # fmt: skip
    assert cleared.status_code == 200, cleared.text
    assert system.ended("key__red")["state"] == "success"
    assert system.downloads()[fetched:] == [str(victim.file_id)]
    pieces = system.recognitions() - recognised
    assert 0 < pieces <= 10, "one recording's pieces, not the batch's"
    assert [row["status"] for row in system.rows("SELECT status FROM call_exports WHERE idempotency_key = 'red'")] == [
        "completed"
    ]
    assert {row["status"] for row in registry(system, RED_DAYS)} == {"completed", "no_recording"}


def test_resume_after_the_runbooks_sql_repeats_one_recording(system: System, first_run: str) -> None:
    record = next(row for row in records(system, first_run) if row["status"] == "completed")
    system.change(
        "UPDATE call_records SET status = 'pending' WHERE run_id = %s AND call_id = %s AND record_id = %s",
        record["run_id"], record["call_id"], record["record_id"],
    )  # fmt: skip
    fetched = len(system.downloads())
    resumed = system.export("--resume", "--run-id", str(record["run_id"]))
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert len(system.downloads()) - fetched == 1
    assert {row["status"] for row in registry(system, FIRST_DAYS)} == {"completed", "no_recording"}


def test_replay_repairs_a_dead_letter_and_lost_audio(system: System, first_run: str) -> None:
    """With the runbook's one command: one recording is a dead letter, the stored audio of another is lost."""
    given_up, robbed = [row for row in records(system, first_run) if row["status"] == "completed"][:2]
    back = "UPDATE recordings SET transcript_id = NULL, transcript_path = NULL, status = %s, raw_path = %s,"
    back += " checksum = %s, first_failed_at = %s WHERE recording_id = %s"
    run_id, long_ago = given_up["run_id"], datetime.now(UTC) - timedelta(hours=25)
    system.change(back, "error", None, None, long_ago, given_up["recording_id"])
    system.change(back, "downloaded", robbed["raw_path"], robbed["checksum"], None, robbed["recording_id"])
    with State.open(system.databases.state_url) as state:
        assert (
            state.dead_letters.move_overdue(UUID(str(run_id)), failed_before=datetime.now(UTC) - timedelta(hours=24))
            == 1
        )
    (system.runtime.storage / str(robbed["raw_path"])).unlink()
    fetched, recognised = len(system.downloads()), system.recognitions()

    replayed = system.export("--replay-dlq", "--run-id", str(run_id))

    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert system.rows("SELECT 1 FROM call_export_dlq WHERE run_id = %s AND replayed_at IS NULL", run_id) == []
    rows = {(row["call_id"], row["record_id"]): row for row in records(system, first_run)}
    for record in (given_up, robbed):
        row = rows[record["call_id"], record["record_id"]]
        assert (row["status"], row["checksum"]) == ("completed", record["checksum"])
        assert (system.runtime.storage / str(row["raw_path"])).is_file()
        assert (system.runtime.storage / str(row["transcript_path"])).is_file()
    assert len(system.downloads()) - fetched == 2
    assert system.recognitions() > recognised
    assert {row["status"] for row in registry(system, FIRST_DAYS)} == {"completed", "no_recording"}


def _in(period: tuple[str, str], call: object) -> bool:
    return f"{call.started_at:%Y-%m-%d}" in period  # type: ignore[attr-defined]

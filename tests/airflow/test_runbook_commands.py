"""Every command of the runbook that needs the running system, typed as written there, and its effects.

They run in a folder that looks like a clone with `make install` done; `docker compose run` is compared, not run.
"""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from simulators.kit.in_process import running as served
from simulators.openai.app import RecogniserSimulator
from tests.airflow.system import System
from tests.kit.runbook_blocks import BACKUPS, ROOT, commands, filled

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.timeout(900)]

DAYS = "2025-08-11", "2025-08-12"  # used by this file only
ON_DISK = ("find", "grep")  # run by tests/integration/repository/test_runbook.py
RUN: set[str] = set()
Typed = Callable[..., str]


@pytest.fixture
def typed(system: System) -> Typed:
    """Types the runbook's command that begins so, with values for its placeholders; returns its output."""
    root = system.runtime.root
    (root / ".venv").is_symlink() or (root / ".venv").symlink_to(sys.prefix)
    (root / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())

    def type_in(command: str, answer: str | None = None, code: int = 0, **values: object) -> str:
        assert command in [*commands(), *commands(BACKUPS)], f"the runbook has no {command!r}"
        RUN.add(command)
        outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        line = filled(command, **values).replace("2025-08-01", DAYS[0]).replace("2025-08-31", DAYS[1])
        done = subprocess.run(
            ["bash", "-c", line.replace("make ", "make PYTHON=true ", 1)],  # nothing is installed again
            cwd=root, env=outer | {"COLUMNS": "300"}, input=answer, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{line}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    return type_in


@pytest.fixture
def exported(system: System, typed: Typed) -> str:
    """The run_id of the whole period's export, made once by the runbook's three exports."""
    known = "SELECT run_id FROM call_exports WHERE idempotency_key = 'runbook' AND status = 'completed'"
    if not system.rows(known):
        export = "make export FROM=2025-08-01 TO=2025-08-31"
        with ThreadPoolExecutor() as pool:
            trials = [pool.submit(typed, f"{export} {kind}") for kind in ("DRY_RUN=true", "LIMIT_CALLS=5")]
            outputs = [trial.result() for trial in trials]
        assert "прогноз готов, ничего не скачано и не потрачено" in outputs[0]
        whole = typed(export)
        run_id = whole.rsplit("run_id ", 1)[1].split(":")[0].strip()
        system.change("UPDATE call_exports SET idempotency_key = 'runbook' WHERE run_id = %s", run_id)
    (run,) = system.rows(known)
    return str(run["run_id"])


def test_an_export_is_forecast_tried_and_made(system: System, exported: str) -> None:
    runs = system.rows(
        "SELECT dry_run, status, metadata ->> 'limit_calls' AS most, spent_cost FROM call_exports "
        "WHERE period_from = %s AND period_to = %s::timestamptz + interval '1 day - 1 second'",
        *DAYS,
    )
    assert {run["status"] for run in runs} == {"completed"}
    assert sorted((run["dry_run"], run["most"]) for run in runs) == [(False, "0"), (False, "5"), (True, "0")]
    assert [run["spent_cost"] for run in runs if run["dry_run"]] == [0]


def test_what_runs_is_shown_and_the_database_answers(system: System, typed: Typed, exported: str) -> None:
    assert "scheduler" in typed("make status")
    assert system.running is not None
    assert system.running.url in typed("make up SCHEDULE=true")
    answer = typed("make sql", answer=f"SELECT status FROM call_exports WHERE run_id = '{exported}';\n")
    assert "completed" in answer
    answer = typed(
        "make sql ROLE=read", answer="SELECT count(*) FROM call_facts;\nSELECT from_number FROM recordings;\n"
    )
    assert "count" in answer
    assert "permission denied" in answer
    assert "выгрузка начата" in typed("make audit")
    assert "--from" in typed(".venv/bin/python -m ops run -- .venv/bin/python -m jobs.call_export --help")


def test_a_run_is_resumed_and_its_dead_letters_with_it(system: System, typed: Typed, exported: str) -> None:
    for command in ("make resume RUN_ID=<run_id>", "make resume RUN_ID=<run_id> DLQ=true"):
        assert f"run_id {exported}: completed" in typed(command, run_id=exported)
    resumed = system.rows("SELECT 1 FROM call_events WHERE run_id = %s AND detail ? 'resumed_by'", exported)
    assert len(resumed) == 2


def test_access_is_checked_and_the_portal_looked_at_without_a_run(system: System, typed: Typed, exported: str) -> None:
    runs = system.rows("SELECT count(*) AS runs FROM call_exports")
    checked = typed("make check")
    for name in ("База состояния", "Хранилище", "Часы", "Портал", "Распознаватель", "Airflow"):
        assert f"{name} " in checked
    assert "Всё работает" in checked or "Работает всё, что проверено" in checked
    assert "по счёту портала" in typed("make discover")
    assert "все линии" in typed("make discover FROM=2025-08-01 TO=2025-08-31")
    assert system.rows("SELECT count(*) AS runs FROM call_exports") == runs


@pytest.mark.long
def test_a_period_is_begun_anew_and_bought_once_more(system: System, typed: Typed, exported: str) -> None:
    reset = "make reset FROM=2025-08-01 TO=2025-08-31"
    assert "Пока ничего не изменено" in typed(reset)
    asked = system.recognitions()
    assert "Сброшено: " in typed(f'{reset} YES=true REASON="не та модель"')
    assert f"run_id {exported}: completed" in typed("make resume RUN_ID=<run_id>", run_id=exported)
    assert system.recognitions() > asked
    assert "период начат заново" in typed("make audit")


@pytest.mark.long
def test_texts_of_a_line_are_rebuilt_for_nothing(system: System, typed: Typed, exported: str) -> None:
    asked = system.recognitions()
    line = system.rows(
        "SELECT phone_line FROM call_records WHERE run_id = %s AND status = 'completed' LIMIT 1", exported
    )
    output = typed("make rebuild RUN_ID=<run_id> LINE=<линия>", run_id=exported, линия=line[0]["phone_line"])
    assert "запросов к распознавателю: 0" in output
    assert "запросов к распознавателю: 0" in typed("make rebuild RUN_ID=<run_id>", run_id=exported)
    assert system.recognitions() == asked


@pytest.mark.long
def test_a_known_period_is_delivered(system: System, typed: Typed, exported: str) -> None:
    """The run was started by a person, so its texts are there already."""
    folder = system.folder(*DAYS)
    copies = {path.name for path in folder.glob("transcripts/*.txt")}
    (texts,) = system.rows("SELECT completed_calls FROM call_exports WHERE run_id = %s", exported)
    assert len(copies) == texts["completed_calls"] > 0
    for path in folder.glob("transcripts/*.txt"):
        path.unlink()
    assert f"в папку {folder.name} положено:" in typed("make deliver FROM=2025-08-01 TO=2025-08-31")
    assert {path.name for path in folder.glob("transcripts/*.txt")} == copies
    typed("make deliver FROM=2025-08-01 TO=2025-08-31 AUDIO=true")
    assert len(list(folder.glob("raw/2025/08/*/*"))) == len(copies)


@pytest.mark.long
def test_a_period_is_held_and_lifted(system: System, typed: Typed, exported: str) -> None:
    placed = typed('make hold FROM=2025-08-01 TO=2025-08-31 REASON="запрос суда"')
    (hold,) = system.rows("SELECT hold_id, reason FROM holds_in_force")
    assert hold["reason"] == "запрос суда"
    assert typed("make hold").splitlines()[-1] == placed.splitlines()[-1]
    typed("make hold LIFT=<номер>", **{"номер": hold["hold_id"]})
    assert system.rows("SELECT 1 FROM holds_in_force") == []


@pytest.mark.long
def test_a_folder_for_the_customer_names_nobody(system: System, typed: Typed, exported: str) -> None:
    deliver = "make deliver FROM=2025-08-01 TO=2025-08-31"
    numbers = {
        row["from_number"]
        for row in system.rows(
            "SELECT from_number FROM call_records WHERE run_id = %s AND status = 'completed' AND from_number <> ''",
            exported,
        )
    }
    folder = system.folder(*DAYS) / "transcripts"

    def named() -> set[str]:
        texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.txt")]
        return {number for number in numbers if any(number in text for text in texts)}

    assert named()
    typed(f"{deliver} MASK=true")
    assert not named()


def test_the_sample_is_listed_filled_in_and_in_the_report(system: System, typed: Typed, exported: str) -> None:
    assert "проверено 0 из" in typed("make qa RUN_ID=<run_id>", run_id=exported)
    typed("make qa RUN_ID=<run_id> OUT=qa.csv", run_id=exported)
    table = system.runtime.root / "qa.csv"
    rows = list(csv.DictReader(table.read_text(encoding="utf-8-sig").splitlines(), delimiter=";"))
    rows[0]["result"] = "ok"
    _write(table, rows)
    assert "записано новых оценок: 1" in typed('make qa FILE=qa.csv BY="имя"')
    one = 'make qa RUN_ID=<run_id> CALL_ID=<call_id> RESULT=issue COMMENT="роли перепутаны" BY="имя"'
    ended_dag_runs(system)
    output = typed(one, run_id=exported, call_id=_single(system, exported, rows[0]["call_id"]))
    assert "отчёт переписывается задачей publish" in output
    checks = system.rows("SELECT result, comment, checked_by FROM call_qa_checks WHERE run_id = %s", exported)
    found = sorted((check["result"], check["comment"], check["checked_by"]) for check in checks)
    assert found == [("issue", "роли перепутаны", "имя"), ("ok", "", "имя")]
    ended_dag_runs(system)
    report = next(system.folder(*DAYS).glob("reports/summary_*.md")).read_text(encoding="utf-8")
    assert "Проверено 2 из" in report
    assert "замечание: роли перепутаны" in report
    (run,) = system.rows("SELECT status FROM call_exports WHERE run_id = %s", exported)
    assert run["status"] == "completed", "the verdict stands"


@pytest.mark.long
def test_another_engine_hears_the_period_and_a_person_adopts(system: System, typed: Typed, exported: str) -> None:
    texts = "SELECT transcript_id, model FROM call_records WHERE run_id = %s AND status = 'completed' ORDER BY 1"
    before = system.rows(texts, exported)
    output = typed("make replay FROM=2025-08-01 TO=2025-08-31 MODEL=whisper-1 LIMIT=20")
    report, table = (Path(part.strip()) for part in output.rsplit("отчёт: ", 1)[1].split("; таблица: "))
    assert "Другой движок рядом: whisper-1" in report.read_text(encoding="utf-8")
    assert len(table.read_text(encoding="utf-8-sig").splitlines()) > 1
    assert system.rows(texts, exported) == before
    output = typed("make replay FROM=2025-08-01 TO=2025-08-31 MODEL=whisper-1 LIMIT=20 ADOPT=true")
    assert "запросов 0, потрачено 0,0000" in output, "what was bought is not bought again"
    assert "whisper-1" in {row["model"] for row in system.rows(texts, exported)}


@pytest.mark.long
def test_another_service_hears_the_period_with_its_own_key(
    system: System, typed: Typed, exported: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, second = system.recognitions(), RecogniserSimulator(key="sk-of-the-second-service")
    with served(second) as url:
        connection = {"conn_type": "recogniser", "host": f"{url}/v1", "password": second.key}
        monkeypatch.setenv("AIRFLOW_CONN_SECOND_RECOGNISER", json.dumps(connection))
        command = "make replay FROM=2025-08-01 TO=2025-08-31 MODEL=whisper-1 LIMIT=20 CONNECTION=second_recogniser"
        output = typed(command)
    report = Path(output.rsplit("отчёт: ", 1)[1].split("; таблица: ")[0].strip()).read_text(encoding="utf-8")
    assert r"whisper-1\@second_recogniser" in report
    assert second.journal.count("transcriptions") > 0
    assert system.recognitions() == asked, "the first service is not asked"
    assert second.key not in output + report


def _single(system: System, run_id: str, other: str) -> str:
    """A call with one recording, another than `other`."""
    found = system.rows(
        "SELECT min(call_id) AS call_id FROM call_records WHERE run_id = %s AND status = 'completed' AND call_id <> %s "
        "GROUP BY call_id HAVING count(*) = 1",
        run_id,
        other.removeprefix("'"),
    )
    return str(found[0]["call_id"])


def _write(table: Path, rows: list[dict[str, str]]) -> None:
    with table.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys(), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)


def ended_dag_runs(system: System) -> None:
    for run in system.dag_runs():
        if run["state"] not in ("success", "failed"):
            system.ended(run["dag_run_id"])


@pytest.mark.long
def test_a_backup_of_the_running_system_is_put_back(system: System, typed: Typed, exported: str) -> None:
    """Both databases come back, and the system goes on with them; the ones it had stay under other names."""
    assert system.running is not None
    before = system.rows("SELECT count(*) AS events FROM call_events WHERE run_id = %s", exported)
    assert "все таблицы совпали" in typed("make backup")
    system.change("UPDATE call_exports SET actor = 'another' WHERE run_id = %s", exported)
    restore = "make restore FROM=latest ASIDE=true"
    assert "make down" in typed(restore, code=2), "never under a running system"
    typed("make down")
    typed("make status", code=2)  # make's own code for a recipe that failed
    put_back = typed(restore)
    assert "База call_export_airflow переименована в call_export_airflow_before_" in put_back
    assert "Восстановлено из копии" in put_back
    assert system.running.url in typed("make up")
    (run,) = system.rows("SELECT actor FROM call_exports WHERE run_id = %s", exported)
    assert run["actor"] != "another"
    assert system.rows("SELECT count(*) AS events FROM call_events WHERE run_id = %s", exported) == before
    assert system.rows("SELECT 1 FROM backups WHERE verified_at IS NOT NULL")


def test_the_docker_compose_command_is_the_tested_one() -> None:
    (old,) = [command for command in commands() if command.startswith("docker")]
    compose = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
    assert "app" in compose["services"]
    command = "docker compose run --rm app python -m jobs.call_export --from 2025-08-01 --to 2025-08-31"
    assert old == command
    RUN.add(old)


def test_component_logs_and_task_logs_are_json_when_asked(system: System, exported: str) -> None:
    import json

    component = (system.runtime.logs / "scheduler.log").read_text(encoding="utf-8").splitlines()
    read = [json.loads(line) for line in component if line.startswith("{")]
    assert len(read) > 0.9 * len(component)
    assert all("event" in line for line in read)
    tasks = list((system.runtime.logs / "tasks").rglob("*transcribe*/**/*.log"))
    assert tasks
    for path in tasks:
        for line in path.read_text(encoding="utf-8").splitlines():
            assert {"timestamp", "level", "event"} <= set(json.loads(line))


@pytest.mark.long
def test_no_command_is_left_out() -> None:
    """The file's last test: every command of the runbook has been typed."""
    assert set(commands()) - RUN == {command for command in commands() if command.startswith(ON_DISK)}

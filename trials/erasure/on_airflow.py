"""`call_erasure` on a running Airflow: the one who started it cannot approve it, a second person can, no trace stays.

By hand: `pytest -p tests.airflow.fixtures trials/erasure/on_airflow.py` (a minute).
"""

import json
import time
from typing import Any

import psycopg
import pytest
import requests

from include.calls.names import ERASURE_DAG_ID, ERASURE_TRACES_DAG_ID
from ops.settings.generated_secrets import SECURITY, passwords_file
from tests.airflow.system import System, eventually

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.timeout(400)]

DAYS = ("2025-08-01", "2025-08-01")
AFTER_PARKING = 3.0  # seconds; an answer that comes sooner is lost to a race in Airflow 3.3.2, and asked for again


def as_security(system: System, method: str, path: str, body: dict[str, Any]) -> requests.Response:
    base = system.api("GET", "version").url.split("/api/v2")[0]
    password = json.loads(passwords_file(system.runtime).read_text())[SECURITY]
    token = requests.post(f"{base}/auth/token", json={"username": SECURITY, "password": password}, timeout=30).json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    return requests.request(method, f"{base}/api/v2/{path}", json=body, headers=headers, timeout=30)


def test_a_second_person_approves_and_no_trace_stays(system: System) -> None:
    done = system.export("--from", DAYS[0], "--to", DAYS[1])
    assert done.returncode == 0, done.stdout
    (call,) = system.rows("SELECT call_id FROM recordings WHERE status = 'completed' ORDER BY recording_id LIMIT 1")
    call_id = call["call_id"]
    conf = {"erase_call_id": call_id, "reason": "обращение № 1", "asked_by": "сам человек"}
    body = {"dag_run_id": "manual__erase", "logical_date": None, "conf": conf}
    started = system.api("POST", f"dags/{ERASURE_DAG_ID}/dagRuns", body)
    assert started.status_code == 200, started.text
    runs = f"dags/{ERASURE_DAG_ID}/dagRuns/manual__erase"

    def states() -> dict[str, str]:
        found = system.api("GET", f"{runs}/taskInstances").json()["task_instances"]
        return {task["task_id"]: task["state"] for task in found}

    def parked() -> bool:
        return states().get("decide") == "awaiting_input"

    eventually(parked, 90, f"not parked: {states()}")
    time.sleep(AFTER_PARKING)
    answer = {"chosen_options": ["Approve"], "params_input": {}}
    question = f"{runs}/taskInstances/decide/-1/hitlDetails"
    assert system.api("PATCH", question, answer).status_code == 200
    refused = "SELECT count(*) AS times FROM call_events WHERE event = 'erasure_own_answer_refused'"
    eventually(lambda: system.rows(refused)[0]["times"] == 1, 60, "the own answer was not refused")
    eventually(parked, 90, f"not asked again: {states()}")
    time.sleep(AFTER_PARKING)
    answered = as_security(system, "PATCH", question, answer)
    assert answered.status_code == 200, answered.text
    eventually(lambda: states().get("erase") == "success", 90, f"not erased: {states()}")
    (erasure,) = system.rows("SELECT status, triggered_by, decided_by FROM erasures")
    assert erasure == {"status": "settled", "triggered_by": "admin", "decided_by": "security"}
    eventually(lambda: system.api("GET", runs).json()["state"] == "success", 60, "the run goes on")
    with psycopg.connect(system.databases.metadata_url) as connection:
        connection.execute("UPDATE dag_run SET end_date = now() - interval '2 hours' WHERE run_id = 'manual__erase'")
    body = {"dag_run_id": "manual__traces", "logical_date": None, "conf": {}}
    assert system.api("POST", f"dags/{ERASURE_TRACES_DAG_ID}/dagRuns", body).status_code == 200
    eventually(lambda: system.api("GET", runs).status_code == 404, 90, "the run with the call's id is still there")
    with psycopg.connect(system.databases.metadata_url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        named = {}
        for (table,) in tables:
            (count,) = connection.execute(
                f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s'.encode(), [f"%{call_id}%"]
            ).fetchone() or (0,)
            if count:
                named[table] = count
    assert named == {}

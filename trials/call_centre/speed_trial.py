"""A run of scores under the real Airflow beside its bound, then again: how long, how much memory, forecast and fact.

The calls are there already; the judge is a simulated server that answers after a real delay, which counts from the
request to its response. Bound: requests x delay / lines.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from include.call_centre.names import QUALITY_DAG_ID
from include.common.errors import ExportError
from simulators.openai.scorecard_judge import answer_by_text
from tests.airflow.system import ENDED, System, eventually, system_in
from tests.kit.scored_calls import with_texts
from trials.bench.processes import Sampler
from trials.call_centre.many_calls import copied_calls

DAYS = 30
NEWEST = datetime(2025, 8, 31, 12, tzinfo=UTC)
EMPLOYEES = 60
BODY = "one.body || '[00:00:41] [Клиент]: Мой номер ' || n || '.' || chr(10)"  # no two texts are alike


def run(calls: int, seconds: float, lines: int) -> str:
    with TemporaryDirectory(prefix="scores-", dir="/dev/shm") as folder, system_in(Path(folder)) as system:
        for name in ("CHATGPT_PROXY_URL", "REQUIRE_PROXY"):
            del system.settings[name]
        system.settings |= {
            "QUALITY_ENABLED": "true",
            "QUALITY_BUDGET_USD": "1000",
            "LLM_DAILY_BUDGET_USD": "1000",
            "LLM_CONCURRENCY": str(lines),
            "LOG_LEVEL": "INFO",
        }
        system.recogniser.writes = answer_by_text
        system.configured()
        with_texts(system.databases.state_url, 1)
        with psycopg.connect(system.databases.state_url) as connection:
            number = {"count": calls - 1, "newest": NEWEST, "days": DAYS, "employees": EMPLOYEES}
            copied_calls(
                connection, number, body="one.body || '[00:00:41] [Клиент]: Мой номер ' || n || '.' || chr(10)"
            )
        with psycopg.connect(system.databases.state_url, autocommit=True) as connection:
            connection.execute("ANALYZE")
        system.recogniser.seconds = seconds
        system.api("PATCH", f"dags/{QUALITY_DAG_ID}", {"is_paused": False}).raise_for_status()
        return _measured(system, calls, seconds, lines)


def _measured(system: System, calls: int, seconds: float, lines: int) -> str:
    load = os.getloadavg()[0]
    with Sampler(system.runtime) as sampler:
        took = _took(system, "first", longest=3 * calls * seconds / lines + 600)
    asked = system.recogniser.journal.count("chat")
    bound = asked * seconds / lines
    shares = sampler.shares()
    again = _took(system, "second", longest=600)
    (found,) = system.rows(
        "SELECT (SELECT forecast_cost FROM callcenter.quality_runs WHERE dag_run_id = 'first')::float AS forecast,"
        " (SELECT sum(usd) FROM charges WHERE purpose = 'quality')::float AS paid,"
        " (SELECT count(*) FROM callcenter.quality_scores WHERE status = 'scored') AS scored,"
        " (SELECT count(DISTINCT batch_no) FROM callcenter.quality_work) AS batches"
    )
    peaks = ", ".join(f"{task} {peak:.0f}" for task, peak in _by_task(system, shares.peaks_mb).items())
    cores = ", ".join(f"{name} {share:.0%}" for name, share in shares.of_the_cores(took).items())
    return (
        f"{calls} calls, {seconds:g} s an answer, {lines} lines; "
        f"load before {load:.1f}, after {os.getloadavg()[0]:.1f}\n"
        f"scored {found['scored']} in {found['batches']} batches, requests {asked}\n"
        f"{took:.1f} s beside a bound of {bound:.1f} s: {took / bound:.3f}\n"
        f"again: {again:.1f} s, requests {system.recogniser.journal.count('chat') - asked}\n"
        f"forecast {found['forecast']:.4f}, paid {found['paid']:.4f} USD: {found['forecast'] / found['paid']:.3f}\n"
        f"peaks, MB: {peaks}\ncores: {cores}"
    )


def _by_task(system: System, peaks: dict[str, float]) -> dict[str, float]:
    """The highest peak of each task."""
    with psycopg.connect(system.databases.metadata_url) as connection:
        names = {str(one): task for one, task in connection.execute("SELECT id, task_id FROM task_instance")}
    highest: dict[str, float] = {}
    for one, peak in peaks.items():
        task = names.get(one, "?")
        highest[task] = max(highest.get(task, 0), peak)
    return dict(sorted(highest.items()))


def _took(system: System, name: str, *, longest: float) -> float:
    """Seconds from the trigger to the end of the DAG run, by Airflow."""
    body = {"dag_run_id": name, "logical_date": None, "conf": {"date_from": "2025-07-01", "date_to": "2025-08-31"}}
    system.api("POST", f"dags/{QUALITY_DAG_ID}/dagRuns", body).raise_for_status()
    path = f"dags/{QUALITY_DAG_ID}/dagRuns/{name}"
    eventually(lambda: system.api("GET", path).json()["state"] in ENDED, longest, f"{name} has not ended")
    found = system.api("GET", path).json()
    if found["state"] != "success":
        raise ExportError(f"the run {name} ended {found['state']}: {found['note']}")
    queued, ended = (datetime.fromisoformat(found[key]) for key in ("queued_at", "end_date"))
    return (ended - queued).total_seconds()

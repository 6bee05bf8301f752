"""Scores on a running Airflow: the texts of an export are scored, a second run buys nothing, people see the pages.

By hand: `pytest -p tests.airflow.fixtures trials/call_centre/on_airflow.py` (some minutes); pictures of the pages go to
the folder that the variable SHOTS names.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from include.call_centre.names import QUALITY_DAG_ID
from simulators.openai.scorecard_judge import answer_by_text
from tests.airflow.system import ENDED, System, eventually, system_in
from tests.browser.ui import browser_page, log_in

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.timeout(900)]


def started(system: System, name: str, **conf: Any) -> str:
    body = {"dag_run_id": name, "logical_date": None, "conf": conf}
    answer = system.api("POST", f"dags/{QUALITY_DAG_ID}/dagRuns", body)
    assert answer.status_code == 200, answer.text
    run = f"dags/{QUALITY_DAG_ID}/dagRuns/{name}"
    eventually(lambda: system.api("GET", run).json()["state"] in ENDED, 400, f"{name} has not ended")
    found = system.api("GET", run).json()
    print(name, found["state"], found["note"])
    return str(found["state"])


def test_texts_are_scored_once_and_people_see_them(tmp_path: Path) -> None:
    with system_in(tmp_path) as system:
        system.settings |= {"QUALITY_ENABLED": "true", "CALLCENTER_TIMEZONE": "Europe/Kyiv"}
        system.recogniser.writes = answer_by_text
        system.configured()
        done = system.export("--from", "2025-08-01", "--to", "2025-08-01")
        assert done.returncode == 0, done.stdout
        system.api("PATCH", f"dags/{QUALITY_DAG_ID}", {"is_paused": False})
        assert started(system, "first", date_from="2025-08-01", date_to="2025-08-02") == "success"
        asked = system.recogniser.journal.count("chat")
        print(
            system.rows("SELECT status, error_code, count(*) AS n FROM callcenter.quality_scores GROUP BY 1, 2"), asked
        )
        assert started(system, "second", date_from="2025-08-01", date_to="2025-08-02") == "success"
        assert system.recogniser.journal.count("chat") == asked
        with browser_page(tmp_path / "browser") as page:
            log_in(system, page)
            pictures(system, page)


def pictures(system: System, page: Page) -> None:
    assert system.running is not None
    folder = Path(os.environ["SHOTS"])
    (score,) = system.rows("SELECT score_id FROM callcenter.quality_scores WHERE status = 'scored' LIMIT 1") or [{}]
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.evaluate(f"localStorage.setItem('theme', '{theme}')")
        for name in ("quality", "models", f"quality/{score.get('score_id', '')}"):
            page.goto(f"{system.running.url}/plugin/calls/{name}")
            page.locator(".cb h2").first.wait_for()
            page.wait_for_timeout(1500)
            page.screenshot(path=str(folder / f"{name.split('/')[-1][:8]}_{theme}.png"), full_page=True)

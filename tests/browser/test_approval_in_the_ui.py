"""The approval of a cost in Airflow's UI: one run approved, another refused."""

import re

import pytest
from playwright.sync_api import Page, expect

from include.calls.names import DAG_ID
from ops.settings.generated_secrets import ADMIN
from ops.settings.profile import REPOSITORY
from tests.airflow.costly_calls import add_costly_calls
from tests.airflow.system import System, eventually
from tests.browser.ui import CHROMIUM, log_in

APPROVED_DAYS = ("2025-09-01", "2025-09-02")
REFUSED_DAYS = ("2025-09-03", "2025-09-04")
PICTURE = REPOSITORY / "build" / "approval.png"  # the committed copy is docs/images/approval.png

pytestmark = [
    pytest.mark.long,
    pytest.mark.airflow,
    pytest.mark.chromium,
    pytest.mark.timeout(600),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


def asking(system: System, days: tuple[str, str]) -> str:
    """The DAG run of an export of those days."""
    dag_run_id: str = system.trigger(period_from=days[0], period_to=days[1]).json()["dag_run_id"]
    return dag_run_id


def waits(system: System, dag_run_id: str) -> bool:
    states = {task["task_id"]: task["state"] for task in system.tasks(dag_run_id)}
    return states.get("plan") == "awaiting_input"


def open_question(system: System, page: Page, dag_run_id: str) -> None:
    assert system.running is not None
    page.goto(f"{system.running.url}/dags/{DAG_ID}/runs/{dag_run_id}/tasks/plan/required_actions")
    expect(page.get_by_role("button", name="Approve")).to_be_visible()


def test_one_run_is_approved_and_one_refused(system: System, page: Page) -> None:
    approved_calls = add_costly_calls(system.portal.world, APPROVED_DAYS[0], 4)
    add_costly_calls(system.portal.world, REFUSED_DAYS[0], 3000, minutes=7)
    fetched, recognised = len(system.downloads()), system.recognitions()
    refused, approved = asking(system, REFUSED_DAYS), asking(system, APPROVED_DAYS)
    log_in(system, page)
    eventually(lambda: waits(system, refused) and waits(system, approved), 300, "the runs do not ask")

    open_question(system, page, refused)
    expect(page.get_by_text("Потратить до 99,23 USD? Бюджет 54,00 USD")).to_be_visible()
    expect(page.get_by_role("row", name="Записей к распознаванию")).to_contain_text(re.compile(r"3\s000"))
    PICTURE.parent.mkdir(exist_ok=True)
    page.screenshot(path=PICTURE)
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("button", name="Reject")).to_be_disabled()
    open_question(system, page, approved)
    page.get_by_role("button", name="Approve").click()

    assert system.ended(refused)["state"] == "success", "a decision is no failure"
    assert f"Cancelled: расход до 99,23 USD не согласован, решение: {ADMIN}" in system.dag_run(refused)["note"]
    (run,) = system.rows("SELECT * FROM call_exports WHERE dag_run_id = %s", refused)
    assert (run["status"], run["spent_cost"], run["approved_cost"]) == ("cancelled", 0, None)
    statuses = {task["task_id"]: task["state"] for task in system.tasks(refused)}
    assert {name for name, state in statuses.items() if state == "skipped"} == {
        "batch.download",
        "batch.transcribe",
        "batch.summarize",
        "want_summaries",
    }

    assert system.ended(approved)["state"] == "success"
    (run,) = system.rows("SELECT * FROM call_exports WHERE dag_run_id = %s", approved)
    assert (run["status"], f"{run['approved_cost']:.2f}") == ("completed", "94.50")
    assert len(system.downloads()) - fetched == len(approved_calls), "of the refused run nothing was downloaded"
    assert system.recognitions() - recognised <= len(approved_calls) * 2, "nor recognised"
    decided = system.rows("SELECT event, detail ->> 'by' AS by FROM call_events WHERE event IN ('approved', 'refused')")
    assert {("refused", ADMIN), ("approved", ADMIN)} <= {(one["event"], one["by"]) for one in decided}

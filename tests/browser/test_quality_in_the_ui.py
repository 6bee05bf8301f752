"""Scores inside a running Airflow: people decide about the money, one disputes an answer, another one decides on it."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from include.call_centre.names import QUALITY_DAG_ID
from ops.settings.generated_secrets import ADMIN, SECURITY, generated
from ops.settings.profile import REPOSITORY
from simulators.openai.scorecard_judge import answer_by_text
from tests.airflow.system import ENDED, System, eventually, system_in
from tests.browser.ui import CHROMIUM, log_in
from tests.kit.server_folder import server_folder

DAY = "2025-08-01"
PICTURES = REPOSITORY / "build"

pytestmark = [
    pytest.mark.long,
    pytest.mark.airflow,
    pytest.mark.chromium,
    pytest.mark.postgres,
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


@pytest.fixture
def scoring() -> Iterator[System]:
    """A system of its own that scores calls, with a budget that every run is above; the texts of one day are there."""
    root = server_folder("call-centre-system-")
    with system_in(root) as system:
        system.settings |= {"QUALITY_ENABLED": "true", "QUALITY_BUDGET_USD": "0.0001"}
        system.recogniser.writes = answer_by_text
        system.configured()
        done = system.export("--from", DAY, "--to", DAY)
        assert done.returncode == 0, done.stdout
        assert system.api("PATCH", f"dags/{QUALITY_DAG_ID}", {"is_paused": False}).status_code == 200
        yield system
    shutil.rmtree(root, ignore_errors=True)


def start(system: System, name: str) -> None:
    body = {"dag_run_id": name, "logical_date": None, "conf": {"date_from": DAY, "date_to": DAY}}
    assert system.api("POST", f"dags/{QUALITY_DAG_ID}/dagRuns", body).status_code == 200


def state_of(system: System, name: str) -> str:
    return str(system.api("GET", f"dags/{QUALITY_DAG_ID}/dagRuns/{name}").json()["state"])


def decide(system: System, page: Page, name: str, button: str) -> None:
    """The question of the run in Airflow's own page."""
    task = f"dags/{QUALITY_DAG_ID}/dagRuns/{name}/taskInstances/plan"
    eventually(lambda: system.api("GET", task).json().get("state") == "awaiting_input", 300, f"{name} does not ask")
    assert system.running is not None
    page.goto(f"{system.running.url}/dags/{QUALITY_DAG_ID}/runs/{name}/tasks/plan/required_actions")
    expect(page.get_by_text("Бюджет запуска $0,00")).to_be_visible()
    page.screenshot(path=PICTURES / f"quality_{button.lower()}.png")
    page.get_by_role("button", name=button).click()
    eventually(lambda: state_of(system, name) in ENDED, 300, f"{name} has not ended")


def as_person(system: System, page: Page, name: str) -> None:
    page.context.clear_cookies()
    keys = generated(system.runtime)
    log_in(system, page, name, keys.admin_password if name == ADMIN else keys.security_password)


def test_a_forecast_is_approved_and_an_answer_disputed(scoring: System, page: Page) -> None:
    PICTURES.mkdir(exist_ok=True)
    log_in(scoring, page)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    start(scoring, "refused")
    decide(scoring, page, "refused", "Reject")
    assert state_of(scoring, "refused") == "success", "a decision is no failure"
    assert scoring.recogniser.journal.count("chat") == 0
    start(scoring, "approved")
    decide(scoring, page, "approved", "Approve")
    assert state_of(scoring, "approved") == "success"
    runs = scoring.rows(
        "SELECT dag_run_id, status, approved_cost IS NOT NULL AS allowed FROM callcenter.quality_runs"
        " WHERE dag_run_id IN ('refused', 'approved') ORDER BY opened_at"
    )
    assert [tuple(run.values()) for run in runs] == [("refused", "cancelled", False), ("approved", "completed", True)]
    (score,) = scoring.rows(
        "SELECT score_id, final_score FROM callcenter.quality_scores WHERE status = 'scored' ORDER BY score_id LIMIT 1"
    )

    base = scoring.running.url  # type: ignore[union-attr]
    run = f"{base}/dags/{QUALITY_DAG_ID}/runs"
    page.goto(f"{run}/approved/plugin/scores-of-run")
    (made,) = scoring.rows("SELECT count(*) AS scores FROM callcenter.quality_scores")
    expect(page.locator(".cb-table tbody tr")).to_have_count(made["scores"])
    page.screenshot(path=PICTURES / "scores_of_run.png")
    page.goto(f"{run}/refused/plugin/scores-of-run")
    expect(page.get_by_text("No such scores")).to_be_visible()

    as_person(scoring, page, SECURITY)
    page.goto(f"{base}/plugin/calls/quality/{score['score_id']}")
    answer = page.locator(".cb-answer").first
    answer.get_by_role("button", name="Dispute").click()
    answer.get_by_label("Why the score is wrong").fill("Назвал компанию <b>сразу</b>")
    answer.get_by_role("button", name="Save").click()
    expect(answer.get_by_text("Dispute is open")).to_be_visible()
    expect(answer.get_by_text("Назвал компанию <b>сразу</b>")).to_be_visible()
    expect(answer.get_by_role("button", name="Dispute")).to_have_count(0)
    page.screenshot(path=PICTURES / "dispute_open.png", full_page=True)
    answer.get_by_role("button", name="Keep the answer").click()
    expect(answer.get_by_text("свой спор решает другой человек")).to_be_visible()
    assert scoring.rows("SELECT status, opened_by, resolved_by FROM callcenter.quality_disputes") == [
        {"status": "open", "opened_by": SECURITY, "resolved_by": None}
    ]

    as_person(scoring, page, ADMIN)
    page.goto(f"{base}/plugin/calls/quality")
    page.get_by_role("button", name="Disputed").click()
    page.locator(f"a[href$='quality/{score['score_id']}']").first.click()
    answer = page.locator(".cb-answer").first
    answer.get_by_role("button", name="Change to no", exact=True).click()
    expect(answer.get_by_text("Dispute: answer changed")).to_be_visible()
    expect(answer.get_by_text(f"answered by {ADMIN}")).to_be_visible()
    page.screenshot(path=PICTURES / "dispute_changed.png", full_page=True)
    (ended,) = scoring.rows("SELECT status, resolved_by FROM callcenter.quality_disputes")
    assert ended == {"status": "changed", "resolved_by": ADMIN}
    (after,) = scoring.rows(
        "SELECT final_score, open_disputes FROM callcenter.quality_scores WHERE score_id = %s", score["score_id"]
    )
    assert after["final_score"] < score["final_score"]
    assert after["open_disputes"] == 0
    noted = scoring.rows("SELECT actor, action FROM audit_log WHERE action LIKE '%%dispute%%'")
    assert {(SECURITY, "score_disputed"), (ADMIN, "dispute_decided")} <= {tuple(one.values()) for one in noted}
    assert errors == []

"""An operator in the UI: logs in, opens the DAG, fills in two dates, triggers, sees the run succeed."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from include.calls.names import DAG_ID
from ops.settings.generated_secrets import ADMIN
from ops.settings.profile import REPOSITORY
from tests.airflow.system import System
from tests.browser.ui import CHROMIUM, log_in

PERIOD = ("2025-08-07", "2025-08-08")
PICTURE = REPOSITORY / "build" / "run.png"  # the committed copy is docs/images/run.png
GREEN_SECONDS = 400

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.chromium,
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


def test_a_run_from_the_login_to_green(system: System, page: Page) -> None:
    log_in(system, page)
    page.get_by_role("link", name="Dags", exact=True).click()
    page.wait_for_url(re.compile(r"/dags(\?.*)?$"))  # the home page has links of this name to tasks: events of assets
    page.get_by_role("link", name=DAG_ID, exact=True).first.click()
    page.wait_for_url(f"**/dags/{DAG_ID}**")

    trigger(page)

    (run,) = [one for one in system.dag_runs() if one["conf"].get("period_from") == PERIOD[0]]
    assert (run["conf"]["period_to"], run["triggering_user_name"]) == (PERIOD[1], ADMIN)
    page.goto(f"{system.running.url}/dags/{DAG_ID}/runs/{run['dag_run_id']}")
    badge = page.get_by_test_id("header-card").get_by_test_id("state-badge")
    expect(badge).to_have_text("Success", timeout=GREEN_SECONDS * 1000)

    page.reload()  # an open page keeps the note with which it was opened
    expect(page.get_by_text("Completed: тексты есть у")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^пачка 1: \d+\sзапис[а-яё]+, \d+\sмин$")).first).to_be_visible()
    expect(badge).to_have_text("Success")
    PICTURE.parent.mkdir(exist_ok=True)
    page.screenshot(path=PICTURE)


def trigger(page: Page) -> None:
    """The page may be rendered again at any moment and close the open form; an operator would open it again.

    A click that found no button has not started anything.
    """
    for _ in range(6):
        try:
            form = filled_form(page)
            form.get_by_role("button", name="Trigger", exact=True).click(timeout=10_000)
            break
        except PlaywrightTimeout:
            page.reload()
    else:
        raise AssertionError("the form never stayed open")
    expect(form).to_be_hidden(timeout=60_000)


def filled_form(page: Page) -> Locator:
    button = page.get_by_role("button", name="Trigger")
    expect(button).to_have_count(1, timeout=20_000)  # the list of DAGs, which may still be there, has one for each
    button.click(timeout=20_000)
    form = page.get_by_role("dialog")
    form.get_by_text("Начало периода").wait_for(timeout=15_000)
    for name, day in zip(("period_from", "period_to"), PERIOD, strict=True):
        form.locator(f"[name=element_{name}]").fill(day, timeout=10_000)
    return form

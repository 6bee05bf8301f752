"""The call browser inside a running Airflow: its menu, theme and language, and what a person hears and judges there."""

import re
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from ops.settings.generated_secrets import ADMIN
from ops.settings.profile import REPOSITORY
from tests.airflow.costly_calls import add_costly_calls
from tests.airflow.system import System
from tests.browser.ui import CHROMIUM, log_in

DAY = "2025-09-07"
PICTURE = REPOSITORY / "build" / "call.png"

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.chromium,
    pytest.mark.timeout(600),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


def violations(page: Page) -> list[str]:
    found = Axe().run(page, context=".cb").response["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


def test_a_call_is_found_heard_and_judged_inside_airflow(system: System, page: Page) -> None:
    add_costly_calls(system.portal.world, DAY, 2, minutes=1)
    run = system.trigger(period_from=DAY, period_to=DAY).json()["dag_run_id"]
    assert system.ended(run)["state"] == "success"
    log_in(system, page)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    page.get_by_role("link", name="Звонки").click()
    page.wait_for_url("**/plugin/calls")
    page.get_by_label("Period").select_option("all")
    expect(page.locator(".cb-call").first).to_be_visible()
    assert violations(page) == []
    page.get_by_label("has a text").check()
    page.wait_for_url(re.compile("statuses=completed"))
    page.locator(".cb-call-link").first.click()

    page.wait_for_url(re.compile(r"/plugin/calls/call/\d+$"))
    expect(page.locator(".cb-turn").first).to_be_visible()
    expect(page.get_by_text("This page is out of date")).to_have_count(0)
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_url(re.compile(r"\?t=[1-9]"))  # it has sounded to its end, after a second or two
    expect(page.locator(".cb-turn[aria-current]")).to_have_count(1)
    PICTURE.parent.mkdir(exist_ok=True)
    page.screenshot(path=PICTURE)
    assert violations(page) == []

    page.get_by_label("ok 1").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("ok", exact=True).first).to_be_visible()
    call = int(re.search(r"/call/(\d+)", page.url)[1])  # type: ignore[index]
    (given,) = system.rows("SELECT result, checked_by FROM call_qa_checks WHERE recording_id = %s", call)
    assert given == {"result": "ok", "checked_by": ADMIN}
    heard = system.rows("SELECT action FROM audit_log WHERE actor = %s", ADMIN)
    assert {"call_opened", "text_read", "call_heard"} <= {one["action"] for one in heard}

    base = system.running.url  # type: ignore[union-attr]
    where = f"{base}/dags/call_export/runs/{quote(run, safe='')}"
    page.goto(f"{where}/plugin/calls-of-run")
    expect(page.locator(".cb-call").first).to_be_visible()
    assert violations(page) == []
    page.screenshot(path=PICTURE.with_name("run_tab.png"))
    page.goto(f"{where}/tasks/batch.transcribe/mapped/0/plugin/calls-of-batch")
    expect(page.locator(".cb-call").first).to_be_visible()
    assert violations(page) == []
    page.screenshot(path=PICTURE.with_name("batch_tab.png"))
    page.goto(base)
    expect(page.get_by_role("heading", name="Export of calls")).to_be_visible()
    assert violations(page) == []
    page.screenshot(path=PICTURE.with_name("home.png"))
    page.goto(f"{base}/plugin/calls/call/{call}")
    expect(page.locator(".cb-turn").first).to_be_visible()

    # Airflow's theme and language are followed without a reload
    ground = "getComputedStyle(document.querySelector('.cb-player')).backgroundColor"
    light = page.evaluate(ground)
    page.evaluate("document.documentElement.className = 'dark'")
    assert page.evaluate(ground) != light
    assert violations(page) == []
    page.evaluate("localStorage.i18nextLng = document.documentElement.lang = 'ru'")  # as i18next and Airflow do
    expect(page.get_by_role("button", name="Ссылка на это место")).to_be_visible()
    assert errors == []


def test_a_link_to_a_second_of_a_call_survives_the_login(system: System, page: Page) -> None:
    (call,) = system.rows("SELECT max(recording_id) AS id FROM recordings WHERE status = 'completed'")
    page.goto(f"{system.running.url}/plugin/calls/call/{call['id']}?t=0.9")  # type: ignore[union-attr]
    page.locator("input[name=username]").fill(ADMIN)
    page.locator("input[name=password]").fill(system.running.password)  # type: ignore[union-attr]
    page.keyboard.press("Enter")
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuenow", "1")

"""A headless Chromium and an operator who logs in: the beginning of every test in the browser."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from ops.settings.generated_secrets import ADMIN
from tests.airflow.system import System

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@contextmanager
def browser_page(home: Path) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=ARGUMENTS, env={"HOME": str(home), "TZ": "UTC"}
        )
        # the UI follows the browser's language; the labels in the tests are the English ones
        page = browser.new_page(viewport={"width": 1400, "height": 900}, locale="en-US")
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)  # a busy machine loads the UI's labels some seconds after the page
        yield page
        browser.close()


def log_in(system: System, page: Page, name: str = ADMIN, password: str = "") -> None:
    """As the administrator, or as somebody else with a password."""
    assert system.running is not None
    page.goto(system.running.url)
    page.locator("input[name=username]").fill(name)
    page.locator("input[name=password]").fill(password or system.running.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Dags", exact=True)).to_be_visible()

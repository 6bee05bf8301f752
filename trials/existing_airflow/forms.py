"""Connections as a person makes and tests them: the forms of Airflow's UI in a real Chromium."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Locator, Page, expect, sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
LONGEST = 60_000  # ms


@contextmanager
def browser(url: str, password: str, chromium: str, shots: Path) -> Iterator["Forms"]:
    """Logged in as `admin`; screenshots go to `shots`."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = started.new_page(viewport={"width": 1400, "height": 1300}, locale="en-US")
        page.set_default_timeout(LONGEST)
        expect.set_options(timeout=LONGEST)
        page.goto(url)
        page.locator("input[name=username]").fill("admin")
        page.locator("input[name=password]").fill(password)
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="Dags", exact=True)).to_be_visible()
        yield Forms(page, url, shots)
        started.close()


class Forms:
    def __init__(self, page: Page, url: str, shots: Path) -> None:
        self._page, self._url, self._shots = page, url, shots

    def add(self, conn_id: str, conn_type: str, fields: Mapping[str, str]) -> list[str]:
        """Fills the form by its labels and saves it; returns the labels that the form shows."""
        self._page.goto(f"{self._url}/connections")
        self._page.get_by_role("button", name="Add Connection").click()
        dialog = self._page.get_by_role("dialog")
        dialog.locator("input[name=connection_id]").fill(conn_id)
        dialog.get_by_role("combobox").click()
        self._page.keyboard.type(conn_type)
        self._page.get_by_role("option", name=conn_type, exact=True).click()
        found = [label.strip() for label in dialog.locator("label").all_text_contents()]
        dialog.get_by_label("Description", exact=True).wait_for()
        self._fill(dialog, fields)
        self._page.screenshot(path=self._shots / f"{conn_id}.png")
        extra = dialog.get_by_role("button", name="Extra Fields", exact=True)
        if extra.count():  # one part of the form is open at a time
            extra.click()
            self._page.wait_for_timeout(1000)
            self._fill(dialog, fields)
            self._page.screenshot(path=self._shots / f"{conn_id}-extra.png")
        dialog.get_by_role("button", name="Save").click()
        expect(dialog).to_be_hidden()
        return found

    @staticmethod
    def _fill(dialog: Locator, fields: Mapping[str, str]) -> None:
        for label, value in fields.items():
            field = dialog.locator(
                f"xpath=//label[normalize-space()='{label}']/ancestor::*[@data-part='root'][1]//input"
            )
            if field.is_visible():
                field.fill(value)

    def test(self, conn_id: str) -> str:
        """Presses the button «Test Connection» of the list; what Airflow then says."""
        self._page.goto(f"{self._url}/connections")
        row = self._page.get_by_role("row", name=re.compile(rf"^\W*{conn_id}\b"))  # its id stands before its type
        row.get_by_role("button", name="Test Connection").click()
        said = self._page.locator("[data-scope=toast][data-part=root]").first
        expect(said).to_be_visible()
        text = " ".join(said.inner_text().split())
        self._page.screenshot(path=self._shots / f"{conn_id}-tested.png")
        return text

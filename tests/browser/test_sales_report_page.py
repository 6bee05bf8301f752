"""The report of sales in Chromium: names stay readable on a phone, and only tables scroll."""

from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from include.sales.reporting.sales_report import render_sales_report
from tests.browser.ui import ARGUMENTS, CHROMIUM
from tests.unit.sales.reporting.test_sales_report import figures

pytestmark = [pytest.mark.chromium, pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")]
_FIRST_CELLS = "[...document.querySelectorAll('td:first-child')].map(cell => cell.getBoundingClientRect().width)"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1100])
def test_names_are_not_broken_letter_by_letter(tmp_path: Path, width: int, theme: str) -> None:
    page_file = tmp_path / "report.html"
    page_file.write_text(render_sales_report(figures()).html, encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=theme)  # type: ignore[arg-type]
        page.goto(page_file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert min(page.evaluate(_FIRST_CELLS)) > 100
        browser.close()

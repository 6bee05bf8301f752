"""The pages of the call browser in a real Chromium, without Airflow: states, keys, addresses, access, hostile texts."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from plugins.web.calls.browser_api.reader_rights import RIGHTS_OF_SIMPLE_ROLES, Right
from simulators.kit.in_process import running
from tests.browser import fake_calls as fakes
from tests.browser.ui import ARGUMENTS, CHROMIUM

pytestmark = [pytest.mark.chromium, pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")]


@dataclass
class Visit:
    """A page of the call browser, the server behind it and every address that the browser has asked for."""

    page: Page
    fake: fakes.FakeCalls
    url: str
    addresses: list[str]

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.url}/call_export/ui/{path}")
        return self.page

    def count(self, what: str) -> int:
        return sum(name == what for _, name, _ in self.fake.asked)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    home = tmp_path_factory.mktemp("home")
    with sync_playwright() as playwright:
        arguments = [*ARGUMENTS, "--autoplay-policy=no-user-gesture-required"]
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=arguments, env={"HOME": str(home), "TZ": "UTC"}
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fakes.write_sound(tmp_path_factory.mktemp("sound") / "call.wav")


@pytest.fixture
def fake(sound: Path) -> fakes.FakeCalls:
    return fakes.FakeCalls(sound)


def visited(
    browser: Browser, fake: fakes.FakeCalls, *, language: str = "ru", theme: str = "light", width: int = 1400
) -> Iterator[Visit]:
    with running(fakes.app_of(fake)) as url:
        context = browser.new_context(viewport={"width": width, "height": 900})
        stored = {"theme": theme, "i18nextLng": language}
        context.add_init_script(f"Object.assign(localStorage, {json.dumps(stored)})")
        page = context.new_page()
        page.set_default_timeout(20_000)
        expect.set_options(timeout=20_000)
        visit = Visit(page, fake, url, [])
        page.on("request", lambda request: visit.addresses.append(request.url))
        yield visit
        context.close()


@pytest.fixture
def visit(browser: Browser, fake: fakes.FakeCalls) -> Iterator[Visit]:
    yield from visited(browser, fake)


@pytest.fixture
def dark_english_narrow(browser: Browser, fake: fakes.FakeCalls) -> Iterator[Visit]:
    yield from visited(browser, fake, language="en", theme="dark", width=400)


def violations(page: Page) -> list[str]:
    """What axe finds inside our own root: Airflow's page around it is not ours."""
    found = Axe().run(page, context=".cb").response["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


STATES = {
    "the list": ("", "60 звонков"),
    "a call": (f"call/{fakes.ORDINARY}", "Возможен ли возврат денег?"),
    "an error instead of a text": (f"call/{fakes.FAILED}", "Текста нет: stt_timeout"),
    "no recording": (f"call/{fakes.WITHOUT_AUDIO}", "Звука нет"),
    "erased": (f"call/{fakes.ERASED}", "Звонок стёрт по требованию"),
    "on hold": (f"call/{fakes.HELD}", "Звонок удерживается"),
    "one channel, no roles": (f"call/{fakes.MONO}", "Собеседник"),
    "the text's period is over": (f"call/{fakes.TEXT_ENDED}", "Текст удалён по сроку хранения"),
    "a call of others": ("call/999", "Такого звонка нет."),
    "the server fails": (f"call/{fakes.BROKEN}", "Не получилось"),
    "the runs": ("runs", "Куда ушло время"),
    "one run": (f"runs/{fakes.RUN}", "Ошибки по кодам"),
    "no such run": ("runs/00000000-0000-0000-0000-000000000001", "Такого запуска нет."),
    "a sample": (f"qa/{fakes.RUN}", "Проверено 0 из 5"),
    "choose a sample": ("qa", "Выберите выгрузку"),
    "no bundles": ("bundles", "Наборов нет"),
    "erasures": ("erasure", "Повторный поиск не нашёл ничего."),
    "the audit log": ("audit", "Сохранить CSV"),
    "the settings": ("settings", "проиндексировано"),
    "no such page": ("nothing/here", "Такой страницы нет"),
}


@pytest.mark.parametrize(("path", "sentence"), STATES.values(), ids=STATES)
def test_each_state_has_its_sentence_and_passes_axe(visit: Visit, path: str, sentence: str) -> None:
    page = visit.open(path)
    expect(page.get_by_text(sentence).first).to_be_visible()
    expect(page.locator(".cb-skeleton")).to_have_count(0)
    assert page.locator("h1").count() == 1
    assert violations(page) == []


def test_a_language_set_before_anybody_watches_it_is_followed(visit: Visit) -> None:
    """Airflow sets the language of its page once its own sentences have come, maybe between two steps of ours."""
    visit.page.add_init_script(
        """const watch = MutationObserver.prototype.observe;
        MutationObserver.prototype.observe = function (node, options) {
          if (options.attributeFilter?.includes("lang")) localStorage.i18nextLng = document.documentElement.lang = "en";
          return watch.call(this, node, options);
        };"""
    )
    page = visit.open("erasure")
    expect(page.get_by_role("heading", name="Erasure")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "en"


def test_the_language_is_that_of_i18next_where_the_page_does_not_say_it(visit: Visit) -> None:
    """Airflow's listener that names the language in the page may begin when the language has already come."""

    def unsaid(route: Route) -> None:
        come = route.fetch()
        route.fulfill(response=come, body=come.text().replace("await import", 'root.lang = "en";\nawait import'))

    visit.page.route("**/standalone.js", unsaid)
    page = visit.open("audit")
    expect(page.get_by_role("heading", name="Журнал")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "en"


def test_a_language_set_between_the_sentences_and_the_first_drawing_is_followed(visit: Visit) -> None:
    def late(route: Route) -> None:
        come = route.fetch()
        bundle = 'await import("./main.js");'
        route.fulfill(
            response=come, body=come.text().replace(bundle, f'{bundle} localStorage.i18nextLng = root.lang = "en";')
        )

    def slow(route: Route) -> None:
        time.sleep(2)  # until everything else is drawn
        route.continue_()

    visit.page.route("**/standalone.js", late)
    visit.page.route("**/catalogue_en.js", slow)
    page = visit.open("erasure")
    expect(page.get_by_role("heading", name="Erasure")).to_be_visible()


DARK = {
    "": "Filters",
    f"call/{fakes.ORDINARY}": "History",
    f"call/{fakes.ERASED}": "History",
    "runs": "Where the time went",
    f"runs/{fakes.RUN}": "Errors by code",
    f"qa/{fakes.RUN}": "0 of 5 checked",
    "erasure": "A second look found nothing.",
    "audit": "Save as CSV",
    "settings": "Connections",
}


@pytest.mark.parametrize(("path", "sentence"), DARK.items())
def test_dark_english_and_narrow(dark_english_narrow: Visit, path: str, sentence: str) -> None:
    page = dark_english_narrow.open(path)
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator(".cb-skeleton")).to_have_count(0)
    expect(page.get_by_text(sentence).first).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no sideways scroll"
    russian = page.evaluate(
        "[...document.querySelectorAll('button, h1, h2, label, summary')].map((e) => e.textContent)"
    )
    names = [text for text in russian if any("а" <= letter <= "я" for letter in text.lower())]
    assert [
        text
        for text in names
        if "возврат" not in text and not any(name in text for name in ("Сотрудник 12", "Сотрудник 34"))
    ] == []


def test_nothing_found_says_which_condition_to_drop(visit: Visit) -> None:
    page = visit.open("#flags=loop")
    page.get_by_role("searchbox").first.fill("ничего")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Ничего не найдено")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Сбросить всё").last.click()
    expect(page.locator(".cb-total strong")).to_have_text("60 звонков")


def test_a_period_without_calls_leads_to_the_last_days_that_have_some(visit: Visit) -> None:
    visit.fake.calls, visit.fake.newest = 0, datetime(2025, 8, 31, 18, 0, tzinfo=fakes.PORTAL)
    page = visit.open("")
    expect(page.get_by_text("Последние звонки — 31.08.2025.")).to_be_visible()
    page.get_by_role("button", name="Показать 90 дней по 31.08.2025").click()
    page.wait_for_url("**/#from=2025-06-03&to=2025-08-31")


def test_before_the_first_export_there_is_a_way_to_it(visit: Visit) -> None:
    visit.fake.calls = 0
    page = visit.open("#days=all")
    expect(page.get_by_text("Звонков пока нет")).to_be_visible()
    expect(page.get_by_role("link", name="К запуску выгрузки")).to_have_attribute(
        "href", f"{visit.url}/dags/call_export"
    )
    assert violations(page) == []


def test_a_reader_without_rights_is_told_whom_to_ask(visit: Visit) -> None:
    visit.fake.rights = sorted(RIGHTS_OF_SIMPLE_ROLES["viewer"])
    page = visit.open(f"call/{fakes.ORDINARY}")
    expect(page.get_by_text("Права выдаёт администратор Airflow")).to_be_visible()
    assert violations(page) == []
    assert visit.count("audio") == 0


def test_a_reader_who_may_not_hear_reads(visit: Visit) -> None:
    visit.fake.rights = [Right.READ]
    page = visit.open(f"call/{fakes.ORDINARY}")
    expect(page.get_by_text("Нет права слушать")).to_be_visible()
    expect(page.get_by_text("Возможен ли возврат денег?")).to_be_visible()
    expect(page.get_by_role("button", name="показать")).to_have_count(0)
    expect(page.get_by_role("button", name="Сохранить", exact=True)).to_have_count(0)
    assert not any(address.endswith(("/peaks", "/audio")) for address in visit.addresses)


def test_a_busy_server_is_asked_again_by_itself(visit: Visit) -> None:
    visit.fake.fails_with["/me"] = (503, {"Retry-After": "1"})
    page = visit.open("")
    expect(page.get_by_text("Повторится само через 1 секунду")).to_be_visible()
    visit.fake.fails_with.clear()
    expect(page.locator(".cb-total strong")).to_have_text("60 звонков")


def test_old_rows_stay_while_the_server_fails(visit: Visit) -> None:
    page = visit.open("")
    expect(page.locator(".cb-total strong")).to_have_text("60 звонков")
    visit.fake.fails_with["/search"] = (500, {})
    page.get_by_label("повтор слов").check()
    expect(page.get_by_role("alert")).to_contain_text("the server's own sentence")
    assert page.locator(".cb-call").count() == fakes.PAGE


def test_an_error_of_the_page_ends_the_page_alone(visit: Visit) -> None:
    page = visit.page
    page.route("**/calls/1/text", lambda route: route.fulfill(json={"turns": [None]}))
    visit.open(f"call/{fakes.ORDINARY}")
    expect(page.get_by_text("Ошибка на этой странице")).to_be_visible()
    assert violations(page) == []
    page.unroute("**/calls/1/text")
    page.get_by_role("button", name="Повторить").click()
    expect(page.get_by_text("Возможен ли возврат денег?")).to_be_visible()


def test_a_newer_server_asks_for_a_reload(visit: Visit) -> None:
    visit.fake.version = "0123456789abcdef"
    page = visit.open("")
    expect(page.get_by_text("Страница устарела")).to_be_visible()
    assert violations(page) == []


def test_facets_are_in_the_address_and_words_in_none(visit: Visit) -> None:
    page = visit.open("")
    page.get_by_role("searchbox").first.fill("секретное слово")
    page.get_by_label("Номер кончается на").fill("4567")
    page.keyboard.press("Enter")
    expect(page.locator("mark").first).to_have_text("возврат")
    page.get_by_label("повтор слов").check()
    expect(page.locator(".cb-total strong")).to_have_text("1 звонок")
    assert "flags=loop" in page.url
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("секретное слово")
    expect(page.locator(".cb-total strong")).to_have_text("1 звонок")
    asked = [asked for _, name, asked in visit.fake.asked if name == "search"][-1]
    assert (asked.q, asked.digits, asked.flags) == ("секретное слово", "4567", ["loop"])
    written = [page.url, *visit.addresses]
    assert not any(
        "секретное" in address or "%D1%81%D0%B5%D0%BA" in address or "4567" in address for address in written
    )


def test_a_shared_search_is_opened_by_its_id(visit: Visit) -> None:
    page = visit.open("#s=7f3a7f3a&statuses=completed")
    expect(page.get_by_role("searchbox")).to_have_value("возврат")


def test_pages_follow_by_their_cursor_and_the_way_back_is_at_once(visit: Visit) -> None:
    page = visit.open("")
    page.get_by_role("button", name="Показать ещё").click()
    expect(page.locator(".cb-call")).to_have_count(2 * fakes.PAGE)
    asked = visit.count("search")
    page.locator(".cb-call-link").nth(40).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("звонок")
    page.get_by_role("button", name="к списку").click()
    expect(page.locator(".cb-call")).to_have_count(2 * fakes.PAGE)
    assert visit.count("search") == asked, "the list was kept"


def test_a_list_by_keys_alone(visit: Visit) -> None:
    page = visit.open("")
    expect(page.locator(".cb-call").first).to_be_visible()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.type") == "search"
    page.keyboard.press("Tab")
    for key in ("j", "j", "j", "k"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.wait_for_url("**/call/2")


def test_hits_are_marked_in_the_rows_that_are_seen(visit: Visit) -> None:
    page = visit.open("")
    page.get_by_role("searchbox").first.fill("возврат")
    page.keyboard.press("Enter")
    expect(page.locator(".cb-snippets mark").first).to_have_text("возврат")
    expect(page.locator(".cb-call")).to_have_count(fakes.PAGE)
    expect(page.locator(".cb-call").last.locator("mark")).to_have_count(0)
    page.locator(".cb-call").last.scroll_into_view_if_needed()
    expect(page.locator(".cb-call").last.locator("mark")).to_have_text("возврат")
    asked = [number for _, name, one in visit.fake.asked if name == "snippets" for number in one.ids]
    assert len(asked) == len(set(asked)), "each row is marked once"
    assert not any(one.snippets for _, name, one in visit.fake.asked if name == "search")


def test_the_link_of_a_hit_opens_its_second_and_marks_the_word(visit: Visit) -> None:
    page = visit.open("")
    page.get_by_role("searchbox").first.fill("возврат")
    page.keyboard.press("Enter")
    page.locator(".cb-snippets a").first.click()
    page.wait_for_url("**/call/1?t=10")
    expect(page.locator(".cb-turns mark").first).to_have_text("возврат", ignore_case=True)
    expect(page.locator(".cb-turn[aria-current]")).to_contain_text("Возможен ли")


def test_the_sound_is_fetched_when_a_person_plays_and_the_text_follows(visit: Visit) -> None:
    """Opening a page is not hearing: the audit log must not say so."""
    page = visit.open(f"call/{fakes.ORDINARY}")
    expect(page.locator(".cb-turn")).to_have_count(6)
    assert visit.count("audio") == 0
    page.locator(".cb-turn").nth(3).locator("p").click()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Пауза")).to_be_visible()
    expect(page.locator(".cb-time")).to_have_text(re.compile("0:(29|3[0-6]) / 1:00"))  # it sounds meanwhile
    expect(page.locator(".cb-turn[aria-current]")).to_contain_text("сколько времени")
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", re.compile("^(29|3[0-6]) секунд.?, Клиент$"))
    page.keyboard.press(".")
    expect(page.locator(".cb-turn[aria-current]")).to_contain_text("Курьер позвонит")
    page.keyboard.press("Space")
    page.wait_for_url(re.compile(r"/call/1\?t=(3[7-9]|4)"))
    for key, speed in (("]", "1.25"), ("]", "1.5"), ("[", "1.25")):
        page.keyboard.press(key)
        expect(page.get_by_label("Скорость")).to_have_value(speed)
    assert visit.count("audio") > 0


def test_a_recording_is_heard_at_once_while_its_copy_is_made(visit: Visit) -> None:
    """In parts, from any second on; then the copy goes on where the parts were."""
    visit.fake.copy_made_sec = 15.0
    page = visit.open(f"call/{fakes.ORDINARY}?t=10")
    page.get_by_role("button", name="Слушать").first.click()
    expect(page.get_by_text("запись готовится: 25 %")).to_be_visible()
    expect(page.locator(".cb-time")).to_have_text(re.compile("0:(1[1-9]|2.) / 1:00"))
    assert violations(page) == []
    page.keyboard.press("ArrowRight")
    expect(page.locator(".cb-time")).to_have_text(re.compile("0:(1[5-9]|2.) / 1:00"))  # the next parts by themselves
    page.locator(".cb-turn").nth(4).locator("p").click()
    expect(page.locator(".cb-time")).to_have_text(re.compile("0:(3[789]|4.) / 1:00"))
    expect(page.get_by_role("button", name="Пауза")).to_be_visible()
    page.keyboard.press("Space")
    page.wait_for_url("**/call/1?t=*")
    stood = page.locator(".cb-time").inner_text()
    visit.fake.copy_made_sec = None
    expect(page.get_by_text("запись готовится")).to_have_count(0)
    expect(page.locator(".cb-time")).to_have_text(stood)
    page.keyboard.press("Space")
    expect(page.locator(".cb-time")).to_have_text(re.compile("0:(39|[45].) / 1:00"))
    assert next(second for _, what, second in visit.fake.asked if what == "part") == 10.0


def test_a_summary_is_read_when_it_is_opened(visit: Visit) -> None:
    page = visit.open(f"call/{fakes.ORDINARY}")
    expect(page.locator(".cb-turn")).to_have_count(6)
    assert visit.count("summary") == 0
    page.locator("summary", has_text="Саммари").click()
    expect(page.get_by_text("Клиент возвращает товар.")).to_be_visible()
    assert visit.count("summary") == 1
    assert violations(page) == []


def test_a_deep_link_stands_at_its_second(visit: Visit) -> None:
    page = visit.open(f"call/{fakes.ORDINARY}?t=0:47")
    expect(page.locator(".cb-time")).to_have_text("0:47 / 1:00")
    expect(page.locator(".cb-turn[aria-current]")).to_contain_text("до свидания")


def test_silence_is_skipped_and_a_turn_repeated(visit: Visit) -> None:
    page = visit.open(f"call/{fakes.ORDINARY}?t=6.5")
    expect(page.locator(".cb-turn")).to_have_count(6)
    page.keyboard.press("s")
    page.keyboard.press("Space")
    expect(page.locator(".cb-time")).to_have_text("0:10 / 1:00", timeout=3000)
    page.keyboard.press("r")
    expect(page.locator(".cb-looped")).to_have_count(1)
    page.keyboard.press("Space")


def test_a_storage_that_fails_leaves_the_text(visit: Visit) -> None:
    page = visit.open(f"call/{fakes.STORAGE_DOWN}")
    page.get_by_role("button", name="Слушать").first.click()
    expect(page.get_by_text("Хранилище не отдаёт звук")).to_be_visible()
    expect(page.get_by_text("Возможен ли возврат денег?")).to_be_visible()
    expect(page.get_by_role("button", name="Слушать").first).to_be_visible()
    assert violations(page) == []


def test_what_nothing_can_decode_can_be_downloaded(visit: Visit) -> None:
    page = visit.open(f"call/{fakes.UNPLAYABLE}")
    page.get_by_role("button", name="Слушать").first.click()
    expect(page.get_by_text("Браузер не умеет играть этот звук")).to_be_visible()
    expect(page.get_by_role("link", name="Скачать").first).to_be_visible()
    assert violations(page) == []


def test_find_inside_a_call(visit: Visit) -> None:
    page = visit.open(f"call/{fakes.ORDINARY}")
    page.get_by_role("searchbox", name="Найти в звонке").fill("возврат")
    expect(page.get_by_text("1 из 3")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_text("3 из 3")).to_be_visible()
    expect(page.locator("mark.cb-chosen")).to_have_count(1)
    page.keyboard.press("Shift+Enter")
    expect(page.get_by_text("2 из 3")).to_be_visible()


def test_ten_calls_are_judged_by_keys_alone(visit: Visit) -> None:
    """From the list to the tenth verdict without a mouse; each is about the text that was read."""
    first = fakes.TEXT_ENDED + 1
    page = visit.open("")
    expect(page.locator(".cb-call").first).to_be_visible()
    for _ in range(first):
        page.keyboard.press("j")
    page.keyboard.press("Enter")
    for call in range(first, first + 10):
        expect(page.get_by_text(f"call_{call}.txt")).to_be_visible()
        expect(page.locator(".cb-call-page")).to_be_focused()
        page.keyboard.press("2" if call % 2 else "1")
        if call % 2:
            page.keyboard.type("тихо")
        page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**/call/{first + 10}")
    sent = {call: asked for _, name, given in visit.fake.asked if name == "verdict" for call, asked in [given]}
    assert list(sent) == list(range(first, first + 10))
    assert {call: (asked.result, asked.comment) for call, asked in sent.items()} == {
        call: ("issue", "тихо") if call % 2 else ("ok", "") for call in sent
    }
    assert all(asked.text_sha256 == f"{call:064}" for call, asked in sent.items())


def test_a_sample_is_judged_to_its_end_by_keys_alone(visit: Visit) -> None:
    page = visit.open(f"qa/{fakes.RUN}")
    expect(page.get_by_text("Проверено 0 из 5")).to_be_visible()
    page.keyboard.press("Enter")
    for call in fakes.SAMPLE:
        expect(page.get_by_text(f"call_{call}.txt")).to_be_visible()
        expect(page.locator(".cb-call-page")).to_be_focused()
        page.keyboard.press("1")
        page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Выборка проверена")).to_be_visible()
    expect(page.get_by_text("Проверено 5 из 5")).to_be_visible()


def test_roles_are_swapped_after_a_preview_and_taken_back(visit: Visit) -> None:
    page = visit.open(f"call/{fakes.ORDINARY}")
    first = page.locator(".cb-text .cb-turn").first
    expect(first).to_contain_text("Оператор")
    page.get_by_role("button", name="Поменять местами").click()
    expect(page.get_by_role("dialog").locator(".cb-turn").first).to_contain_text("Клиент")
    assert violations(page) == []
    page.get_by_role("button", name="Перестроить текст").click()
    expect(first).to_contain_text("Клиент")
    page.get_by_role("button", name="Вернуть как было").click()
    expect(first).to_contain_text("Оператор")
    sent = [asked for _, name, asked in visit.fake.asked if name == "roles"]
    assert [one.operator_channel for one in sent] == ["right", None]
    assert (sent[0].text_sha256, sent[1].text_sha256) == (f"{fakes.ORDINARY:064}", "f" * 64)


def test_a_viewer_sees_runs_and_no_calls(visit: Visit) -> None:
    visit.fake.rights = [Right.RUNS]
    page = visit.open("runs")
    page.get_by_text("Таблицей").first.click()
    expect(page.get_by_role("row", name="27.11.2026").first).to_be_visible()
    page.get_by_role("link", name="27.11.2026").click()
    expect(page.get_by_text("stt_timeout")).to_be_visible()
    expect(page.get_by_role("link", name="Отчёт (PDF)")).to_have_attribute(
        "href", f"{visit.url}/call_export/ui/api/runs/{fakes.RUN}/report"
    )
    expect(page.get_by_role("link", name="Звонки этой выгрузки")).to_have_count(0)


def test_what_is_typed_into_the_log_is_in_no_address_and_its_file_computes_nothing(visit: Visit) -> None:
    page = visit.open("audit")
    page.get_by_label("Кто", exact=True).fill("никто")
    page.get_by_role("button", name="Найти").click()
    expect(page.get_by_text("Ничего не найдено")).to_be_visible()
    assert not any("%D0" in address or "никто" in address for address in [page.url, *visit.addresses])
    base = next(address for address in visit.addresses if address.endswith("main.js")).removesuffix("main.js")
    file = page.evaluate(
        f"import('{base}spreadsheet.js').then((m) => m.tableText(['a'], [['=1+1'], ['-1'], ['x;\"y'], ['@b\u202e']]))"
    )
    assert file == '\ufeffa\r\n\'=1+1\r\n-1\r\n"x;""y"\r\n\'@b\r\n'


def test_found_calls_become_a_bundle(visit: Visit) -> None:
    page = visit.open("#flags=loop")
    page.get_by_role("button", name="Собрать набор").click()
    page.get_by_label("звук", exact=True).check()
    assert violations(page) == []
    page.get_by_role("button", name="Собрать", exact=True).click()
    expect(page.get_by_text("Готово: 60 звонков.")).to_be_visible()
    (asked,) = [asked for _, name, asked in visit.fake.asked if name == "bundles"]
    assert (asked.search.flags, sorted(asked.what)) == (["loop"], ["audio", "registry", "text"])
    page.get_by_role("link", name="Наборы").last.click()
    link = page.get_by_role("link", name="Скачать")
    expect(link).to_have_attribute("href", f"{visit.url}/call_export/ui/api/bundles/{'7f' * 8}/file")


def test_an_erasure_is_demanded_by_one_and_decided_by_another(visit: Visit) -> None:
    page = visit.open(f"call/{fakes.ORDINARY}")
    page.get_by_role("button", name="Потребовать стереть").click()
    page.get_by_label("Основание").fill("обращение 7")
    page.get_by_label("Кто потребовал").fill("сам человек")
    page.get_by_role("button", name="Отправить на решение").click()
    expect(page.get_by_text("Требование отправлено.")).to_be_visible()
    (asked,) = [asked for _, name, asked in visit.fake.asked if name == "erasures"]
    assert (asked.call, asked.number, asked.reason) == (fakes.ORDINARY, None, "обращение 7")
    visit.open("erasure")
    expect(page.get_by_text("Согласовать может только другой человек.")).to_be_visible()
    page.get_by_role("button", name="Согласовать стирание").click()
    expect(page.get_by_text("Ответ принят").first).to_be_visible()
    ((number, decision),) = [asked for _, name, asked in visit.fake.asked if name == "decision"]
    assert (number.int, decision.decision) == (1, "approve")


def test_a_verdict_of_another_person_is_not_overwritten(visit: Visit) -> None:
    page = visit.open(f"call/{fakes.ORDINARY}")
    page.get_by_label("Комментарий").fill("мой черновик")
    page.get_by_role("button", name="Сохранить", exact=True).click()
    expect(page.get_by_text("Сначала выберите")).to_be_visible()
    page.get_by_label("замечание").check()
    visit.fake.edits[fakes.ORDINARY] = 1
    page.get_by_role("button", name="Сохранить", exact=True).click()
    expect(page.get_by_text("Другой человек успел раньше")).to_be_visible()
    expect(page.get_by_label("Комментарий")).to_have_value("мой черновик")
    assert violations(page) == []
    page.get_by_role("button", name="Показать нынешнее").click()
    expect(page.get_by_label("Комментарий")).to_have_value("мой черновик")
    page.get_by_role("button", name="Сохранить", exact=True).click()
    expect(page.get_by_text("Оценка сохранена")).to_be_attached()


def test_whole_numbers_are_shown_on_demand(visit: Visit) -> None:
    page = visit.open(f"call/{fakes.ORDINARY}")
    expect(page.get_by_text("+7 999 *** ** 01")).to_be_visible()
    assert visit.count("number") == 0
    page.get_by_role("button", name="показать").click()
    expect(page.get_by_text("+7 999 123-45-67")).to_be_visible()
    assert visit.count("number") == 1


def test_hostile_texts_stay_texts(visit: Visit) -> None:
    page = visit.page
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    visit.open(f"call/{fakes.HOSTILE}")
    texts = fakes.hostile_texts()
    expect(page.locator(".cb-turn")).to_have_count(len(texts))
    assert page.evaluate("globalThis.__xss") is None
    assert asked == []
    inside = page.evaluate("[...document.querySelectorAll('.cb-turns p *')].map((e) => e.tagName)")
    assert set(inside) <= {"BDI", "SPAN"}
    shown = page.evaluate("[...document.querySelectorAll('.cb-turns bdi')].map((e) => e.textContent).join('')")
    assert not any(unit in shown for unit in "\u202e\u202d\u2066\u200b")
    visit.open("")
    expect(page.locator(".cb-total strong")).to_have_text("60 звонков")
    assert page.evaluate("globalThis.__xss") is None


def test_five_thousand_turns_do_not_stop_the_page(visit: Visit) -> None:
    page = visit.open(f"call/{fakes.LONG}")
    expect(page.locator(".cb-turn")).to_have_count(5000)
    page.get_by_role("searchbox", name="Найти в звонке").fill("4321:")
    expect(page.get_by_text("1 из 1")).to_be_visible()
    expect(page.locator("mark.cb-chosen")).to_be_in_viewport()


def test_rules_without_a_page(visit: Visit) -> None:
    page = visit.open("")
    base = next(address for address in visit.addresses if address.endswith("main.js")).removesuffix("main.js")

    def of(module: str, expression: str) -> object:
        return page.evaluate(f"import('{base}{module}.js').then((m) => {expression})")

    assert of("text", "[m.clock(65.9), m.clock(3725), m.clock(null)]") == ["1:05", "1:02:05", "0:00"]
    assert of("text", "['65.2', '1:05', '1:02:05', '-1', 'x', ''].map(m.moment)") == [65.2, 65, 3725, None, None, None]
    assert of("text", "m.occurrences('Ёлка, елка İ ЁЛКА', 'елка')") == [[0, 4], [6, 10], [13, 17]]
    assert of("text", "m.wholeWords('телефон он', 'он')") == [[8, 10]]
    assert of("text", "m.cut('abcdef', [[1, 4], [2, 3], [3, 5]])") == [["a", None], ["bcd", 0], ["e", 2], ["f", None]]
    assert of("text", "m.plain('a\\u202eb\\u0000c\\nd')") == "abc d"
    assert of("sound", "[-1, 0.9, 1, 5, 99].map((at) => m.turnAt([{start: 1}, {start: 4}], at))") == [-1, -1, 0, 1, 1]
    assert of("sound", "m.silences([{start: 5, end: 6}, {start: 6.5, end: 9}], 20)") == [[0, 4.7], [9, 20]]
    assert of("sound", "[m.afterSilence([[0, 4.7]], 1), m.afterSilence([[0, 4.7]], 4.6)]") == [4.7, None]
    assert of("sound", "[m.speedBeside(1, 1), m.speedBeside(3, 1), m.speedBeside(0.5, -1)]") == [1.25, 3, 0.5]
    assert of("sound", "m.readPeaks(new ArrayBuffer(8))") is None
    bad = ["call/x", "call/", "call/1/2", "calls", "audit/1", "call/12345678901234567890"]
    assert of("address", f"{json.dumps(bad)}.map(m.route)") == [None] * len(bad)
    asked = "{...m.NOTHING_ASKED, flags: ['a&b', 'c#d'], days: null, min_sec: 60, sort: 'relevance'}"
    assert (
        of("address", f"JSON.stringify(m.askedOf(m.fragmentOf({asked}, 'abcd')).asked) === JSON.stringify({asked})")
        is True
    )
    assert (
        of("address", "m.fragmentOf({...m.NOTHING_ASKED, q: 'w', digits: '1', employees: ['n'], tags: ['t']}, null)")
        == ""
    )
    body = "m.searchBody({...m.NOTHING_ASKED, days: 7}, new Date('2026-11-29T12:00:00'))"
    assert of("address", f"[{body}.from, {body}.to, 'days' in {body}]") == ["2026-11-23", None, False]
    plural = "(document.documentElement.lang = 'ru', [1, 3, 25, 11].map((n) => m.t('calls.found', {n, total: n})))"
    assert of("words", f"m.learn('ru').then(() => {plural})") == ["1 звонок", "3 звонка", "25 звонков", "11 звонков"]
    assert of("words", "[m.time('2026-11-27T14:05:10+03:00'), m.offset('2026-11-27T14:05:10+03:00')]") == [
        "14:05",
        "UTC+3",
    ]


TABS = {
    "calls": ("Звонки запуска", "Этот запуск не выгружает звонки", "звонки — у запусков call_export."),
    "scores": ("Оценки запуска", "Этот запуск не оценивает звонки", "оценки — у запусков callcenter_quality."),
}


@pytest.mark.parametrize(("name", "title", "sentence"), TABS.values(), ids=TABS)
def test_a_tab_of_another_dags_run_says_whose_runs_have_something(
    visit: Visit, name: str, title: str, sentence: str
) -> None:
    """Airflow cannot limit a tab to a DAG: it is there for the run of every DAG, and must not ask for its rows."""
    page = visit.open("settings")
    expect(page.get_by_text("проиндексировано")).to_be_visible()
    visit.addresses.clear()
    page.evaluate(
        """([name, given]) => {
            const place = document.createElement("main");
            document.body.replaceChildren(place);
            ReactDOM.createRoot(place).render(React.createElement(globalThis[name], given));
        }""",
        [name, {"dagId": "sales_load", "runId": "manual__1"}],
    )
    expect(page.locator(".cb-empty-title")).to_have_text(title)
    expect(page.locator(".cb-empty")).to_contain_text(sentence)
    assert page.locator(".cb-table, .cb-call, .cb-banner").count() == 0
    assert [one for one in visit.addresses if "/runs?" in one or "/quality/" in one] == []
    assert violations(page) == []

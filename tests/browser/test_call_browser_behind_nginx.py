"""The call browser as a company runs it: FAB's auth manager, nginx with TLS and a prefix, two api-server workers.

Five people of different roles log in and do their work in a real browser.
"""

import json
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from include.calls.domain.audit_chain import breaks
from include.calls.names import ERASURE_DAG_ID
from include.calls.state.audit import AuditLog
from include.calls.state.state import State
from ops.one_machine import health
from ops.one_machine.supervisor import Supervisor
from ops.one_machine.up import running_environment
from ops.settings.profile import REPOSITORY
from plugins.web.fab_roles import ANALYST, SECURITY_OFFICER, SUPERVISOR, VIEWER
from tests.airflow.system import System, eventually
from tests.browser.ui import ARGUMENTS, CHROMIUM

NGINX_PROGRAM = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = [
    pytest.mark.long,
    pytest.mark.airflow,
    pytest.mark.chromium,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(CHROMIUM is None or NGINX_PROGRAM is None, reason="chromium or nginx is not installed"),
]
PICTURES = REPOSITORY / "build" / "behind_nginx"

DAY = "2025-08-02"
DIRECT = {"https": ""}
PEOPLE = {
    "viewer": VIEWER,
    "analyst": ANALYST,
    "supervisor": SUPERVISOR,
    "officer": SECURITY_OFFICER,
    "second": SECURITY_OFFICER,
}
AFTER_PARKING = 3.0  # seconds; an answer that comes sooner is lost to a race in Airflow 3.3.2
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{tls} ssl;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    {location}
  }}
}}
"""


@dataclass
class Front:
    """The address people use, and the api-server's own process with its workers."""

    url: str
    server: psutil.Process
    passwords: dict[str, str]
    system: System
    certificate: Path
    at_start: list[float] = field(default_factory=list)

    def worker_seconds(self) -> list[float]:
        found = [child for child in self.server.children(recursive=True) if "spawn_main" in " ".join(child.cmdline())]
        return sorted(sum(child.cpu_times()[:2]) for child in found)


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def documented_location(port: int) -> str:
    """What the page about production says of a prefix."""
    page = (REPOSITORY / "docs" / "runbooks" / "production.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"```nginx\n(location /airflow/ \{.*?\n\})\n```", page, re.DOTALL)
    assert "127.0.0.1:8080" in found
    return str(found.replace("127.0.0.1:8080", f"127.0.0.1:{port}"))


@contextmanager
def _nginx(config: Path) -> Iterator[None]:
    started = subprocess.Popen([str(NGINX_PROGRAM), "-c", str(config)])
    try:
        yield
    finally:
        started.terminate()
        started.wait(20)


@pytest.fixture(scope="module")
def front(_system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """The system as `make up` starts it under a prefix, with FAB and two workers, and nginx before it."""
    system, tmp_path = _system, tmp_path_factory.mktemp("front")
    tls = _port()
    url = f"https://localhost:{tls}/airflow"
    asked = {"AUTH_MANAGER": "fab", "AIRFLOW__API__BASE_URL": url, "AIRFLOW__API__WORKERS": "2"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in asked.items():
            patch.setitem(system.settings, name, value)
        patch.setattr(health, "LOGIN_SECONDS", 600)  # FAB's first login imports Flask; a busy machine takes minutes
        system.configured()
        passwords = {name: secrets.token_urlsafe(12) for name in PEOPLE}
        accounts = [{"login": name, "password": passwords[name], "role": role} for name, role in PEOPLE.items()]
        subprocess.run(
            [sys.executable, "-m", "plugins.web.fab_roles"],
            env=running_environment(system.runtime), input=json.dumps(accounts), text=True, check=True,
            cwd=system.runtime.root, capture_output=True,
        )  # fmt: skip
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost",
             "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"], check=True, capture_output=True,
        )  # fmt: skip
        config, location = tmp_path / "nginx.conf", documented_location(int(system.settings["AIRFLOW_PORT"]))
        config.write_text(NGINX.format(folder=tmp_path, tls=tls, location=location))
        (server,) = [part.pid for part in Supervisor(system.runtime).components() if part.name == "api-server"]
        with _nginx(config):
            eventually(
                lambda: _answers(f"{url}/api/v2/version", tmp_path / "cert.pem"), 60, "nothing answers behind nginx"
            )
            found = Front(url, psutil.Process(server), passwords, system, tmp_path / "cert.pem")
            found.at_start = found.worker_seconds()
            yield found


def _answers(url: str, certificate: Path) -> bool:
    try:
        return requests.get(url, timeout=5, verify=str(certificate), proxies=DIRECT).ok
    except requests.RequestException:
        return False


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = [*ARGUMENTS, "--autoplay-policy=no-user-gesture-required"]
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=arguments, env={"HOME": str(tmp_path_factory.mktemp("home")), "TZ": "UTC"}
        )
        yield started
        started.close()


class Person:
    """Someone with a browser of their own, who comes to an address and logs in there."""

    def __init__(self, browser: Browser, front: Front, name: str, path: str, *, theme: str = "light") -> None:
        self._name, self.asked = name, list[str]()
        context = browser.new_context(viewport={"width": 1400, "height": 900}, locale="ru-RU", ignore_https_errors=True)
        context.add_init_script(f"localStorage.theme = '{theme}'")
        self.page: Page = context.new_page()
        self.page.set_default_timeout(120_000)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(error.stack or str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(f"{front.url}/{path}")
        self.page.locator("input[name=username]").fill(name)
        self.page.locator("input[name=password]").fill(front.passwords[name])
        self.page.keyboard.press("Enter")

    def leaves(self, front: Front) -> None:
        assert [error for error in self.errors if "/call_export/" in error] == [], "Airflow's own are not ours"
        outside = [url for url in self.asked if not url.startswith((front.url, "data:", "blob:"))]
        assert outside == [], "everything is under the prefix"
        self.page.context.close()

    def shoot(self, what: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{self._name}_{what}.png")
        found = Axe().run(self.page, context=".cb").response["violations"]
        assert [(one["id"], node["html"][:200]) for one in found for node in one["nodes"]] == []


@pytest.fixture(scope="module")
def call(front: Front) -> int:
    """The id of a call with two channels, a text and a sound."""
    expect.set_options(timeout=120_000)
    assert front.system.export("--from", DAY, "--to", DAY).returncode == 0
    (found,) = front.system.rows(
        "SELECT own.recording_id AS id FROM recordings own JOIN transcripts text USING (transcript_id)"
        " WHERE own.status = 'completed' AND text.roles = 'channels' ORDER BY 1 LIMIT 1"
    )
    return int(found["id"])


def test_an_analyst_comes_by_a_link_to_a_second(front: Front, browser: Browser, call: int) -> None:
    path = f"plugin/calls/call/{call}"
    analyst = Person(browser, front, "analyst", f"{path}?t=0.9")
    page = analyst.page
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuenow", "1")
    assert page.url == f"{front.url}/{path}?t=0.9", "the login came back to the very second"
    page.get_by_role("button", name="Слушать", exact=True).click()
    page.wait_for_url(re.compile(r"\?t=[1-9]"))
    expect(page.get_by_role("button", name="Поменять местами")).to_have_count(0)
    analyst.shoot("call")
    page.get_by_label("в порядке").check()
    page.get_by_role("button", name="Сохранить", exact=True).click()
    page.get_by_role("link", name="Выгрузки", exact=True).click()
    expect(page.get_by_role("row", name="02.08.2025").first).to_be_visible()
    analyst.shoot("runs")
    cookie = next(one for one in page.context.cookies() if one["name"] == "_token")
    assert cookie["path"].rstrip("/") == "/airflow"
    assert cookie["secure"]
    assert cookie["httpOnly"]
    analyst.leaves(front)


def test_a_supervisor_swaps_roles_and_takes_calls_out(front: Front, browser: Browser, call: int) -> None:
    supervisor = Person(browser, front, "supervisor", f"plugin/calls/call/{call}", theme="dark")
    page = supervisor.page
    page.get_by_role("button", name="Поменять местами").click()
    page.get_by_role("button", name="Перестроить текст").click()
    expect(page.get_by_text("Оператор — правый канал.")).to_be_visible()
    supervisor.shoot("roles_dark")
    page.get_by_role("button", name="Вернуть как было").click()
    expect(page.get_by_text("Оператор — левый канал.")).to_be_visible()
    page.locator(".cb-menu").get_by_role("link", name="Звонки", exact=True).click()
    page.get_by_label("Период").select_option("all")
    page.get_by_role("button", name="Собрать набор").click()
    page.get_by_role("button", name="Собрать", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("dialog").get_by_role("link", name="Скачать").click()
    assert download.value.suggested_filename.endswith(".zip")
    assert download.value.path().stat().st_size > 1000
    supervisor.leaves(front)


def test_a_viewer_sees_runs_and_no_call(front: Front, browser: Browser, call: int) -> None:
    viewer = Person(browser, front, "viewer", f"plugin/calls/call/{call}")
    expect(viewer.page.get_by_text("У вас нет права на эту страницу")).to_be_visible()
    viewer.page.get_by_role("link", name="Выгрузки", exact=True).click()
    expect(viewer.page.get_by_text("Куда ушло время")).to_be_visible()
    viewer.leaves(front)


@pytest.mark.usefixtures("call")
def test_airflows_own_pages_show_the_calls_of_a_run(front: Front, browser: Browser) -> None:
    run = front.system.rows("SELECT dag_run_id FROM call_exports ORDER BY due_at DESC LIMIT 1")[0]["dag_run_id"]
    tabs = Person(browser, front, "analyst", f"dags/call_export/runs/{run}/plugin/calls-of-run")
    expect(tabs.page.locator(".cb-call").first).to_be_visible()
    tabs.shoot("run_tab")
    tabs.page.goto(f"{front.url}/dags/call_export/runs/{run}/tasks/batch.transcribe/mapped/0/plugin/calls-of-batch")
    expect(tabs.page.locator(".cb-call").first).to_be_visible()
    tabs.shoot("batch_tab")
    tabs.page.goto(f"{front.url}/")
    expect(tabs.page.get_by_role("heading", name="Выгрузка звонков")).to_be_visible()
    tabs.shoot("home")
    tabs.leaves(front)


def test_parts_of_a_sound_come_through_and_static_files_are_kept(front: Front, browser: Browser, call: int) -> None:
    """nginx must neither pack, buffer nor cut what a player asks for."""
    person = Person(browser, front, "analyst", f"plugin/calls/call/{call}")
    expect(person.page.locator(".cb-turn").first).to_be_visible()
    api = f"{front.url}/call_export/ui/api"
    script = next(url for url in person.asked if url.endswith("/main.js"))
    asked = person.page.request
    whole = asked.get(f"{api}/calls/{call}/audio")
    part = asked.get(f"{api}/calls/{call}/audio", headers={"Range": "bytes=10-99"})
    assert (part.status, part.body()) == (206, whole.body()[10:100])
    assert part.headers["content-range"] == f"bytes 10-99/{len(whole.body())}"
    assert "content-encoding" not in part.headers
    assert asked.get(script).headers["cache-control"] == "public, max-age=31536000, immutable"
    standalone = person.page.goto(f"{front.url}/call_export/ui/call/{call}")
    assert standalone is not None
    assert standalone.ok
    expect(person.page.locator(".cb-turn").first).to_be_visible()
    person.leaves(front)


def test_the_chain_of_the_log_is_whole_though_two_workers_write_it(front: Front, browser: Browser, call: int) -> None:
    """Twenty readers at once, and a hearing that both workers are asked for is noted once."""
    person = Person(browser, front, "supervisor", f"plugin/calls/call/{call}")
    expect(person.page.locator(".cb-turn").first).to_be_visible()
    token = next(one["value"] for one in person.page.context.cookies() if one["name"] == "_token")
    before = front.system.rows("SELECT count(*) AS entries FROM audit_log")[0]["entries"]

    def read(number: int) -> int:
        what = "audio" if number % 2 else "text"
        headers = {"Authorization": f"Bearer {token}", "Range": f"bytes={number}-"}
        url = f"{front.url}/call_export/ui/api/calls/{call}/{what}"
        return requests.get(
            url, headers=headers, timeout=120, verify=str(front.certificate), proxies=DIRECT
        ).status_code

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(read, range(80))) == {200, 206}
    with State.open(front.system.databases.state_url) as state:
        log = AuditLog(state.session)
        with log.snapshot() as ends:
            assert list(breaks(log.entries(), ends)) == []
    added = front.system.rows("SELECT action FROM audit_log ORDER BY entry_no OFFSET %s", before)
    assert [one["action"] for one in added].count("text_read") == 40
    heard = front.system.rows(
        "SELECT count(*) AS entries FROM audit_log WHERE action = 'call_heard' AND actor LIKE %s", "%supervisor%"
    )
    assert heard[0]["entries"] == 1
    person.leaves(front)


def test_both_workers_have_served(front: Front) -> None:
    grown = [after - before for before, after in zip(front.at_start, front.worker_seconds(), strict=True)]
    assert len(grown) == 2
    assert all(seconds > 0.5 for seconds in grown), grown


def test_two_officers_erase_a_persons_calls(front: Front, browser: Browser, call: int) -> None:
    """The last test of this file: the call that the others look at is gone after it."""
    system = front.system
    (row,) = system.rows("SELECT from_number, to_number, direction FROM recordings WHERE recording_id = %s", call)
    number = row["to_number"] if row["direction"] == "outbound" else row["from_number"]
    officer = Person(browser, front, "officer", "plugin/calls/erasure")
    page = officer.page
    page.get_by_role("button", name="Потребовать стереть").click()
    page.get_by_label("Номер телефона").fill(number)
    page.get_by_label("Основание").fill("обращение 1")
    page.get_by_label("Кто потребовал").fill("сам человек")
    page.get_by_role("button", name="Отправить на решение").click()
    expect(page.get_by_text("Требование отправлено.")).to_be_visible()

    def parked() -> bool:
        waiting = "SELECT 1 FROM erasures WHERE status = 'asked'"
        return bool(system.rows(waiting)) and any(
            task["state"] == "awaiting_input"
            for task in system.api("GET", f"dags/{ERASURE_DAG_ID}/dagRuns/~/taskInstances").json()["task_instances"]
        )

    eventually(parked, 180, "no question was asked")
    time.sleep(AFTER_PARKING)
    page.goto(f"{front.url}/plugin/calls/erasure")
    expect(page.get_by_text("Согласовать может только другой человек.")).to_be_visible()
    officer.shoot("erasure_own")
    officer.leaves(front)
    second = Person(browser, front, "second", "plugin/calls/erasure")
    second.page.get_by_role("button", name="Согласовать стирание").click()
    expect(second.page.get_by_text("Ответ принят").first).to_be_visible()
    eventually(lambda: bool(system.rows("SELECT 1 FROM erasures WHERE status = 'settled'")), 240, "nothing was erased")
    second.page.get_by_role("button", name="Обновить").click()
    expect(second.page.get_by_text("Повторный поиск не нашёл ничего.")).to_be_visible()
    second.shoot("erasure_settled")
    second.page.goto(f"{front.url}/plugin/calls/audit")
    expect(second.page.get_by_role("cell", name="звонки стёрты")).to_be_visible()
    second.shoot("audit")
    second.leaves(front)

"""What `trials.browser` does: see its docstring. A file of pytest, because the system is a fixture there."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from include.calls.names import ERASURE_DAG_ID
from ops.one_machine import health
from ops.one_machine.up import running_environment
from ops.settings.profile import REPOSITORY
from plugins.web.fab_roles import ANALYST, SECURITY_OFFICER, SUPERVISOR, VIEWER
from tests.airflow.system import System, eventually
from tests.browser.ui import ARGUMENTS, CHROMIUM

pytestmark = [pytest.mark.airflow, pytest.mark.chromium, pytest.mark.timeout(1500)]

DAY = "2025-08-02"
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
    location /airflow/ {{
      proxy_pass http://127.0.0.1:{behind};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_buffering off;
    }}
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
    at_start: list[float] = field(default_factory=list)

    def worker_seconds(self) -> list[float]:
        found = [child for child in self.server.children(recursive=True) if "spawn_main" in " ".join(child.cmdline())]
        return sorted(sum(child.cpu_times()[:2]) for child in found)


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _process(command: list[str], log: Path, **environment: str) -> Iterator[psutil.Process]:
    with log.open("w") as out:
        started = subprocess.Popen(command, stdout=out, stderr=out, env=environment or None, cwd=REPOSITORY)
    process = psutil.Process(started.pid)
    try:
        yield process
    finally:
        family = [process, *process.children(recursive=True)]
        for one in family:
            one.terminate()
        psutil.wait_procs(family, timeout=20)


@pytest.fixture(scope="module")
def front(_system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """The running system with FAB, and before it a second api-server of two workers behind nginx."""
    system, tmp_path = _system, tmp_path_factory.mktemp("front")
    system.settings["AUTH_MANAGER"] = "fab"
    with pytest.MonkeyPatch.context() as patch:  # FAB's first login imports Flask; a busy machine takes minutes for it
        patch.setattr(health, "LOGIN_SECONDS", 600)
        system.configured()
    tls, behind = _port(), _port()
    url = f"https://localhost:{tls}/airflow"
    environment = {
        **running_environment(system.runtime),
        "AIRFLOW__API__BASE_URL": url,
        "FORWARDED_ALLOW_IPS": "127.0.0.1",
    }
    passwords = {name: secrets.token_urlsafe(12) for name in PEOPLE}
    accounts = [{"login": name, "password": passwords[name], "role": role} for name, role in PEOPLE.items()]
    subprocess.run(
        [sys.executable, "-m", "plugins.web.fab_roles"],
        env=environment, input=json.dumps(accounts), text=True, check=True, cwd=system.runtime.root,
        capture_output=True,
    )  # fmt: skip
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"], check=True, capture_output=True,
    )  # fmt: skip
    config = tmp_path / "nginx.conf"
    config.write_text(NGINX.format(folder=tmp_path, tls=tls, behind=behind))
    airflow = [sys.executable, "-m", "airflow", "api-server", "--port", str(behind), "--host", "127.0.0.1"]
    airflow += ["--workers", "2", "--proxy-headers", "--apps", "core"]
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    with (
        _process(airflow, tmp_path / "api.log", **environment) as server,
        _process([nginx, "-c", str(config)], tmp_path / "nginx.log"),
    ):
        eventually(lambda: _answers(f"{url}/api/v2/version"), 180, "nothing answers behind nginx")
        found = Front(url, server, passwords, system)
        found.at_start = found.worker_seconds()
        yield found


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5, verify=False).ok  # noqa: S501 - a certificate of this trial's own
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
        self._pictures = Path(os.environ.get("BROWSER_TRIAL_PICTURES", "build/browser_trial"))
        self._name, self.asked = name, list[str]()
        context = browser.new_context(viewport={"width": 1400, "height": 900}, locale="ru-RU", ignore_https_errors=True)
        context.add_init_script(f"localStorage.theme = '{theme}'")
        self.page: Page = context.new_page()
        self.page.set_default_timeout(120_000)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(f"{front.url}/{path}")
        self.page.locator("input[name=username]").fill(name)
        self.page.locator("input[name=password]").fill(front.passwords[name])
        self.page.keyboard.press("Enter")

    def leaves(self, front: Front) -> None:
        assert self.errors == []
        outside = [url for url in self.asked if not url.startswith((front.url, "data:", "blob:"))]
        assert outside == [], "everything is under the prefix"
        self.page.context.close()

    def shoot(self, what: str) -> None:
        self._pictures.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self._pictures / f"{self._name}_{what}.png")
        found = Axe().run(self.page, context=".cb").response["violations"]
        assert [(one["id"], node["html"][:200]) for one in found for node in one["nodes"]] == []


@pytest.fixture(scope="module")
def call(front: Front) -> int:
    """The id of a call with two channels, a text and a sound."""
    expect.set_options(timeout=120_000)
    assert front.system.export("--from", DAY, "--to", DAY).returncode == 0
    (found,) = front.system.rows(
        "SELECT recording_id AS id FROM recordings JOIN transcripts text USING (transcript_id)"
        " WHERE status = 'completed' AND text.roles = 'channels' ORDER BY 1 LIMIT 1"
    )
    return int(found["id"])


def test_an_analyst_comes_by_a_link_to_a_second(front: Front, browser: Browser, call: int) -> None:
    path = f"plugin/calls/call/{call}"
    analyst = Person(browser, front, "analyst", f"{path}?t=0.9")
    page = analyst.page
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuenow", "1")
    assert page.url == f"{front.url}/{path}?t=0.9", "the login came back to the very second"
    page.get_by_role("button", name="Слушать", exact=True).click()
    page.wait_for_url("**?t=[1-9]*")
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


def test_two_officers_erase_a_persons_calls(front: Front, browser: Browser, call: int) -> None:
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


def test_both_workers_have_served(front: Front) -> None:
    grown = [after - before for before, after in zip(front.at_start, front.worker_seconds(), strict=True)]
    assert len(grown) == 2
    assert all(seconds > 0.5 for seconds in grown), grown

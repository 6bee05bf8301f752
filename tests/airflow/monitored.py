"""A real Prometheus and Alertmanager (Debian's packages) on free ports, run with the product's own files."""

import math
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ops.settings.profile import REPOSITORY
from simulators.kit.in_process import running
from tests.airflow.system import _free_port as free_port

FILES = REPOSITORY / "ops" / "monitoring"
RULES = {"call_export": "call_export.yml", "callcenter": "call_centre.yml"}  # by job
needs_prometheus = [
    pytest.mark.prometheus,
    pytest.mark.skipif(not shutil.which("promtool"), reason="needs the Debian package prometheus"),
    pytest.mark.skipif(not shutil.which("amtool"), reason="needs the Debian package prometheus-alertmanager"),
]


@dataclass
class Pager:
    """Takes Alertmanager's webhooks; `heard` is (receiver, alert, status) of each, in order."""

    heard: list[tuple[str, str, str]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)

    async def _take(self, request: Request) -> Response:
        message = await request.json()
        for alert in message["alerts"]:
            self.heard.append((request.path_params["receiver"], alert["labels"]["alertname"], alert["status"]))
            self.alerts.append(alert)
        return PlainTextResponse("ok")

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{receiver}", self._take, methods=["POST"])])

    def names(self, status: str) -> set[str]:
        return {name for _, name, reported in self.heard if reported == status}


@dataclass
class Prometheus:
    url: str

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series of the instant vector."""
        answer = requests.get(f"{self.url}/api/v1/query", params={"query": expression}, timeout=10).json()
        assert answer["status"] == "success", answer
        return [(series["metric"], float(series["value"][1])) for series in answer["data"]["result"]]

    def value(self, expression: str) -> float:
        """NaN if there is nothing: a busy machine may miss a scrape."""
        found = self.query(expression)
        assert len(found) <= 1, found
        return found[0][1] if found else math.nan


def seldom(condition: Callable[[], bool], seconds: float, failure: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(failure())
        time.sleep(0.2)


def at_last(check: Callable[[], None], seconds: float) -> None:
    """Repeats the check while it fails: on a busy machine Prometheus misses a scrape, and with it all series."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


@contextmanager
def prometheus(
    folder: Path,
    target: str,
    token: str,
    *,
    job: str = "call_export",
    alertmanager: str = "127.0.0.1:1",
    rules: str | None = None,
) -> Iterator[Prometheus]:
    """The product's prometheus.yml with other addresses, this job alone, scraping every second.

    `rules` replaces the text of the job's rules.
    """
    config = yaml.safe_load((FILES / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "500ms"}
    (scraped,) = (one for one in config["scrape_configs"] if one["job_name"] == job)
    config["scrape_configs"] = [scraped]
    scraped["static_configs"][0]["targets"] = [target]
    (folder / "token").write_text(token)
    scraped["authorization"]["credentials_file"] = str(folder / "token")
    config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [alertmanager]
    (folder / "rules").mkdir()
    (folder / "rules" / RULES[job]).write_text(
        rules or (FILES / "rules" / RULES[job]).read_text(encoding="utf-8"), encoding="utf-8"
    )
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    port = free_port()
    with _program(
        "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        log=folder / "prometheus.log",
        ready=f"http://127.0.0.1:{port}/-/ready",
    ):
        yield Prometheus(f"http://127.0.0.1:{port}")


@contextmanager
def alertmanager(folder: Path, pager: Pager) -> Iterator[str]:
    """The product's routes, every receiver of which calls the pager; yields its host and port."""
    config = yaml.safe_load((FILES / "alertmanager.yml").read_text(encoding="utf-8"))
    with running(pager.app) as url:
        config["global"] = {"resolve_timeout": "5s"}
        config["route"] |= {"group_wait": "0s", "group_interval": "1s"}
        config["receivers"] = [
            {"name": one["name"], "webhook_configs": [{"url": f"{url}/{one['name']}", "send_resolved": True}]}
            for one in config["receivers"]
        ]
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        port = free_port()
        with _program(
            "prometheus-alertmanager",
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/alertmanager",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            log=folder / "alertmanager.log",
            ready=f"http://127.0.0.1:{port}/-/ready",
        ):
            yield f"127.0.0.1:{port}"


@contextmanager
def _program(*command: str, log: Path, ready: str) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            seldom(lambda: process.poll() is not None or _answers(ready), 20, lambda: log.read_text()[-2000:])
            assert process.poll() is None, log.read_text()[-2000:]
            yield
        finally:
            process.terminate()
            process.wait(timeout=20)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).ok
    except requests.RequestException:
        return False

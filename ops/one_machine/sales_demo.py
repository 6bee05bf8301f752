"""`make sales-demo`: sales and ads on simulators and the embedded ClickHouse, on a machine with nothing prepared.

It is a profile (`var/sales-demo`) with its own databases and secrets; `.env` and the environment are not read.
"""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import requests
from rich.console import Console

from include.common.errors import ExportError
from ops.one_machine.down import down
from ops.one_machine.simulated_services import free_port, started
from ops.one_machine.up import running_environment, up
from ops.settings.env_file import FROM_FILES, VARIABLES
from ops.settings.generated_secrets import write_private
from ops.settings.profile import Runtime
from ops.wording.launcher import SALES_DEMO as WORDS

DAYS = 30
VIEWS = (
    "SELECT * FROM v_sales_14d",
    "SELECT d, net_revenue, spend_total, round(romi, 2) AS romi FROM v_marketing_daily ORDER BY d DESC LIMIT 5",
    "SELECT event_date, city, event_name, tickets_sold, revenue, source FROM v_sales_latest ORDER BY ALL LIMIT 5",
)
_GOOGLE = ("simulated-client.apps.example.org", "simulated-google-secret")  # of the simulator
_DEAD_PORTAL = "http://127.0.0.1:9"  # the settings of calls must be there; nothing of them is used


def sales_demo(console: Console) -> None:
    """Returns if every act ended as it should, else raises ExportError. The system keeps running."""
    runtime = Runtime("sales-demo")
    for name in (VARIABLES | FROM_FILES.keys()) & set(os.environ):  # a demo must not reach a real source
        del os.environ[name]
    down(runtime, console)
    runtime.make()
    today = datetime.now(ZoneInfo("Europe/Moscow")).date()
    first = today - timedelta(days=DAYS)
    url = started(runtime, "sales", "--from", str(first), "--to", str(today - timedelta(days=1)))
    _write_settings(runtime, url)
    console.print(WORDS["simulated"].format(url=url))
    up(runtime, console)
    act = Acts(runtime, console, url)
    console.print(WORDS["history"])
    act.sales("load", "--source", "qtickets")
    act.sales("load", "--source", "vk_ads", "--from", str(first))
    act.sales("load", "--source", "direct", "--from", str(first))
    act.look()
    console.print(WORDS["refund"])
    act.world("refund")
    act.sales("load", "--source", "qtickets")
    console.print(WORDS["down"])
    act.world("down")
    act.sales("load", "--source", "qtickets", expected=1)
    act.world("sell")
    act.world("letter")
    act.sales("load", "--source", "gmail")
    act.look(VIEWS[2])
    console.print(WORDS["up"])
    act.world("up")
    act.sales("load", "--source", "qtickets")
    act.look(VIEWS[2])
    console.print(WORDS["backup"])
    act.sales("backup")
    act.sales("restore-check")
    console.print(WORDS["table"])
    act.sales("status")
    act.look(*VIEWS[:2])
    console.print(WORDS["truth"].format(**act.world("truth")))


class Acts:
    """What happens in the simulated world, and what people type."""

    def __init__(self, runtime: Runtime, console: Console, url: str) -> None:
        self._runtime, self._console, self._url = runtime, console, url
        self._environment = running_environment(runtime)

    def world(self, act: str) -> dict[str, str]:
        answer = requests.post(f"{self._url}/__world__/{act}", timeout=30)
        answer.raise_for_status()
        found: dict[str, str] = answer.json()
        return found

    def sales(self, *arguments: str, expected: int = 0) -> None:
        command = [sys.executable, "-m", "jobs.sales", *arguments]
        code = subprocess.run(command, env=self._environment, cwd=self._runtime.root, check=False).returncode
        if code != expected:
            raise ExportError(
                f"jobs.sales {arguments[0]} ended with exit status {code}",
                problem="demo_failed",
                status=code,
                logs=self._runtime.logs,
            )

    def look(self, *queries: str) -> None:
        for query in queries or VIEWS:
            self.sales("sql", "--query", query)


def _write_settings(runtime: Runtime, url: str) -> None:
    client = runtime.home / "gmail_client.json"
    write_private(client, json.dumps({"installed": {"client_id": _GOOGLE[0], "client_secret": _GOOGLE[1]}}))
    values = {
        "B24_BASE_URL": _DEAD_PORTAL,
        "B24_WEBHOOK_USER_ID": "1",
        "B24_WEBHOOK_TOKEN": "demo",
        "AIRFLOW_PORT": str(free_port()),
        "ZAKAZ_HEALTH_PORT": str(free_port()),
        "QTICKETS_API_URL": f"{url}/api/rest/v1",
        "QTICKETS_TOKEN": "simulated-qtickets-token",
        "QTICKETS_RPS": "50",
        "VK_API_URL": url,
        "VK_CLIENT_ID": "simulated-vk-client",
        "VK_CLIENT_SECRET": "simulated-vk-secret",
        "VK_ACCOUNT_IDS": "4711",
        "DIRECT_API_URL": f"{url}/json/v501",
        "DIRECT_TOKEN": "simulated-direct-token",
        "DIRECT_LOGIN": "organiser",
        "GMAIL_API_URL": url,
        "GMAIL_TOKEN_URL": f"{url}/token",
        "GMAIL_CREDENTIALS_PATH": str(client),
        "GMAIL_REFRESH_TOKEN": "1//simulated-refresh-token",
    }
    write_private(runtime.env_file, "".join(f"{name}={value}\n" for name, value in values.items()))

"""Alertmanager gets the receivers for which `.env` has what they need; it starts whatever is left out."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.alert_routes import alertmanager_files
from ops.settings.profile import REPOSITORY

TEMPLATE: dict[str, Any] = yaml.safe_load((REPOSITORY / "ops/monitoring/alertmanager.yml").read_text(encoding="utf-8"))
SLACK = {"SLACK_WEBHOOK_URL": "https://hooks.example.com/services/T0/B0/XXX"}
PAGER = {"PAGERDUTY_ROUTING_KEY": "key"}
MAIL = {"ALERTMANAGER_EMAIL_TO": "a@example.com", "SMTP_URL": "smtp://mail?from=b@example.com"}
LOGIN = {"SMTP_URL": "smtps://b%40example.com:p%3Aw@mail"}


def written(values: dict[str, str]) -> tuple[dict[str, Any], set[str]]:
    files = alertmanager_files(TEMPLATE, values)
    return yaml.safe_load(files.pop("alertmanager.yml")), set(files)


@pytest.mark.parametrize(
    ("values", "root", "receivers", "routes", "secrets"),
    [
        ({}, "none", ["none"], [], set()),
        (SLACK, "slack", ["slack"], ["slack"], {"slack_webhook_url"}),
        (PAGER, "pagerduty", ["pagerduty"], ["pagerduty"], {"pagerduty_routing_key"}),
        (MAIL, "email", ["email"], ["email"], set()),
        ({**MAIL, "SMTP_URL": ""}, "none", ["none"], [], set()),
        (
            {**SLACK, **PAGER, **MAIL, **LOGIN},
            "slack",
            ["slack", "pagerduty", "email"],
            ["pagerduty", "email", "slack"],
            {"slack_webhook_url", "pagerduty_routing_key", "smtp_password"},
        ),
    ],
)
def test_only_what_can_send_is_a_receiver(
    values: dict[str, str], root: str, receivers: list[str], routes: list[str], secrets: set[str]
) -> None:
    config, files = written(values)
    assert config["route"]["receiver"] == root
    assert [one["name"] for one in config["receivers"]] == receivers
    assert [one["receiver"] for one in config["route"]["routes"]] == routes
    assert files == secrets
    named = {
        str(value).removeprefix("/run/secrets/") for value in config["global"].values() if "/run/secrets/" in str(value)
    }
    assert named <= files, "Alertmanager would look for a file that nobody has written"


def test_addresses_come_from_the_settings() -> None:
    config, _ = written({**SLACK, **MAIL, "ALERTMANAGER_SLACK_CHANNEL": "#ночь", **LOGIN})
    slack, email = config["receivers"]
    assert slack["slack_configs"][0]["channel"] == "#ночь"
    assert email["email_configs"][0]["to"] == "a@example.com"
    assert config["global"]["smtp_smarthost"] == "mail:465"
    assert config["global"]["smtp_from"] == config["global"]["smtp_auth_username"] == "b@example.com"
    assert alertmanager_files(TEMPLATE, {**MAIL, **LOGIN})["smtp_password"] == "p:w"


@pytest.mark.parametrize(("query", "tls"), [("", True), ("&tls=no", False)])
def test_letters_go_in_the_clear_only_where_the_setting_says_so(query: str, tls: bool) -> None:
    config, _ = written({**MAIL, "SMTP_URL": f"smtp://mail?from=b@example.com{query}"})
    assert (config["global"]["smtp_smarthost"], config["global"]["smtp_require_tls"]) == ("mail:587", tls)


@pytest.mark.prometheus
@pytest.mark.skipif(not shutil.which("amtool"), reason="needs the Debian package prometheus-alertmanager")
@pytest.mark.parametrize("values", [{}, SLACK, PAGER, MAIL, {**SLACK, **PAGER, **MAIL, **LOGIN}])
def test_alertmanager_accepts_what_is_written(values: dict[str, str], tmp_path: Path) -> None:
    files = alertmanager_files(TEMPLATE, values)
    for name, text in files.items():
        (tmp_path / name).write_text(text.replace("/run/secrets", str(tmp_path)), encoding="utf-8")
    subprocess.run(["amtool", "check-config", tmp_path / "alertmanager.yml"], check=True, capture_output=True)

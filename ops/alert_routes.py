"""`ops/monitoring/alertmanager.yml` with the receivers for which `.env` has an address and a secret, and no others."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from ops.settings.env_file import mail_sender
from ops.settings.mail_server import is_plain, port_of

NO_RECEIVER = "none"
# Receivers of the file by the variables without which they cannot send.
NEEDED = {
    "slack": ("SLACK_WEBHOOK_URL",),
    "pagerduty": ("PAGERDUTY_ROUTING_KEY",),
    "email": ("ALERTMANAGER_EMAIL_TO", "SMTP_URL"),
}
SECRETS = {  # files that the configuration names, by the variable with their content
    "SLACK_WEBHOOK_URL": "slack_webhook_url",
    "PAGERDUTY_ROUTING_KEY": "pagerduty_routing_key",
}


def alertmanager_files(template: dict[str, Any], written: Mapping[str, str]) -> dict[str, str]:
    """The configuration and the files with secrets that it names, by name; `written` are variables of `.env`.

    An alert without a receiver is shown by Alertmanager's own page and by Grafana.
    """
    kept = [name for name, needed in NEEDED.items() if all(written.get(one) for one in needed)]
    config: dict[str, Any] = dict(template)
    config["global"] = _global(template["global"], kept, written)
    config["receivers"] = [_addressed(one, written) for one in template["receivers"] if one["name"] in kept] or [
        {"name": NO_RECEIVER}
    ]
    root = dict(template["route"])
    if root["receiver"] not in kept:
        root["receiver"] = kept[0] if kept else NO_RECEIVER
    root["routes"] = [route for route in root["routes"] if route["receiver"] in kept]
    config["route"] = root
    secrets = {file: written[name] for name, file in SECRETS.items() if written.get(name)}
    if password := unquote(urlsplit(written.get("SMTP_URL", "")).password or ""):
        secrets["smtp_password"] = password
    return {"alertmanager.yml": yaml.safe_dump(config, allow_unicode=True, sort_keys=False), **secrets}


def _global(template: Mapping[str, Any], kept: list[str], written: Mapping[str, str]) -> dict[str, Any]:
    found = dict(template)
    if "slack" not in kept:
        found.pop("slack_api_url_file")
    mail = {
        "smtp_smarthost": "",
        "smtp_from": "",
        "smtp_auth_username": "",
        "smtp_auth_password_file": template["smtp_auth_password_file"],
    }
    for name in mail:
        found.pop(name)
    if "email" not in kept:
        return found
    url = written["SMTP_URL"]
    parts = urlsplit(url)
    mail |= {
        "smtp_smarthost": f"{parts.hostname}:{port_of(url)}",
        "smtp_from": mail_sender(url),
        "smtp_auth_username": unquote(parts.username or ""),
    }
    if not parts.password:
        del mail["smtp_auth_username"], mail["smtp_auth_password_file"]
    return found | mail | {"smtp_require_tls": not is_plain(url)}


def _addressed(receiver: Mapping[str, Any], written: Mapping[str, str]) -> dict[str, Any]:
    changed = dict(receiver)
    if receiver["name"] == "email":
        changed["email_configs"] = [
            {**one, "to": written["ALERTMANAGER_EMAIL_TO"]} for one in receiver["email_configs"]
        ]
    if receiver["name"] == "slack" and written.get("ALERTMANAGER_SLACK_CHANNEL"):
        changed["slack_configs"] = [
            {**one, "channel": written["ALERTMANAGER_SLACK_CHANNEL"]} for one in receiver["slack_configs"]
        ]
    return changed

"""The one setting that names the mail server: SMTP_URL, for connections and for Alertmanager."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from ops.settings.env_file import mail_sender


def smtp_connection(address: SecretStr, *, timeout: int) -> dict[str, Any]:
    """`smtp` begins TLS by STARTTLS, or not at all with `?tls=no`; `smtps` speaks it from the first byte."""
    url = address.get_secret_value()
    parts = urlsplit(url)
    direct, plain = parts.scheme == "smtps", is_plain(url)
    return {
        "conn_type": "smtp",
        "host": parts.hostname,
        "port": port_of(url),
        "login": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "extra": {
            "from_email": mail_sender(url),
            "disable_ssl": not direct,
            "disable_tls": direct or plain,
            "timeout": timeout,
            "retry_limit": 0,
        },
    }


def is_plain(smtp_url: str) -> bool:
    """Whether letters and password go over the network without encryption."""
    parts = urlsplit(smtp_url)
    return parts.scheme == "smtp" and dict(parse_qsl(parts.query)).get("tls") == "no"


def port_of(smtp_url: str) -> int:
    parts = urlsplit(smtp_url)
    return parts.port or (465 if parts.scheme == "smtps" else 587)

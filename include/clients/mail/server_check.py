"""Whether a mail server lets us in: connection, TLS and login, without a letter."""

import smtplib
import ssl
from collections.abc import Mapping
from typing import Any

from include.common.certificates import certificate_error, certificate_refusal
from include.common.errors import AccessDenied, ExportError, Temporary

_TIMEOUT_SEC = 15


def check_mail_server(conn: Mapping[str, Any]) -> None:
    """`conn` is a connection of Airflow's type `smtp` in its JSON form. Raises AccessDenied or Temporary."""
    extra: Mapping[str, Any] = conn.get("extra") or {}
    host, port = str(conn.get("host") or ""), int(conn.get("port") or 0)
    failure: ExportError
    try:
        with _opened(host, port, direct=not extra.get("disable_ssl")) as server:
            if not extra.get("disable_tls"):
                server.starttls(context=ssl.create_default_context())
            if conn.get("login") and conn.get("password"):
                server.login(str(conn["login"]), str(conn["password"]))
            server.noop()
            return
    except smtplib.SMTPAuthenticationError:
        failure = AccessDenied(
            f"the mail server {host} refuses the user or password of SMTP_URL", problem="mail_login", host=host
        )
    except (OSError, smtplib.SMTPException) as error:
        if reason := certificate_refusal(error):
            failure = certificate_error(reason, "the mail server", f"smtp://{host}")
        else:
            kind = type(error).__name__
            failure = Temporary(
                f"the mail server {host}:{port} does not answer as it should ({kind})",
                problem="mail_unusable",
                host=host,
                port=port,
            )
    raise failure  # outside the handlers: the foreign error may quote what was sent


def _opened(host: str, port: int, *, direct: bool) -> smtplib.SMTP:
    if direct:
        return smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_SEC, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, timeout=_TIMEOUT_SEC)

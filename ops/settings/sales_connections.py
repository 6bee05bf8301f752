"""Settings of sales -> Airflow connections, by the ids of `include/sales/names.py`."""

from pathlib import Path
from typing import Any

from include.sales import names
from ops.settings import embedded_clickhouse
from ops.settings.env_file import Settings
from ops.settings.generated_secrets import Generated
from ops.settings.mail_server import smtp_connection
from ops.settings.profile import Runtime

Connection = dict[str, Any]


def sales_connections(settings: Settings, runtime: Runtime, keys: Generated) -> dict[str, Connection]:
    """Airflow connections by id, in Airflow's JSON form. A source whose access is not set has none: it is off."""
    found = {
        names.WAREHOUSE_CONN: _warehouse(settings, runtime, keys, admin=False),
        names.WAREHOUSE_ADMIN_CONN: _warehouse(settings, runtime, keys, admin=True),
    }
    if token := settings.qtickets_token.get_secret_value():
        found[names.QTICKETS_CONN] = {"conn_type": "qtickets", "host": settings.qtickets_api_url, "password": token}
    if settings.vk_client_secret.get_secret_value() or settings.vk_token.get_secret_value():
        found[names.VK_ADS_CONN] = _vk_ads(settings)
    if token := settings.direct_token.get_secret_value():
        extra = {"logins": _list(settings.direct_login)}
        found[names.DIRECT_CONN] = {
            "conn_type": "yandex_direct",
            "host": settings.direct_api_url,
            "password": token,
            "extra": extra,
        }
    if settings.gmail_refresh_token.get_secret_value() or settings.gmail_service_account_path:
        found[names.GMAIL_CONN] = _gmail(settings, runtime)
    if settings.smtp_url and settings.alert_email_to:
        found[names.SMTP_CONN] = smtp_connection(settings.smtp_url, timeout=30)
        found[names.SMTP_CONN]["extra"]["to"] = settings.alert_email_to
    return found


def _warehouse(settings: Settings, runtime: Runtime, keys: Generated, *, admin: bool) -> Connection:
    if not settings.ch_host:
        return {
            "conn_type": "clickhouse",
            "host": embedded_clickhouse.HOST,
            "port": embedded_clickhouse.port(runtime),
            "schema": settings.ch_database,
            "login": embedded_clickhouse.USER,
            "password": embedded_clickhouse.password(keys),
            "extra": {
                "secure": False,
                "embedded": True,
                "backup_disk": "backups",
                "backup_folder": str(embedded_clickhouse.backup_folder(runtime)),
            },
        }
    own = admin and settings.ch_admin_user
    secret = settings.ch_admin_password if own else settings.ch_password
    return {
        "conn_type": "clickhouse",
        "host": settings.ch_host,
        "port": settings.ch_port,
        "schema": settings.ch_database,
        "login": settings.ch_admin_user if own else settings.ch_user,
        "password": secret.get_secret_value(),
        "extra": {
            "secure": settings.ch_secure,
            "backup_disk": settings.ch_backup_to,
            "backup_folder": settings.ch_backup_folder,
        },
    }


def _vk_ads(settings: Settings) -> Connection:
    """The ready token's name makes Airflow's masker hide it."""
    extra = {
        "api": settings.vk_api,
        "accounts": _list(settings.vk_account_ids),
        "access_token": settings.vk_token.get_secret_value(),
    }
    return {
        "conn_type": "vk_ads",
        "host": settings.vk_api_url,
        "login": settings.vk_client_id,
        "password": settings.vk_client_secret.get_secret_value(),
        "extra": {key: value for key, value in extra.items() if value},
    }


def _gmail(settings: Settings, runtime: Runtime) -> Connection:
    paths = {
        "credentials_path": settings.gmail_credentials_path,
        "key_file": settings.gmail_service_account_path,
    }
    extra = {name: str(runtime.root / Path(path)) for name, path in paths.items() if path}
    extra["token_url"] = settings.gmail_token_url
    if settings.gmail_subject:
        extra["subject"] = settings.gmail_subject
    return {
        "conn_type": "gmail_reserve",
        "host": settings.gmail_api_url,
        "password": settings.gmail_refresh_token.get_secret_value(),
        "extra": extra,
    }


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]

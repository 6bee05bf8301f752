"""Keyed hashes of the secrets in Airflow's connections: whether one has changed can be known, what it is cannot."""

from airflow.sdk import BaseHook
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowNotFoundException

from include.calls.names import STORAGE_CONN
from include.common.names import (
    ALERTS_CONN,
    FALLBACK_RECOGNISER_CONN,
    LANGUAGE_MODEL_CONN,
    MAIL_CONN,
    PORTAL_CONN,
    RECOGNISER_CONN,
    SLACK_CONN,
)
from include.common.secret_digest import secret_digest

SECRETS = (
    PORTAL_CONN,
    RECOGNISER_CONN,
    FALLBACK_RECOGNISER_CONN,
    LANGUAGE_MODEL_CONN,
    STORAGE_CONN,
    SLACK_CONN,
    MAIL_CONN,
    ALERTS_CONN,
)


def fernet_key() -> str:
    """The key that is in no database."""
    return str(conf.get("core", "fernet_key", fallback=""))


def fingerprints(key: str) -> dict[str, str]:
    """By connection id, from wherever Airflow finds the connection, a secrets backend included.

    Without a key nothing is hashed.
    """
    found = {name: _password(name) for name in SECRETS} if key else {}
    return {name: secret_digest(key, f"{name}:{secret}") for name, secret in found.items() if secret}


def _password(conn_id: str) -> str:
    try:
        return str(BaseHook.get_connection(conn_id).password or "")
    except AirflowNotFoundException:
        return ""

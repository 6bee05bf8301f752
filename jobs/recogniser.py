"""The recogniser for the command line, from the connection that the tasks read."""

from collections.abc import Mapping
from typing import Any

from include.speech.recognition_client import Recogniser, RecogniserSettings
from jobs.airflow_api import connection_from_environment


def recogniser_from_environment(conn_id: str, model: str, *, timeout_sec: float | None) -> Recogniser:
    """Raises NotConfigured if the connection is missing, has neither key nor address, or lacks a proxy it requires."""
    access = access_of(connection_from_environment(conn_id))
    return Recogniser(RecogniserSettings(model=model, timeout_sec=timeout_sec, **access))


def access_of(conn: Mapping[str, Any]) -> dict[str, Any]:
    """Where and as whom to ask, of a connection in Airflow's JSON form."""
    extra: Mapping[str, Any] = conn.get("extra") or {}
    return {
        "api_key": conn.get("password") or None,
        "base_url": conn.get("host") or None,
        "proxy_url": extra.get("proxy_url") or None,
        "require_proxy": bool(extra.get("never_direct")),
    }

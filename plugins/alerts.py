"""Slack: short, without personal data, and never in the way of a run."""

import logging
from collections.abc import Mapping
from typing import Any

from include.config.names import SLACK_CONN

log = logging.getLogger(__name__)


async def deadline_missed(context: Mapping[str, Any] | None = None, **_: Any) -> str:
    """The deadline's callback, run by the triggerer. Silent for a run that already ended.

    Airflow 3.3.2 prunes a run's deadline on success only, so a run that failed early would still call.
    """
    run = (context or {}).get("dag_run") or {}
    if run.get("state") not in ("queued", "running"):
        return "skipped: the run has ended"
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        await BaseHook.aget_connection(SLACK_CONN)
    except AirflowNotFoundException:
        log.warning("Run %s missed its deadline; no Slack connection is configured", run.get("dag_run_id"))
        return "skipped: no Slack connection"
    from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier

    text = ":alarm_clock: Выгрузка {{ dag_run.dag_run_id }} не закончилась к сроку {{ deadline.deadline_time }}"
    await SlackWebhookNotifier(slack_webhook_conn_id=SLACK_CONN, text=text, context=context)
    return "sent"

"""Sends one text to Slack's incoming webhook, the connection `slack`: quickly, once, and without raising."""

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from include.common.names import SLACK_CONN

if TYPE_CHECKING:
    from airflow.providers.slack.hooks.slack_webhook import SlackWebhookHook

log = logging.getLogger(__name__)

LONGEST_SECONDS = 4.0
# Slack's client logs the webhook's whole address at DEBUG, and the address is the secret.
QUIET = logging.getLogger(f"{__name__}.webhook")
QUIET.setLevel(logging.INFO)


def send(text: str) -> bool:
    """False if Slack does not accept the text within LONGEST_SECONDS, for whatever reason: DNS, proxy, a slow response.

    The client's own timeout counts from the last byte received, so the request runs in a thread that is not waited for.
    """
    client, accepted = _hook().client, threading.Event()  # read here: threads cannot ask Airflow for connections

    def post() -> None:
        if succeeds(lambda: client.send(text=text)):
            accepted.set()

    sender = threading.Thread(target=post, daemon=True)
    sender.start()
    sender.join(LONGEST_SECONDS)
    return accepted.is_set()


async def send_async(text: str) -> None:
    """For the triggerer. Raises what Slack's client raises."""
    await _hook().async_send(text=text)


def succeeds(request: Callable[[], Any]) -> bool:
    """True if the request is answered with HTTP 200. Errors are logged by type: their text may hold the address."""
    try:
        response = request()
    except Exception as error:
        log.warning("Slack did not accept the message: %s", type(error).__name__)
        return False
    status = getattr(response, "status_code", 200)
    if status != 200:
        log.warning("Slack refused the message: HTTP %s", status)
    return bool(status == 200)


def _hook() -> "SlackWebhookHook":
    from airflow.providers.slack.hooks.slack_webhook import SlackWebhookHook

    seconds = int(LONGEST_SECONDS)
    return SlackWebhookHook(slack_webhook_conn_id=SLACK_CONN, timeout=seconds, retry_handlers=[], logger=QUIET)

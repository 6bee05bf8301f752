"""Slack's incoming webhook, from a connection of type `slackwebhook`, and whether a receiver has accepted."""

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


def hook_of(conn_id: str) -> "SlackWebhookHook":
    """The client's own timeout counts from the last byte received: a caller that must not wait uses a thread."""
    from airflow.providers.slack.hooks.slack_webhook import SlackWebhookHook

    seconds = int(LONGEST_SECONDS)
    return SlackWebhookHook(slack_webhook_conn_id=conn_id, timeout=seconds, retry_handlers=[], logger=QUIET)


def send(text: str) -> bool:
    """Through the connection `slack` alone. False unless it is accepted within LONGEST_SECONDS, whatever the reason."""
    client, accepted = hook_of(SLACK_CONN).client, threading.Event()  # read here: a thread cannot ask for connections

    def post() -> None:
        if succeeds(lambda: client.send(text=text)):
            accepted.set()

    sender = threading.Thread(target=post, daemon=True)
    sender.start()
    sender.join(LONGEST_SECONDS)
    return accepted.is_set()


def succeeds(request: Callable[[], Any]) -> bool:
    """True if the request is answered, by HTTP with 200. Errors are logged by type: their text may hold the address."""
    try:
        response = request()
    except Exception as error:
        log.warning("the receiver did not accept the message: %s", type(error).__name__)
        return False
    status = getattr(response, "status_code", 200)
    if status != 200:
        log.warning("the receiver refused the message: HTTP %s", status)
    return bool(status == 200)

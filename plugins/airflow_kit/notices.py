"""Sends a notice to its readers: through Slack's webhook (connection `slack`) and through the connection `alerts`.

`alerts` may be of any of these types of Airflow's providers: `slackwebhook`, `smtp` (extra `to`: the readers),
`telegram` (a bot's token and a chat), `apprise` (addresses of Apprise's some hundred services). None is forced: the
providers of the last two are extras. Quickly, once, and without raising: a receiver that hangs delays no task.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from include.common.names import ALERTS_CONN, SLACK_CONN
from plugins.airflow_kit import slack

if TYPE_CHECKING:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier
    from airflow.sdk import Connection

    from include.common.notice import Notice

log = logging.getLogger(__name__)

LONGEST_SECONDS = slack.LONGEST_SECONDS
CONNECTIONS = (SLACK_CONN, ALERTS_CONN)
# libraries of receivers that log addresses, which are secrets, at DEBUG
for _library in ("apprise", "telegram", "httpx"):
    logging.getLogger(_library).setLevel(logging.WARNING)


def connected() -> "dict[str, Connection]":
    """The connections that exist, by id."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    found = {}
    for conn_id in CONNECTIONS:
        try:
            found[conn_id] = BaseHook.get_connection(conn_id)
        except AirflowNotFoundException:
            continue
    return found


def send(notice: "Notice") -> bool:
    """True if one of the receivers has accepted it within LONGEST_SECONDS; errors are logged by type alone.

    The receivers are asked at the same time, each in a thread that is not waited for longer than that.
    """
    accepted = [_begun(post) for conn_id, conn in connected().items() if (post := _post(conn_id, conn, notice))]
    deadline = time.monotonic() + LONGEST_SECONDS
    for thread, _ in accepted:
        thread.join(max(0.0, deadline - time.monotonic()))
    return any(done.is_set() for _, done in accepted)


async def aconnected() -> "dict[str, Connection]":
    """For the triggerer, where connections are asked for in its own loop only."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    found = {}
    for conn_id in CONNECTIONS:
        try:
            found[conn_id] = await BaseHook.aget_connection(conn_id)
        except AirflowNotFoundException:
            continue
    return found


async def asend(notice: "Notice", connections: "dict[str, Connection]") -> bool:
    """For the triggerer; otherwise as `send`."""

    async def one(conn_id: str, conn: "Connection") -> bool:
        try:
            if conn.conn_type == "slackwebhook":
                await asyncio.wait_for(slack.hook_of(conn_id).async_send(text=notice.as_slack()), LONGEST_SECONDS)
            elif conn.conn_type == "smtp":
                await asyncio.wait_for(_mail_of(conn_id, conn, notice).async_notify({}), LONGEST_SECONDS)
            elif post := _post(conn_id, conn, notice):
                return await asyncio.wait_for(asyncio.to_thread(slack.succeeds, post), LONGEST_SECONDS)
            else:
                return False
        except Exception as error:
            log.warning("the receiver did not accept the message: %s", type(error).__name__)
            return False
        return True

    return any(await asyncio.gather(*(one(conn_id, conn) for conn_id, conn in connections.items())))


def _begun(post: Callable[[], Any]) -> tuple[threading.Thread, threading.Event]:
    done = threading.Event()

    def work() -> None:
        if slack.succeeds(post):
            done.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread, done


def _post(conn_id: str, conn: "Connection", notice: "Notice") -> Callable[[], Any] | None:
    """What sends the notice; made here, because threads should not ask Airflow for connections."""
    make = _DOORS.get(conn.conn_type or "")
    if make is None:
        log.warning("the connection %s has the type %s, through which nothing can be sent", conn_id, conn.conn_type)
        return None
    try:
        return make(conn_id, conn, notice)
    except ImportError:
        log.warning("the provider of %s is not installed: no notice is sent through %s", conn.conn_type, conn_id)
    except Exception as error:
        log.warning("the connection %s cannot be used: %s", conn_id, type(error).__name__)
    return None


def _slack(conn_id: str, conn: "Connection", notice: "Notice") -> Callable[[], Any]:  # noqa: ARG001
    client, text = slack.hook_of(conn_id).client, notice.as_slack()
    return lambda: client.send(text=text)


def _mail(conn_id: str, conn: "Connection", notice: "Notice") -> Callable[[], Any]:
    notifier = _mail_of(conn_id, conn, notice)
    return lambda: notifier.notify({})


def _mail_of(conn_id: str, conn: "Connection", notice: "Notice") -> "SmtpNotifier":
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    extra = conn.extra_dejson
    sender, to = str(extra.get("from_email") or conn.login or ""), str(extra.get("to") or "")
    html = notice.as_html()
    return SmtpNotifier(to=to, from_email=sender, subject=notice.headline, html_content=html, smtp_conn_id=conn_id)


def _telegram(conn_id: str, conn: "Connection", notice: "Notice") -> Callable[[], Any]:  # noqa: ARG001
    module = import_module("airflow.providers.telegram.hooks.telegram")
    hook = module.TelegramHook(telegram_conn_id=None, token=conn.password, chat_id=conn.host)
    text = f"{notice.headline}\n{notice.as_text()}"
    return lambda: hook.send_message({"text": text, "parse_mode": None})


def _apprise(conn_id: str, conn: "Connection", notice: "Notice") -> Callable[[], Any]:
    module, apprise = import_module("airflow.providers.apprise.hooks.apprise"), import_module("apprise")
    services = apprise.Apprise()
    module.AppriseHook(apprise_conn_id=conn_id).set_config_from_conn(conn=conn, apprise_obj=services)

    def post() -> None:  # the provider's own hook does not say whether a service has accepted
        if not services.notify(title=notice.headline, body=notice.as_text()):
            raise ConnectionError

    return post


_DOORS = {"slackwebhook": _slack, "smtp": _mail, "telegram": _telegram, "apprise": _apprise}

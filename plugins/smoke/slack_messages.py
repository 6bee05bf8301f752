"""The message about a smoke run: one for each run, whatever its end.

Without the connections `slack` and `alerts` nothing is sent. No function here raises, and none takes longer than
`notices.LONGEST_SECONDS` and a few milliseconds of the database.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from include.smoke.names import DAG_ID
from plugins.airflow_kit import notices

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.common.notice import Notice

log = logging.getLogger(__name__)


def verdict(context: "Context", sentences: Sequence[str], *, failed: int) -> None:
    """For `report`, before it fails."""
    from include.smoke.reporting.verdict_text import verdict_text

    _send_once(context, verdict_text(sentences, _link(context), failed=failed))


def run_failed(context: "Context") -> None:
    """The DAG's `on_failure_callback`: says that there is no verdict, unless `report` has sent one."""
    from include.smoke.reporting.verdict_text import not_held

    _send_once(context, not_held(_link(context)))


def _send_once(context: "Context", text: "Notice") -> None:
    if not notices.connected():
        return
    try:
        from include.calls.state.notifications import Notifications
        from plugins.hooks.calls_state import CallsStateHook

        occasion = f"{DAG_ID} {context['run_id']}"
        with CallsStateHook().get_conn() as state:
            Notifications(state.session).once(occasion, lambda: notices.send(text), run_id=None, kind="stt_smoke")
    except Exception as error:
        log.warning("the message was not sent: %s", type(error).__name__)  # its text may hold a webhook's address


def _link(context: "Context") -> str:
    from airflow.sdk.configuration import conf

    base = conf.get("api", "base_url", fallback="http://localhost").rstrip("/")
    return f"{base}/dags/{DAG_ID}/runs/{quote(context['run_id'], safe='')}"

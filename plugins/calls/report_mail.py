"""Registry and report by mail, to the readers of the connection `mail` (its extra `to`), once for each end of a run."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from include.common.names import MAIL_CONN

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from include.calls.steps.mail_report import Letter
    from include.clients.storage.base import Storage

log = logging.getLogger(__name__)


def report_mailed(run_id: UUID, verdict: str, link: str) -> None:
    """For `close_run`, after its work. Raises nothing: a server that refuses the letter fails no run."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        conn = BaseHook.get_connection(MAIL_CONN)
    except AirflowNotFoundException:
        return
    if not conn.extra_dejson.get("to"):
        return
    try:
        _mail_once(run_id, verdict, link, conn)
    except Exception as error:
        log.warning("the report was not mailed: %s", type(error).__name__)


def _mail_once(run_id: UUID, verdict: str, link: str, conn: "Connection") -> None:
    from include.calls.state.notifications import Notifications
    from include.calls.steps.mail_report import letter_about
    from plugins.hooks.calls_policy import load_run_policy
    from plugins.hooks.calls_state import CallsStateHook
    from plugins.hooks.storage import StorageHook

    with CallsStateHook().get_conn() as state:
        storage, sent = StorageHook().get_conn(), Notifications(state.session)
        letter = letter_about(run_id, verdict, link, state, storage, load_run_policy())
        if letter is None:
            return
        end = sent.last_event(run_id, "completed")
        occasion = f"report_mailed {run_id} {end.event_id if end else 0}"
        sent.once(occasion, lambda: _accepted(letter, storage, conn), run_id=run_id, kind="report_mailed")


def _accepted(letter: "Letter", storage: "Storage", conn: "Connection") -> bool:
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    from include.common.temporary_folders import temporary_folder

    extra = conn.extra_dejson
    try:
        with temporary_folder() as folder, SmtpHook(MAIL_CONN) as server:
            files = [str(path) for path in letter.write_files(Path(folder), storage)]
            sender = str(extra.get("from_email") or conn.login or "")
            server.send_email_smtp(
                to=str(extra["to"]),
                from_email=sender,
                subject=letter.subject,
                html_content=letter.body,
                files=files,
            )
    except Exception as error:
        log.warning("the mail server did not accept the report: %s", type(error).__name__)
        return False
    return True

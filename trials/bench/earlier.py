"""An earlier complete run: listed by the real step, then completed by SQL, without recognition."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from trials.bench.world import NoPace

if TYPE_CHECKING:
    from include.calls.state.state import State
    from include.clients.storage.base import Storage
    from include.common.telephony import TelephonySystem

TEXT = "[00:00:03] [Оператор]: слово за словом\n".encode() * 12  # the text of a call of one minute
BATCH = 1

# The columns that `transcribe` sets, for every call of the run.
_COMPLETE = """
UPDATE call_records
   SET status = 'completed', audio_sec = duration_sec, language = 'ru', roles = 'none', source = 'recogniser',
       model = 'gpt-transcribe', cost = 0.0045, text_preview = repeat('слово ', 80),
       raw_path = 'raw/' || record_id || '.mp3', checksum = md5(record_id) || md5(call_id),
       batch_no = %(batch)s
 WHERE run_id = %(run_id)s AND status = 'pending'
"""
_PATH = "UPDATE call_records SET transcript_path = %s WHERE run_id = %s AND call_id = %s"


def complete_run(run_id: UUID, telephony: "TelephonySystem", state: "State", storage: "Storage") -> None:
    """Completes all rows by one statement and writes two files for each call."""
    from include.calls.steps.paths import keys_of, run_of

    from include.calls.domain.states import RecordStatus
    from include.calls.steps.list_calls import list_calls

    list_calls(run_id, telephony, state)
    run = run_of(run_id, state)
    with state.transaction() as connection:
        connection.execute(_COMPLETE.encode(), {"run_id": run_id, "batch": BATCH})
        connection.execute(b"ANALYZE")
    keys = [keys_of(record, run) for record in state.batch_records(run_id, BATCH, {RecordStatus.COMPLETED})]
    with state.transaction() as connection, connection.cursor() as cursor:
        cursor.executemany(_PATH.encode(), [(key.transcript, run_id, key.call_id) for key in keys])
    with ThreadPoolExecutor(8) as pool:
        written = [
            pool.submit(storage.put_bytes, name, content, kind)
            for key in keys
            for name, content, kind in (
                (key.transcript, TEXT, "text/plain; charset=utf-8"),
                (key.recognition, TEXT * 3, "application/json"),
            )
        ]
    for one in written:
        one.result()


@contextmanager
def unpaced_portal(url: str, user: str, token: str) -> "Iterator[TelephonySystem]":
    """A client without a pace."""
    from include.clients.bitrix24.portal import Portal
    from include.clients.bitrix24.telephony import Bitrix24Telephony
    from include.clients.bitrix24.webhook import Webhook

    portal = Portal(Webhook.of(url, user, token), NoPace())
    try:
        yield Bitrix24Telephony(portal)
    finally:
        portal.close()

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

# What `download` and `transcribe` leave in the tables for every pending recording of the run, without their events.
_COMPLETE = """
WITH todo AS MATERIALIZED (
    SELECT recording_id, duration_sec, 'call_' || call_id AS name,
           to_char(call_started_at AT TIME ZONE 'UTC', 'YYYY/MM/DD/') AS day
      FROM reported_recordings WHERE run_id = %(run_id)s AND status = 'pending'
), texts AS (
    INSERT INTO transcripts (recording_id, sha256, body, preview, language, roles, source, model, purchase_no, run_id)
    SELECT recording_id, md5(name) || md5(day || name), %(body)s || name, repeat('слово ', 80), 'ru', 'none',
           'recogniser', 'gpt-transcribe', 1, %(run_id)s
      FROM todo
    RETURNING recording_id, transcript_id
), paid AS (
    INSERT INTO charges (run_id, recording_id, purchase_no, purpose, model, unit, quantity, usd, confirmed)
    SELECT %(run_id)s, recording_id, 1, 'recognition', 'gpt-transcribe', 'second', duration_sec, 0.0045, true FROM todo
)
UPDATE recordings own
   SET status = 'completed', audio_sec = own.duration_sec, file_name = name, raw_path = 'raw/' || day || name || '.mp3',
       checksum = md5(day) || md5(name), transcript_id = texts.transcript_id,
       transcript_path = 'transcripts/' || day || name || '.txt', text_at = now(), updated_at = now()
  FROM todo JOIN texts USING (recording_id)
 WHERE own.recording_id = todo.recording_id
RETURNING own.transcript_path
"""


def complete_run(
    run_id: UUID, telephony: "TelephonySystem", state: "State", storage: "Storage", *, files: bool = True
) -> None:
    """Lists the run's period and completes what it has found."""
    from include.calls.steps.list_calls import list_calls

    list_calls(run_id, telephony, state)
    complete_pending(run_id, state, storage, files=files)
    with state.session.transaction() as connection:
        connection.execute(b"ANALYZE")


def complete_pending(run_id: UUID, state: "State", storage: "Storage", *, files: bool = True) -> int:
    """Completes all pending recordings by one statement and writes two files for each; returns how many."""
    with state.session.transaction() as connection:
        values = {"run_id": run_id, "body": TEXT.decode()}
        texts = [path for (path,) in connection.execute(_COMPLETE.encode(), values).fetchall()]
    if files:
        with ThreadPoolExecutor(8) as pool:
            written = [
                pool.submit(storage.put_bytes, name, content, kind)
                for text in texts
                for name, content, kind in (
                    (text, TEXT, "text/plain; charset=utf-8"),
                    (_responses(text), TEXT * 3, "application/json"),
                )
            ]
        for one in written:
            one.result()
    return len(texts)


def _responses(text: str) -> str:
    return f"recognition/{text.removeprefix('transcripts/').removesuffix('.txt')}.json"


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

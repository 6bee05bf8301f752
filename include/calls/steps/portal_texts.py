"""Transcripts that the telephony system has made already: saved beside the paid responses, used instead of buying.

They are asked for while the batch's audio is downloaded, in the pool of the telephony system. A text that is missing,
late or doubtful leaves the recording to the recogniser.
"""

import logging
from collections.abc import Sequence
from uuid import UUID

from include.calls.state.state import State
from include.calls.state.types import RecordingRow
from include.common.errors import ExportError, StopRun, Throttled
from include.common.telephony import TelephonySystem
from include.speech.recognition import RecognitionResponse

log = logging.getLogger(__name__)

SAVED_AS = "telephony"  # the model under which such a response is saved, whatever the system
WHOLE = "whole"  # the system gives one text for the whole call


def keep_portal_texts(
    run_id: UUID, rows: Sequence[RecordingRow], telephony: TelephonySystem, state: State, *, stage: str
) -> None:
    """Saves the transcripts of stored recordings. If the system fails, that is an event and the recogniser is used.

    Raises Throttled, so that the task's next try asks for the missing ones, and StopRun if a person must act.
    """
    wanted = {
        row.statistics_id: row
        for row in rows
        if row.checksum and state.responses.stored_one(row.checksum, WHOLE, SAVED_AS) is None
    }
    if not wanted:
        return
    try:
        texts = telephony.transcripts(list(wanted))
    except (Throttled, StopRun):
        raise
    except ExportError as error:
        log.warning("the telephony system gives no transcripts: %s", error)
        state.events.add(
            run_id, stage=stage, event="portal_texts_failed", error_code=error.code, detail={"reason": str(error)}
        )
        return
    for statistics_id, text in texts.items():
        row = wanted[statistics_id]
        response = RecognitionResponse(text, (), None, {}, telephony.name, None, {"transcription": text})
        saved = response.as_json()
        state.responses.keep(run_id, row.recording_id, row.checksum or "", WHOLE, SAVED_AS, saved, charge=None)

"""Transcripts that the telephony system has made already: saved beside the paid responses, used instead of buying.

They are asked for while the batch's audio is downloaded, in the pool of the telephony system. A text that is missing,
late or doubtful leaves the recording to the recogniser.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from include.calls.policy import Policy
from include.calls.state.state import State
from include.calls.state.types import RecordingRow
from include.calls.steps.build_transcript import review_of
from include.common.errors import ExportError, StopRun, Throttled
from include.common.telephony import TelephonySystem
from include.speech.cuts import ChannelLayout, Cut, Piece
from include.speech.recognition import Recognition, RecognitionResponse

log = logging.getLogger(__name__)

_SAVED_AS = "telephony"  # the model under which such a response is saved, whatever the system
_WHOLE = "whole"  # the system gives one text for the whole call


def keep_portal_texts(
    run_id: UUID, rows: Sequence[RecordingRow], telephony: TelephonySystem, state: State, *, stage: str
) -> None:
    """Saves the transcripts of stored recordings. If the system fails, that is an event and the recogniser is used.

    Raises Throttled, so that the task's next try asks for the missing ones, and StopRun if a person must act.
    """
    wanted = {
        row.statistics_id: row
        for row in rows
        if row.checksum and state.responses.stored_one(row.checksum, _WHOLE, _SAVED_AS) is None
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
        state.responses.keep(run_id, row.recording_id, row.checksum or "", _WHOLE, _SAVED_AS, saved, charge=None)


def portal_text(checksum: str, cut: Cut, state: State, policy: Policy) -> Recognition | None:
    """The system's text of this very audio, as one speaker turn: it tells neither who speaks nor when.

    None if it is not wanted, if there is none, if the audio has no speech, and if the review flags doubt it.
    """
    if not policy.stt.reuse_portal_transcripts or not cut.pieces:
        return None
    saved = state.responses.stored_one(checksum, _WHOLE, _SAVED_AS)
    if saved is None:
        return None
    whole = Piece(channel=None, start=0.0, end=cut.info.seconds, speech_sec=cut.speech_sec)
    of_whole = replace(cut, channel_layout=ChannelLayout.MONO, pieces=(whole,), unsent_sec=0.0, music_share=0.0)
    text = RecognitionResponse.from_json(saved)
    responses = {whole: text}
    if review_of(policy.stt, policy.review).reasons(of_whole, responses):
        return None
    return Recognition(of_whole, text.model, responses, {}, source="portal")

"""Transcripts that the portal has made already (D24): kept beside the paid answers, used instead of buying.

Asked for while the batch's audio is downloaded, in the portal's own pool; whatever is missing, late or looks wrong
leaves the recording to the recogniser.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from include.calls.policy import Policy
from include.calls.state.rows import RecordRow
from include.calls.state.state import State
from include.calls.steps.answers import keep_answer
from include.calls.steps.build_transcript import review_of
from include.common.errors import ExportError, StopRun, Throttled
from include.common.telephony import TelephonySystem
from include.speech.cuts import ChannelLayout, Cut, Piece
from include.speech.recognition import Recognition, RecognitionResponse

log = logging.getLogger(__name__)

_SAVED_AS = "telephony"  # the model under which such a response is saved, whatever the system
_WHOLE = "whole"  # the portal gives one text for the whole call


def keep_portal_texts(
    run_id: UUID, records: Sequence[RecordRow], telephony: TelephonySystem, state: State, *, stage: str
) -> None:
    """Asks for the transcripts of stored recordings; a portal that fails is an event, the recogniser does the work.

    Raises Throttled, so that the task's next try asks for those still missing; StopRun where a person must act.
    """
    wanted = {
        record.statistics_id: record
        for record in records
        if record.checksum and state.saved_answer(record.checksum, _WHOLE, _SAVED_AS) is None
    }
    if not wanted:
        return
    try:
        texts = telephony.transcripts(list(wanted))
    except (Throttled, StopRun):
        raise
    except ExportError as error:
        log.warning("the portal's transcripts are not to be had: %s", error)
        state.event(
            run_id, stage=stage, event="portal_texts_failed", error_code=error.code, detail={"reason": str(error)}
        )
        return
    for statistics_id, text in texts.items():
        answer = RecognitionResponse(text, (), None, {}, telephony.name, None, {"transcription": text})
        keep_answer(state, wanted[statistics_id].checksum or "", _WHOLE, _SAVED_AS, answer.as_json())


def portal_text(checksum: str, cut: Cut, state: State, policy: Policy) -> Recognition | None:
    """The portal's text of this very audio, as one turn of somebody: it tells neither who speaks nor when.

    None where it is not asked for, where there is none, where nobody speaks, and where the flags (D23) doubt it.
    """
    if not policy.stt.reuse_portal_transcripts or not cut.pieces:
        return None
    saved = state.saved_answer(checksum, _WHOLE, _SAVED_AS)
    if saved is None:
        return None
    whole = Piece(channel=None, start=0.0, end=cut.info.seconds, speech_sec=cut.speech_sec)
    of_whole = replace(cut, channel_layout=ChannelLayout.MONO, pieces=(whole,))
    text = RecognitionResponse.from_json(saved)
    answers = {whole: text}
    if review_of(policy).reasons(of_whole, answers):
        return None
    return Recognition(of_whole, text.model, answers, {}, source="portal")

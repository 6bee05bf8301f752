"""A text that the telephony system has made, in place of paid responses."""

from dataclasses import replace

from include.calls.policy import Policy
from include.calls.state.state import State
from include.calls.steps.build_transcript import review_of
from include.calls.steps.portal_texts import SAVED_AS, WHOLE
from include.speech.cuts import ChannelLayout, Cut, Piece
from include.speech.recognition import Recognition, RecognitionResponse


def portal_text(checksum: str, cut: Cut, state: State, policy: Policy) -> Recognition | None:
    """The system's text of this very audio, as one speaker turn: it tells neither who speaks nor when.

    None if it is not wanted, if there is none, if the audio has no speech, and if the review flags doubt it.
    """
    if not policy.stt.reuse_portal_transcripts or not cut.pieces:
        return None
    saved = state.responses.stored_one(checksum, WHOLE, SAVED_AS)
    if saved is None:
        return None
    whole = Piece(channel=None, start=0.0, end=cut.info.seconds, speech_sec=cut.speech_sec)
    of_whole = replace(cut, channel_layout=ChannelLayout.MONO, pieces=(whole,), unsent_sec=0.0, music_share=0.0)
    text = RecognitionResponse.from_json(saved)
    responses = {whole: text}
    if review_of(policy.stt, policy.review).reasons(of_whole, responses):
        return None
    return Recognition(of_whole, text.model, responses, {}, source="portal")

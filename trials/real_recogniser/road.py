"""A recording through the product's own cut, encoder, client, flags and assembly."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from include.calls.policy import Policy, load_policy
from include.calls.steps.build_transcript import review_of, text_of
from include.common.temporary_folders import temporary_folder
from include.speech.audio.cutting import cut
from include.speech.audio.pieces import CutPolicy, policy_for
from include.speech.checked_text import CheckedText
from include.speech.cuts import Cut, Piece
from include.speech.quality_flags import ReviewReason, doubts
from include.speech.recognition import Recognition, RecognitionResponse
from include.speech.recognition_client import Recogniser
from include.speech.request_order import Hints, Sound, recognised
from include.speech.transcripts import CLIENT, OPERATOR, Turn


@dataclass(frozen=True)
class Heard:
    """What the product made of one recording."""

    recognition: Recognition
    policy: Policy
    cut_seconds: float

    @property
    def cut(self) -> Cut:
        return self.recognition.cut

    @property
    def responses(self) -> Mapping[Piece, RecognitionResponse]:
        return self.recognition.responses

    @cached_property
    def text(self) -> CheckedText:
        return text_of(self.recognition, "", "inbound", self.policy)

    @property
    def recognition_seconds(self) -> float:
        return sum(float(response.raw.get("seconds_taken", 0)) for response in self.responses.values())

    def turns(self, channel: int | None) -> Sequence[Turn]:
        """The speaker turns of one channel, all of them for a mono recording."""
        if channel is None:
            return self.text.transcript.turns
        left_is_operator = self.policy.stt.operator_channel == "left"
        role = OPERATOR if (channel == 0) is left_is_operator else CLIENT
        return [turn for turn in self.text.transcript.turns if turn.role == role]

    def said(self, channel: int | None) -> str:
        return " ".join(turn.text for turn in self.turns(channel))

    def pieces(self, channel: int | None) -> list[Piece]:
        return [piece for piece in self.cut.pieces if piece.channel == channel]

    def doubts(self, piece: Piece) -> tuple[ReviewReason, ...]:
        review = review_of(self.policy.stt, self.policy.review)
        response = self.responses[piece]
        return doubts(piece, response, everywhere=False, expected_languages=review.languages, policy=review.policy)


def hear(
    path: Path, recogniser: Recogniser, *, languages: str, operator: str = "left", cut_policy: CutPolicy | None = None
) -> Heard:
    model = recogniser.profile.model
    policy = load_policy({"STT_MODEL": model, "STT_LANGUAGES": languages, "STT_OPERATOR_CHANNEL": operator})
    wanted = cut_policy or policy_for(recogniser.profile, max_file_minutes=policy.stt.max_file_minutes)
    began = time.monotonic()
    found = cut(path, wanted)
    took = time.monotonic() - began
    with temporary_folder() as folder:
        asked = recognised(
            recogniser,
            Sound(path, found, folder),
            found.pieces,
            Hints(policy.stt.languages),
            saved={},
            buy=lambda _piece, _key, send: send(),
        )
        responses = dict(asked)
    return Heard(Recognition(found, model, responses, {}), policy, took)

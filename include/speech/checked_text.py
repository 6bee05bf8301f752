"""From a recognition to a text that can be read, with the flags and figures of the responses that it was made of."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from include.speech.fallback import Responses, TranscriptReview
from include.speech.normalisation import punctuated, readable
from include.speech.quality_flags import ReviewReason, words_per_minute
from include.speech.recognition import Recognition, confidence_of
from include.speech.transcripts import Transcript, assemble, channel_roles


@dataclass(frozen=True, slots=True)
class CheckedText:
    """A transcript as people read it. `role_signs` decided who of the speakers is the operator (`speaker_roles.py`)."""

    transcript: Transcript
    reasons: tuple[ReviewReason, ...]
    words_per_minute: Decimal | None
    confidence: Decimal | None
    role_signs: int | None = None

    @property
    def needs_review(self) -> bool:
        return bool(self.reasons)

    @property
    def review_reasons(self) -> list[str]:
        return [str(reason) for reason in self.reasons]


def checked_text(
    recognition: Recognition, review: TranscriptReview, operator_channel: Literal["left", "right"]
) -> CheckedText:
    """Of the better responses. No request is sent, nothing is paid."""
    cut, responses = recognition.cut, review.best_responses(recognition)
    transcript = assemble(
        cut,
        {piece: readable(response, review.policy) for piece, response in responses.items()},
        channel_roles(operator_channel),
        model=_model(recognition, responses),
        expected_languages=review.languages,
    )
    return CheckedText(
        transcript=punctuated(transcript),
        reasons=review.reasons(cut, responses),
        words_per_minute=words_per_minute(cut, responses),
        confidence=confidence_of(responses.values()),
    )


def _model(recognition: Recognition, responses: Responses) -> str:
    """The model that made the text: the first one, the fallback, or both joined by + if it is of both."""
    fallback = recognition.fallback_responses
    of_fallback = [piece for piece, response in responses.items() if response is fallback.get(piece)]
    seconds = {fallback[piece].model for piece in of_fallback}
    firsts = {recognition.model} if len(of_fallback) < len(responses) or not responses else set[str]()
    return "+".join([*firsts, *sorted(seconds)])

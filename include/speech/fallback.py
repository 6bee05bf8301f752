"""When the fallback model is asked, about which pieces, and which response is used (ADR 0013)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from include.speech.cuts import Cut, Piece
from include.speech.quality_flags import ReviewPolicy, ReviewReason, doubts, review, same_everywhere, text_reasons
from include.speech.recognition import Recognition, RecognitionResponse
from include.speech.text_language import Said, spoken_language

Responses = Mapping[Piece, RecognitionResponse]
_Check = Callable[..., tuple[ReviewReason, ...]]


@dataclass(frozen=True, slots=True)
class TranscriptReview:
    """Applies the quality flags with the thresholds of one installation. `languages`: the expected ones, ISO 639-1."""

    languages: Sequence[str]
    policy: ReviewPolicy

    def reasons(self, cut: Cut, responses: Responses) -> tuple[ReviewReason, ...]:
        """The flags of the transcript that these responses make; empty if nothing is suspicious."""
        return self._checked(review, cut, responses)

    def doubtful_pieces(self, cut: Cut, responses: Responses) -> tuple[Piece, ...]:
        """The pieces to send to the fallback model. Empty if no flag is about the text.

        They are the pieces with a doubt of their own, or all pieces if none has one. Only these are paid for twice: a
        loop in a call of an hour costs seconds, and its 500 good responses are kept.
        """
        if not self._checked(text_reasons, cut, responses):
            return ()
        found = self._doubts(cut, responses)
        return tuple(piece for piece in cut.pieces if found[piece]) or cut.pieces

    def best_responses(self, recognition: Recognition) -> dict[Piece, RecognitionResponse]:
        """The rule of the fewest doubts: a fallback response replaces a first one that has more doubts.

        If no piece has a doubt of its own, all fallback responses are tried together. The mixture is used only if it
        has fewer flags, or as many flags in fewer pieces, than the first responses alone. At a tie the first ones stay.
        """
        cut, first, second = recognition.cut, recognition.responses, recognition.fallback_responses
        if not second:
            return dict(first)
        before, after = self._doubts(cut, first), self._doubts(cut, {**first, **second})
        some_doubtful = any(before.values())
        mixed = dict(first)
        for piece, response in second.items():
            if not some_doubtful or len(after[piece]) < len(before[piece]):
                mixed[piece] = response
        return mixed if self._badness(cut, mixed) < self._badness(cut, first) else dict(first)

    def _badness(self, cut: Cut, responses: Responses) -> tuple[int, int]:
        doubtful = sum(map(bool, self._doubts(cut, responses).values()))
        return len(self._checked(text_reasons, cut, responses)), doubtful

    def _checked(self, check: _Check, cut: Cut, responses: Responses) -> tuple[ReviewReason, ...]:
        return check(
            cut,
            responses,
            language=spoken_language(_said(cut, responses), self.languages),
            expected_languages=self.languages,
            policy=self.policy,
        )

    def _doubts(self, cut: Cut, responses: Responses) -> dict[Piece, tuple[ReviewReason, ...]]:
        """The doubts about each response, judged among the responses of the whole call."""
        same = same_everywhere(responses, cut, self.policy)
        return {
            piece: doubts(
                piece,
                responses[piece],
                everywhere=piece in same,
                expected_languages=self.languages,
                policy=self.policy,
            )
            for piece in cut.pieces
        }


def _said(cut: Cut, responses: Responses) -> Iterator[Said]:
    for piece in cut.pieces:
        yield Said(responses[piece].text, responses[piece].language, piece.speech_sec)

"""When a fallback model is asked, about which pieces, and whose answer stands (D23)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.speech.cuts import Cut, Piece
from include.speech.languages import transcript_language
from include.speech.quality_flags import ReviewPolicy, ReviewReason, doubts, review, same_everywhere
from include.speech.recognition import Recognised, Recognition

Answers = Mapping[Piece, Recognition]


@dataclass(frozen=True, slots=True)
class Judge:
    """The flags as one installation has set them; `languages` are the expected ones, ISO 639-1."""

    languages: Sequence[str]
    policy: ReviewPolicy

    def reasons(self, cut: Cut, answers: Answers) -> tuple[ReviewReason, ...]:
        """Why a person should look at the transcript of these answers; empty where nothing is suspicious."""
        return review(
            cut,
            answers,
            language=transcript_language(
                ((answers[piece].language, piece.speech_sec) for piece in cut.pieces if answers[piece].text.strip()),
                self.languages,
            ),
            expected_languages=self.languages,
            policy=self.policy,
        )

    def doubtful(self, cut: Cut, answers: Answers) -> tuple[Piece, ...]:
        """The pieces to ask again: those to blame, or all where no single one is; none in an unsuspicious transcript.

        Only these are paid for twice: one loop in an hour's call costs seconds, and 500 good answers stay as they are.
        """
        if not self.reasons(cut, answers):
            return ()
        found = self._doubts(cut, answers)
        return tuple(piece for piece in cut.pieces if found[piece]) or cut.pieces

    def better(self, recognised: Recognised) -> dict[Piece, Recognition]:
        """The rule of the fewest doubts: a second answer stands in for a first one that is more doubtful.

        Where no single piece is to blame all second answers are tried together. The mixture must then have fewer
        reasons, or as few in fewer pieces, than the first answers alone; else, and at a tie, the first ones stand.
        """
        cut, first, second = recognised.cut, recognised.first, recognised.second
        if not second:
            return dict(first)
        before, after = self._doubts(cut, first), self._doubts(cut, {**first, **second})
        to_blame = any(before.values())
        mixed = dict(first)
        for piece, answer in second.items():
            if not to_blame or len(after[piece]) < len(before[piece]):
                mixed[piece] = answer
        return mixed if self._badness(cut, mixed) < self._badness(cut, first) else dict(first)

    def _badness(self, cut: Cut, answers: Answers) -> tuple[int, int]:
        doubtful = sum(map(bool, self._doubts(cut, answers).values()))
        return len(self.reasons(cut, answers)), doubtful

    def _doubts(self, cut: Cut, answers: Answers) -> dict[Piece, tuple[ReviewReason, ...]]:
        """What speaks against each answer, as one of these answers to the whole call."""
        same = same_everywhere(answers, cut, self.policy)
        return {
            piece: doubts(
                piece,
                answers[piece],
                everywhere=piece in same,
                expected_languages=self.languages,
                policy=self.policy,
            )
            for piece in cut.pieces
        }

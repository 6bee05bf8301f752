"""Word and character errors between a known text and a recognised one. jiwer aligns; the words come normalised."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import jiwer

StepKind = Literal["equal", "substitute", "delete", "insert"]


@dataclass(frozen=True, slots=True)
class Errors:
    """Counts against a reference of `words` words. A rate of several texts is that of their sum, never a mean."""

    words: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def total(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """None for an empty reference: a word too many is no share of nothing."""
        return self.total / self.words if self.words else None

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(
            self.words + other.words,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an alignment: places in the two sequences; None if the step has no word there."""

    kind: StepKind
    reference: int | None
    hypothesis: int | None


def word_errors(reference: Sequence[str], hypothesis: Sequence[str]) -> Errors:
    found = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    return Errors(len(reference), found.substitutions, found.deletions, found.insertions)


def character_errors(reference: Sequence[str], hypothesis: Sequence[str]) -> Errors:
    """Of the words joined by single spaces; `words` counts characters."""
    text = " ".join(reference)
    found = jiwer.process_characters(text, " ".join(hypothesis))
    return Errors(len(text), found.substitutions, found.deletions, found.insertions)


def total(errors: Iterable[Errors]) -> Errors:
    return sum(errors, Errors())


def alignment(reference: Sequence[str], hypothesis: Sequence[str]) -> tuple[Step, ...]:
    """Every word of both sequences, in order."""
    found = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    return tuple(step for chunk in found.alignments[0] for step in _steps(chunk))


def _steps(chunk: jiwer.AlignmentChunk) -> Iterator[Step]:
    wanted = range(chunk.ref_start_idx, chunk.ref_end_idx)
    found = range(chunk.hyp_start_idx, chunk.hyp_end_idx)
    kind = cast("StepKind", chunk.type)
    for place in range(max(len(wanted), len(found))):
        yield Step(kind, wanted[place] if place < len(wanted) else None, found[place] if place < len(found) else None)

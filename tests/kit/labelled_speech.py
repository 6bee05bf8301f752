"""How much personal data is found in the labelled sentences of `tests/data/personal_data.jsonl`, and how much else.

    python -m tests.kit.labelled_speech [--show]     prints the table; --show: what was missed in the half `tuned`

A line is `{"text": ..., "spans": [[start, end, kind], ...], "half": "tuned" | "held_out"}`. All were written before the
rules; the rules were changed after looking at what failed in `tuned`, never after looking at `held_out`.

- recall: of the labelled places those of which every word is hidden as its kind;
- precision: of the hidden places those which are labelled with the kind; at most two unlabelled words are included.
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from include.common.personal_data.hiding import personal_data_in
from include.common.personal_data.kinds import Found, Kind
from tests.kit.paths import DATA

FILE = DATA / "personal_data.jsonl"
_WORDS_TOO_MANY = 2


@dataclass(slots=True)
class Score:
    labelled: int = 0
    hidden: int = 0
    found: int = 0
    right: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.hidden / self.labelled if self.labelled else 1.0

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0


def sentences() -> list[dict[str, Any]]:
    return [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def scores(half: str) -> dict[Kind, Score]:
    by_kind: dict[Kind, Score] = defaultdict(Score)
    for sentence in sentences():
        if sentence["half"] != half:
            continue
        text = sentence["text"]
        labelled = [Found(start, end, Kind(kind)) for start, end, kind in sentence["spans"]]
        found = personal_data_in(text)
        for place in labelled:
            score = by_kind[place.kind]
            score.labelled += 1
            hidden = all(_is_within(word, found, place.kind) for word in _words(text, place))
            score.hidden += hidden
            if not hidden:
                score.wrong.append(f"missed: {text[place.start : place.end]} | {text}")
        for place in found:
            score = by_kind[place.kind]
            score.found += 1
            right = _is_right(place, labelled, text)
            score.right += right
            if not right:
                score.wrong.append(f"false: {text[place.start : place.end]} | {text}")
    return dict(by_kind)


def _is_right(place: Found, labelled: list[Found], text: str) -> bool:
    same = any(other.kind == place.kind and other.start < place.end and place.start < other.end for other in labelled)
    beyond = [word for word in _words(text, place) if not any(one.start <= word[0] < one.end for one in labelled)]
    return same and len(beyond) <= _WORDS_TOO_MANY


def _words(text: str, place: Found) -> Iterator[tuple[int, int]]:
    return (
        word.span() for word in re.finditer(r"\w+", text) if word.start() >= place.start and word.end() <= place.end
    )


def _is_within(word: tuple[int, int], places: list[Found], kind: Kind) -> bool:
    return any(place.start <= word[0] and word[1] <= place.end and place.kind == kind for place in places)


def main(*, show: bool) -> None:
    for half in ("tuned", "held_out"):
        print(half)
        for kind, score in sorted(scores(half).items()):
            print(
                f"  {kind:9} labelled {score.labelled:3}  recall {score.recall:.3f}"
                f"  found {score.found:3}  precision {score.precision:.3f}"
            )
            if show and half == "tuned":
                print(*(f"    {line}" for line in score.wrong), sep="\n")


if __name__ == "__main__":
    main(show="--show" in sys.argv[1:])

"""A simulated model that answers scorecards: it reads the text's turns and quotes them, and can be made to err.

It knows a scorecard by the form of the schema alone: an object whose fields have `why`, `evidence` and `answer`.
"""

import hashlib
import random
import re
from collections.abc import Callable, Mapping
from typing import Any

from simulators.openai.text_model import example_of

JsonDict = dict[str, Any]
_TURN = re.compile(r"\[(\d+):(\d\d):(\d\d)\] \[([^\]]*)\]: (.*)")
_SPEAKERS = {"Оператор": "operator", "Клиент": "client"}
Confusion = Mapping[str, Mapping[str, float]]  # true answer -> {given answer: probability}


def answer_by_text(schema: JsonDict, text: str) -> Any:
    """The first choice of each criterion, with words of the operator; another schema gets its example."""
    if not is_scorecard(schema):
        return example_of(schema)
    return {name: said(text, one["properties"]["answer"]["enum"][0]) for name, one in schema["properties"].items()}


def is_scorecard(schema: JsonDict) -> bool:
    fields = list(schema.get("properties", {}).values())
    return bool(fields) and all(set(one.get("properties", {})) == {"why", "evidence", "answer"} for one in fields)


def said(text: str, answer: str) -> JsonDict:
    """An answer that rests on the longest words of the operator, quoted as they stand."""
    turns = [
        (int(hours) * 3600 + int(minutes) * 60 + int(seconds), _SPEAKERS.get(label, "unknown"), words)
        for hours, minutes, seconds, label, words in _TURN.findall(text)
    ]
    own = [turn for turn in turns if turn[1] == "operator"] or turns or [(0, "unknown", "")]
    start, speaker, words = max(own, key=lambda turn: len(turn[2].split()))
    quote = " ".join(words.split()[:12])
    return {
        "why": "[имитация] по тексту",
        "evidence": [{"t": start, "speaker": speaker, "quote": quote}],
        "answer": answer,
    }


def confused(
    truth: Callable[[str, str], str], confusion: Mapping[str, Confusion], seed: int
) -> Callable[[JsonDict, str], Any]:
    """A judge with programmed errors: `truth(text, criterion)` is right, `confusion` is what it says instead.

    The same text gets the same answer of the same seed.
    """

    def answers(schema: JsonDict, text: str) -> Any:
        if not is_scorecard(schema):
            return example_of(schema)
        given = {}
        for name in schema["properties"]:
            row = confusion[name][truth(text, name)]
            digest = hashlib.sha256(f"{seed}/{name}/{text}".encode()).hexdigest()
            chosen = random.Random(digest).choices(list(row), list(row.values()))[0]
            given[name] = said(text, chosen)
        return given

    return answers

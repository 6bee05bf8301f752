"""The language of a text by the text itself, with the model in the wheel of py3langid; figures in `docs/audio.md`.

What a service names may be only the hint that it was sent, and letters do not tell Ukrainian from Russian.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

from include.speech.languages import most_spoken

_WORD = re.compile(r"[^\W\d_]+")
_SURE = 0.9  # of 96,000 real sentences of four languages 0.02 % are named wrongly above it
_SURE_IF_EXPECTED = 0.5  # then it is 0.1 % of Ukrainian sentences that are called Russian
_MIN_WORDS = 4

_loading = Lock()


@dataclass(frozen=True, slots=True)
class Said:
    """What was said in one piece; `named` is the service's word for the language, ISO 639-1."""

    text: str
    named: str | None
    seconds: float


def spoken_language(said: Iterable[Said], expected: Sequence[str]) -> str | None:
    """The language of most of the speech, by the texts of the pieces; None if they are too short to tell.

    Where no text tells, the name that the service has given counts, unless it is the hint that it was sent.
    """
    pieces = [one for one in said if one.text.strip()]
    by_text = most_spoken((language_of_text(one.text, expected), one.seconds) for one in pieces)
    by_text = by_text or language_of_text(" ".join(one.text for one in pieces), expected)
    if by_text is not None:
        return by_text
    named = most_spoken((one.named, one.seconds) for one in pieces)
    return None if [named] == list(expected) else named


def language_of_text(text: str, expected: Sequence[str] = ()) -> str | None:
    """ISO 639-1; None if the text is too short or too mixed to tell. An expected language needs less evidence."""
    if len(_WORD.findall(text)) < _MIN_WORDS:
        return None
    code, probability = _classified(text)
    return code if probability >= (_SURE_IF_EXPECTED if code in expected else _SURE) else None


def load() -> None:
    """Half a second of processor time and 75 MB, once for each process and those that it forks."""
    with _loading:
        _identifier()


@lru_cache(maxsize=4096)  # a call is judged several times
def _classified(text: str) -> tuple[str, float]:
    load()
    code, probability = _identifier().classify(text)
    return str(code), float(probability)


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415  # numpy: no DAG file loads it

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

"""Language names and codes of any service as ISO 639-1 codes."""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from babel import Locale
from babel.core import get_global

_NAMED_IN = ("en", "ru")  # services respond with English names; settings may hold Russian ones
# names of the Whisper vocabulary that differ from the Unicode ones
_WHISPER_NAMES = {"myanmar": "my", "nynorsk": "nn", "castilian": "es", "flemish": "nl", "moldavian": "ro"}


def language_code(name: str | None) -> str | None:
    """ "russian", "rus", "ru-RU", "RU" -> "ru", in English and Russian; None if the name has no ISO 639-1 code."""
    text = (name or "").strip().casefold().replace("_", "-")
    first = text.split("-")[0]
    aliases = get_global("language_aliases")  # ISO 639-2/3 and retired codes -> today's
    for candidate in (text, first, str(aliases.get(first, ""))):
        if candidate in _codes():
            return candidate
    return _by_name().get(text)


def most_spoken(pieces: Iterable[tuple[str | None, float]]) -> str | None:
    """The language of most of the speech; None if none is named. `pieces`: code or None, and seconds of speech."""
    heard: Counter[str] = Counter()
    for code, seconds in pieces:
        if code:
            heard[code] += max(1, round(seconds * 1000))
    return heard.most_common(1)[0][0] if heard else None


def scripts_of(codes: Iterable[str]) -> set[str]:
    """ISO 15924 codes of the scripts in which languages are usually written: {"ru"} -> {"Cyrl"}."""
    likely = get_global("likely_subtags")  # "ru" -> "ru_Cyrl_RU"
    return {str(likely[code]).split("_")[1] if code in likely else "" for code in codes}


@lru_cache(maxsize=1)
def _codes() -> frozenset[str]:
    # "iw" is today's "he" and goes; "tl" is today's "fil", which ISO 639-1 does not know, and stays
    renamed = get_global("language_aliases")
    short = (str(code) for code in Locale("en").languages if len(str(code)) == 2)
    return frozenset(code for code in short if len(str(renamed.get(code, "")).split("_")[0]) != 2)


@lru_cache(maxsize=1)
def _by_name() -> dict[str, str]:
    names = dict(_WHISPER_NAMES)
    for shown_in in _NAMED_IN:
        for code, name in Locale(shown_in).languages.items():
            if str(code) in _codes():
                names.setdefault(str(name).casefold(), str(code))
    return names

"""When a transcript must be looked at by a person (D23).

Only the text, the cut and our own voice detector are asked: figures such as `avg_logprob` exist for some models only.
"""

import gzip
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from include.speech.cuts import Cut, Piece
from include.speech.recognition import Recognition

_WORD = re.compile(r"\w+")
_LETTER = re.compile(r"[^\W\d_]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_CYRILLIC_LANGUAGES = frozenset({"ru", "uk", "be", "bg", "kk", "ky", "mk", "mn", "sr", "tg", "tt", "ba"})

# Subtitle credits that Whisper-type models write over silence and music; seen in public filter lists.
_CREDITS = re.compile(
    r"dimatorzok|субтитры\s+(?:сделал|создавал|подготовил|делал)|редактор\s+субтитров|корректор\s+а\.?\s*егорова"
    r"|amara\.org|подписывайтесь\s+на\s+(?:мой\s+|наш\s+)?канал",
    re.IGNORECASE,
)
# These may really be said; suspicious only when they are all there is.
_WHOLE_TEXT = frozenset(
    {"продолжение следует", "спасибо за просмотр", "thanks for watching", "thank you for watching", "you"}
)


class ReviewReason(StrEnum):
    """`call_records.review_reasons`."""

    NO_SPEECH = "no_speech"  # the voice detector found nobody speaking
    EMPTY_TEXT = "empty_text"  # somebody speaks, the recogniser gave nothing
    LOOP = "loop"  # the same words over and over
    SPEECH_RATE = "speech_rate"  # more or fewer words than a person says in that time
    LANGUAGE = "unexpected_language"
    KNOWN_PHRASE = "known_phrase"  # a phrase that recognisers invent over silence


@dataclass(frozen=True, slots=True)
class ReviewPolicy:
    """Thresholds."""

    max_words_per_minute: float = 350.0
    min_words_per_minute: float = 15.0
    rate_from_speech_sec: float = 5.0  # shorter stretches say nothing about pace
    empty_from_speech_sec: float = 2.0
    loop_repeats: int = 4  # the same group of words in a row
    loop_words: int = 12  # and at least so many words in that row: "да, да, да, да" is a way to agree
    # Whisper's own loop detector has 2.4; Cyrillic takes two bytes a letter, so it packs 1.4 times better by itself
    max_gzip_ratio: float = 3.4
    gzip_window_chars: int = 600  # about half a minute: a long honest text packs well too
    min_expected_script: float = 0.5  # share of letters in the expected script
    script_from_letters: int = 40
    # one text in so many pieces of a call, and in such a share of those with a text: invented, where people said more
    same_text_pieces: int = 4
    same_text_share: float = 0.33
    same_text_words: int = 2  # "да" or "угу" fills many pieces honestly


def review(
    cut: Cut,
    recognitions: Mapping[Piece, Recognition],
    *,
    language: str | None,
    expected_languages: Sequence[str],
    policy: ReviewPolicy,
) -> tuple[ReviewReason, ...]:
    """Reasons to look at the transcript, in a fixed order; empty where nothing is suspicious."""
    if not cut.pieces:
        return (ReviewReason.NO_SPEECH,)
    texts = [(piece, recognitions[piece].text.strip()) for piece in cut.pieces]
    whole = " ".join(text for _, text in texts)
    checks = {
        ReviewReason.EMPTY_TEXT: cut.speech_sec >= policy.empty_from_speech_sec and not whole.strip(),
        ReviewReason.LOOP: any(is_loop(text, policy) for _, text in texts)
        or bool(same_everywhere(recognitions, cut, policy)),
        ReviewReason.SPEECH_RATE: any(_impossible_pace(piece, text, policy) for piece, text in texts)
        or _too_slow(cut.speech_sec, whole, policy),
        ReviewReason.LANGUAGE: _unexpected(whole, language, expected_languages, policy),
        ReviewReason.KNOWN_PHRASE: any(is_invented(text) for _, text in texts),
    }
    return tuple(reason for reason, suspicious in checks.items() if suspicious)


def doubts(
    piece: Piece,
    recognition: Recognition,
    *,
    everywhere: bool,
    expected_languages: Sequence[str],
    policy: ReviewPolicy,
) -> tuple[ReviewReason, ...]:
    """The same questions to one piece: which pieces of a suspicious transcript are to blame.

    `everywhere`: its text fills the call (`same_everywhere`), which the piece alone cannot tell.
    """
    text = recognition.text.strip()
    checks = {
        ReviewReason.EMPTY_TEXT: piece.speech_sec >= policy.empty_from_speech_sec and not text,
        ReviewReason.LOOP: everywhere or is_loop(text, policy),
        ReviewReason.SPEECH_RATE: _impossible_pace(piece, text, policy) or _too_slow(piece.speech_sec, text, policy),
        ReviewReason.LANGUAGE: bool(text) and _unexpected(text, recognition.language, expected_languages, policy),
        ReviewReason.KNOWN_PHRASE: is_invented(text),
    }
    return tuple(reason for reason, suspicious in checks.items() if suspicious)


def words_per_minute(cut: Cut, recognitions: Mapping[Piece, Recognition]) -> Decimal | None:
    """Words per minute of speech, as the flags judge pace; None where nobody speaks."""
    if not cut.speech_sec:
        return None
    words = sum(len(_WORD.findall(recognitions[piece].text)) for piece in cut.pieces)
    return round(Decimal(words) / (Decimal(str(cut.speech_sec)) / 60), 1)


def is_loop(text: str, policy: ReviewPolicy) -> bool:
    words = [word.casefold() for word in _WORD.findall(text)]
    if any(_repeated_words(words, size, policy.loop_repeats) >= policy.loop_words for size in range(1, 9)):
        return True
    size = policy.gzip_window_chars
    return any(_packs_too_well(text[at : at + size], policy) for at in range(0, len(text), size))


def same_everywhere(recognitions: Mapping[Piece, Recognition], cut: Cut, policy: ReviewPolicy) -> frozenset[Piece]:
    """The pieces whose text, of some words, fills too many pieces of the call: a loop that no piece shows alone."""
    said = {piece: tuple(_WORD.findall(recognitions[piece].text.casefold())) for piece in cut.pieces}
    times = Counter(words for words in said.values() if words)
    least = max(policy.same_text_pieces, policy.same_text_share * times.total())
    return frozenset(
        piece for piece, words in said.items() if len(words) >= policy.same_text_words and times[words] >= least
    )


def is_invented(text: str) -> bool:
    bare = " ".join(_WORD.findall(text.casefold()))
    return bare in _WHOLE_TEXT or bool(_CREDITS.search(text))


def _packs_too_well(window: str, policy: ReviewPolicy) -> bool:
    data = window.encode()
    return len(data) / len(gzip.compress(data)) > policy.max_gzip_ratio


def _repeated_words(words: Sequence[str], size: int, repeats: int) -> int:
    """Length in words of the longest row in which one group of `size` words follows itself `repeats` times or more."""
    longest = run = 0
    for here in range(size, len(words)):
        run = run + 1 if words[here] == words[here - size] else 0
        longest = max(longest, run + size)
    return longest if longest >= size * repeats else 0


def _impossible_pace(piece: Piece, text: str, policy: ReviewPolicy) -> bool:
    # A short piece's speech is measured too roughly for its own pace; ten words in it are still too many.
    minutes = max(piece.speech_sec, policy.rate_from_speech_sec) / 60
    return len(_WORD.findall(text)) / minutes > policy.max_words_per_minute


def _too_slow(speech_sec: float, text: str, policy: ReviewPolicy) -> bool:
    if speech_sec < policy.rate_from_speech_sec * 4 or not text.strip():
        return False
    return len(_WORD.findall(text)) / (speech_sec / 60) < policy.min_words_per_minute


def _unexpected(whole: str, language: str | None, expected: Sequence[str], policy: ReviewPolicy) -> bool:
    if not expected:
        return False
    if language is not None and language not in expected:
        return True
    letters = len(_LETTER.findall(whole))
    if letters < policy.script_from_letters:
        return False
    cyrillic = len(_CYRILLIC.findall(whole)) / letters
    if all(code in _CYRILLIC_LANGUAGES for code in expected):
        return cyrillic < policy.min_expected_script
    return not _CYRILLIC_LANGUAGES.intersection(expected) and cyrillic > 1 - policy.min_expected_script

"""Quality flags: when a person must check a transcript.

The flags use the text, the cut and our own voice detector. Only some models give a confidence, so `low_confidence` and
`invented_tail` are flags beside the others and decide nothing else.
"""

import gzip
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from include.speech.cuts import Cut, Piece
from include.speech.languages import scripts_of
from include.speech.recognition import RecognitionResponse, confidence_of, segment_confidences
from include.speech.text_language import language_of_text

_WORD = re.compile(r"\w+")
_LETTER = re.compile(r"[^\W\d_]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_OTHER_SCRIPT = re.compile(
    r"[^\W\d_\u0000-\u024f\u02b0-\u036f\u0400-\u052f\u1e00-\u1eff]{2}"
)  # than Latin and Cyrillic
_CYRILLIC_LANGUAGES = frozenset({"ru", "uk", "be", "bg", "kk", "ky", "mk", "mn", "sr", "tg", "tt", "ba"})

# Subtitle credits that Whisper models invent over silence and music; taken from public filter lists.
_CREDITS = re.compile(
    r"dimatorzok|субтитры\s+(?:сделал|создавал|подготовил|делал)|редактор\s+субтитров|корректор\s+а\.?\s*егорова"
    r"|amara\.org|подписывайтесь\s+на\s+(?:мой\s+|наш\s+)?канал",
    re.IGNORECASE,
)
# People say these too; they are suspicious only as the whole text.
_WHOLE_TEXT = frozenset(
    {"продолжение следует", "спасибо за просмотр", "thanks for watching", "thank you for watching", "you"}
)


class ReviewReason(StrEnum):
    """`call_records.review_reasons`."""

    NO_SPEECH = "no_speech"  # the voice detector found no speech
    EMPTY_TEXT = "empty_text"  # there is speech, the recogniser gave no text
    LOOP = "loop"  # the same words many times in a row
    SPEECH_RATE = "speech_rate"  # more or fewer words than a person says in the time
    LANGUAGE = "unexpected_language"
    KNOWN_PHRASE = "known_phrase"  # a phrase that recognisers invent over silence or music
    MUCH_NOT_SENT = "much_not_sent"  # much of the sound was not sent to the recogniser
    PARTLY_UNHEARD = "partly_unheard"  # sound between speech was not sent because it is music
    LOW_CONFIDENCE = "low_confidence"  # the recogniser itself is not sure
    INVENTED_TAIL = "invented_tail"  # it is far less sure of the end of a piece than of the rest


@dataclass(frozen=True, slots=True)
class ReviewPolicy:
    """Thresholds of the flags. The area that uses them sets the values (calls: `policy.yaml`)."""

    max_words_per_minute: float
    min_words_per_minute: float
    rate_from_speech_sec: float  # the pace of shorter speech is not judged
    empty_from_speech_sec: float
    loop_repeats: int  # how often the same group of words occurs in a row
    loop_words: int  # and the least number of words in that row: "да, да, да, да" is a way to agree
    # Whisper's own loop detector has 2.4. Cyrillic letters take two bytes, so Russian packs 1.4 times better.
    max_gzip_ratio: float
    gzip_window_chars: int  # about half a minute of text: a long text without a loop packs well too
    min_expected_script: float  # share of letters in the expected script
    script_from_letters: int
    # a text is invented if it fills so many pieces of a call, and such a share of the pieces that have a text
    same_text_pieces: int
    same_text_share: float
    same_text_words: int  # shorter texts ("да", "угу") repeat in honest calls
    min_sent_share: float  # of the sound above the noise...
    unsent_from_sec: float  # ...if at least so much of it is not sent
    max_music_share: float  # of the voiced sound between speech
    min_confidence: float  # below 0.58 the word error rate was 29 % and more, above it 23 % and less (35 texts)
    confidence_from_speech_sec: float  # for shorter speech the confidence says little
    tail_drop: float  # by which the log probability of a piece's last segment is below that of the others
    tail_words: int  # a shorter segment is a word that the end of the piece has cut


def review(
    cut: Cut,
    responses: Mapping[Piece, RecognitionResponse],
    *,
    language: str | None,
    expected_languages: Sequence[str],
    policy: ReviewPolicy,
) -> tuple[ReviewReason, ...]:
    """The flags of a transcript, in a fixed order; empty if nothing is suspicious."""
    found = text_reasons(cut, responses, language=language, expected_languages=expected_languages, policy=policy)
    if not cut.pieces:
        return found
    confidence = confidence_of(responses[piece] for piece in cut.pieces)
    checks = {
        ReviewReason.MUCH_NOT_SENT: cut.sent_share < policy.min_sent_share and cut.unsent_sec >= policy.unsent_from_sec,
        ReviewReason.PARTLY_UNHEARD: cut.music_share > policy.max_music_share,
        ReviewReason.LOW_CONFIDENCE: confidence is not None
        and confidence < Decimal(str(policy.min_confidence))
        and cut.speech_sec >= policy.confidence_from_speech_sec,
        ReviewReason.INVENTED_TAIL: any(_invented_tail(responses[piece], policy) for piece in cut.pieces),
    }
    return found + tuple(reason for reason, suspicious in checks.items() if suspicious)


def text_reasons(
    cut: Cut,
    responses: Mapping[Piece, RecognitionResponse],
    *,
    language: str | None,
    expected_languages: Sequence[str],
    policy: ReviewPolicy,
) -> tuple[ReviewReason, ...]:
    """The flags that another model's text can remove."""
    if not cut.pieces:
        return (ReviewReason.NO_SPEECH,)
    texts = [(piece, responses[piece].text.strip()) for piece in cut.pieces]
    whole = " ".join(text for _, text in texts)
    checks = {
        ReviewReason.EMPTY_TEXT: cut.speech_sec >= policy.empty_from_speech_sec and not whole.strip(),
        ReviewReason.LOOP: any(is_loop(text, policy) for _, text in texts)
        or bool(same_everywhere(responses, cut, policy)),
        ReviewReason.SPEECH_RATE: any(_impossible_pace(piece, text, policy) for piece, text in texts)
        or _too_slow(cut.speech_sec, whole, policy),
        ReviewReason.LANGUAGE: _unexpected(whole, language, expected_languages, policy)
        or any(_unexpected_piece(responses[piece], expected_languages, policy) for piece in cut.pieces),
        ReviewReason.KNOWN_PHRASE: any(is_invented(text) for _, text in texts),
    }
    return tuple(reason for reason, suspicious in checks.items() if suspicious)


def doubts(
    piece: Piece,
    response: RecognitionResponse,
    *,
    everywhere: bool,
    expected_languages: Sequence[str],
    policy: ReviewPolicy,
) -> tuple[ReviewReason, ...]:
    """The same checks on one piece: which pieces of a flagged transcript cause the flags.

    `everywhere`: the text of the piece repeats all over the call (`same_everywhere`).
    """
    text = response.text.strip()
    checks = {
        ReviewReason.EMPTY_TEXT: piece.speech_sec >= policy.empty_from_speech_sec and not text,
        ReviewReason.LOOP: everywhere or is_loop(text, policy),
        ReviewReason.SPEECH_RATE: _impossible_pace(piece, text, policy) or _too_slow(piece.speech_sec, text, policy),
        ReviewReason.LANGUAGE: bool(text)
        and (
            _unexpected(text, response.language, expected_languages, policy)
            or _unexpected_piece(response, expected_languages, policy)
        ),
        ReviewReason.KNOWN_PHRASE: is_invented(text),
    }
    return tuple(reason for reason, suspicious in checks.items() if suspicious)


def words_per_minute(cut: Cut, responses: Mapping[Piece, RecognitionResponse]) -> Decimal | None:
    """Words per minute of speech, as in the flag `speech_rate`; None without speech."""
    if not cut.speech_sec:
        return None
    words = sum(len(_WORD.findall(responses[piece].text)) for piece in cut.pieces)
    return round(Decimal(words) / (Decimal(str(cut.speech_sec)) / 60), 1)


def is_loop(text: str, policy: ReviewPolicy) -> bool:
    words = [word.casefold() for word in _WORD.findall(text)]
    if any(_repeated_words(words, size, policy.loop_repeats) >= policy.loop_words for size in range(1, 9)):
        return True
    size = policy.gzip_window_chars
    return any(_packs_too_well(text[at : at + size], policy) for at in range(0, len(text), size))


def same_everywhere(responses: Mapping[Piece, RecognitionResponse], cut: Cut, policy: ReviewPolicy) -> frozenset[Piece]:
    """The pieces whose text is the text of too many pieces of the call: a loop that no single piece shows."""
    said = {piece: tuple(_WORD.findall(responses[piece].text.casefold())) for piece in cut.pieces}
    times = Counter(words for words in said.values() if words)
    least = max(policy.same_text_pieces, policy.same_text_share * times.total())
    return frozenset(
        piece for piece, words in said.items() if len(words) >= policy.same_text_words and times[words] >= least
    )


def is_invented(text: str) -> bool:
    bare = " ".join(_WORD.findall(text.casefold()))
    return bare in _WHOLE_TEXT or bool(_CREDITS.search(text))


def _invented_tail(response: RecognitionResponse, policy: ReviewPolicy) -> bool:
    found = segment_confidences(response.raw)
    if len(found) < 2:
        return False
    *others, last = found
    if len(_WORD.findall(last.text)) < policy.tail_words:
        return False
    seconds = sum(one.seconds for one in others)
    return sum(one.logprob * one.seconds for one in others) / seconds - last.logprob >= policy.tail_drop


def _packs_too_well(window: str, policy: ReviewPolicy) -> bool:
    data = window.encode()
    return len(data) / len(gzip.compress(data)) > policy.max_gzip_ratio


def _repeated_words(words: Sequence[str], size: int, repeats: int) -> int:
    """Length in words of the longest sequence in which one group of `size` words occurs `repeats` times or more."""
    longest = run = 0
    for here in range(size, len(words)):
        run = run + 1 if words[here] == words[here - size] else 0
        longest = max(longest, run + size)
    return longest if longest >= size * repeats else 0


def _impossible_pace(piece: Piece, text: str, policy: ReviewPolicy) -> bool:
    # The speech of a short piece is measured too roughly, so its pace is that of the shortest usable length.
    minutes = max(piece.speech_sec, policy.rate_from_speech_sec) / 60
    return len(_WORD.findall(text)) / minutes > policy.max_words_per_minute


def _too_slow(speech_sec: float, text: str, policy: ReviewPolicy) -> bool:
    if speech_sec < policy.rate_from_speech_sec * 4 or not text.strip():
        return False
    return len(_WORD.findall(text)) / (speech_sec / 60) < policy.min_words_per_minute


def _unexpected_piece(response: RecognitionResponse, expected: Sequence[str], policy: ReviewPolicy) -> bool:
    """One piece of a call: another script in any text, another language in a text that is long enough."""
    if expected and scripts_of(expected) <= {"Cyrl", "Latn"} and _OTHER_SCRIPT.search(response.text):
        return True
    long_enough = len(_LETTER.findall(response.text)) >= policy.script_from_letters
    return long_enough and _unexpected(response.text, response.language, expected, policy)


def _unexpected(whole: str, language: str | None, expected: Sequence[str], policy: ReviewPolicy) -> bool:
    if not expected:
        return False
    if language is not None and language not in expected:
        return True
    letters = len(_LETTER.findall(whole))
    if letters < policy.script_from_letters:
        return False
    if language_of_text(whole, expected) not in (None, *expected):
        return True
    cyrillic = len(_CYRILLIC.findall(whole)) / letters
    if all(code in _CYRILLIC_LANGUAGES for code in expected):
        return cyrillic < policy.min_expected_script
    return not _CYRILLIC_LANGUAGES.intersection(expected) and cyrillic > 1 - policy.min_expected_script

"""The requests for one recording: which pieces are asked about, with which hints, in which order.

A short piece says little about its language, and a model that guesses it gives "Bye bye" in Chinese. So where several
languages are expected, the long pieces are asked first, and the language of most of their speech is the hint for the
short ones.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from include.speech.audio.apart import pieces_apart
from include.speech.audio.encoding import CONTENT_TYPES
from include.speech.cuts import Cut, Piece
from include.speech.languages import most_spoken
from include.speech.recognition import RecognitionResponse
from include.speech.recognition_client import Recogniser

DECIDING_SPEECH_SEC = 3.0  # pieces with so much speech decide on the language

Send = Callable[[], RecognitionResponse]
Buy = Callable[[Piece, str, Send], RecognitionResponse]


@dataclass(frozen=True, slots=True)
class Hints:
    """What is asked beside the audio. `languages`: the expected ones, ISO 639-1."""

    languages: tuple[str, ...]
    keywords: tuple[str, ...] = ()
    prompt: str = ""

    @property
    def digest(self) -> str:
        """Other hints make another response."""
        options = json.dumps([self.languages, self.keywords, self.prompt], ensure_ascii=False)
        return hashlib.sha256(options.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording as it is sent: its file, its cut, and an existing folder for the files of its pieces."""

    file: Path
    cut: Cut
    folder: Path


def recognised(
    recogniser: Recogniser,
    sound: Sound,
    pieces: Collection[Piece],
    hints: Hints,
    *,
    saved: Mapping[str, Mapping[str, Any]],
    buy: Buy,
) -> Iterator[tuple[Piece, RecognitionResponse]]:
    """A response to each of `pieces`: the saved one, else the one that `buy(piece, key, send)` returns.

    `saved` and `key`: the pieces' keys with the hints. `send` sends the paid request. Raises the errors of `buy` and
    `Recogniser.recognise`; what was yielded until then stands.
    """
    deciding, others = _in_order(recogniser, pieces, hints)
    found = dict[Piece, RecognitionResponse]()
    for piece, response in _asked(recogniser, sound, deciding, hints, saved, buy):
        found[piece] = response
        yield piece, response
    if others:
        yield from _asked(recogniser, sound, others, _with_language(hints, found), saved, buy)


def key_of(piece: Piece, recogniser: Recogniser, hints: Hints) -> str:
    """Identifies a response of one model to one piece of a recording's bytes."""
    return f"{piece.key(recogniser.profile.upload_format)}-{hints.digest}"


def _in_order(recogniser: Recogniser, pieces: Collection[Piece], hints: Hints) -> tuple[list[Piece], list[Piece]]:
    """The pieces that are asked about first, and those that wait for their language."""
    wanted = list(pieces)
    if len(hints.languages) < 2 or recogniser.profile.language_field is None:
        return wanted, []
    deciding = [piece for piece in wanted if piece.speech_sec >= DECIDING_SPEECH_SEC]
    if not deciding:
        return wanted, []
    return deciding, [piece for piece in wanted if piece.speech_sec < DECIDING_SPEECH_SEC]


def _with_language(hints: Hints, found: Mapping[Piece, RecognitionResponse]) -> Hints:
    """The language that the responses heard, if it is one of the expected ones."""
    heard = ((response.language, piece.speech_sec) for piece, response in found.items() if response.text.strip())
    language = most_spoken(heard)
    return replace(hints, languages=(language,)) if language in hints.languages else hints


def _asked(
    recogniser: Recogniser,
    sound: Sound,
    pieces: Collection[Piece],
    hints: Hints,
    saved: Mapping[str, Mapping[str, Any]],
    buy: Buy,
) -> Iterator[tuple[Piece, RecognitionResponse]]:
    keys = {piece: key_of(piece, recogniser, hints) for piece in pieces}
    known = {piece: RecognitionResponse.from_json(saved[key]) for piece, key in keys.items() if key in saved}
    yield from known.items()
    form = recogniser.profile.upload_format
    skip = {piece.key(form) for piece in sound.cut.pieces if piece in known or piece not in keys}
    if len(known) == len(keys):
        return
    with pieces_apart(sound.file, sound.cut, form, folder=sound.folder, skip=skip) as files:
        for piece, file in files:
            yield piece, buy(piece, keys[piece], _request(recogniser, piece, file, hints))


def _request(recogniser: Recogniser, piece: Piece, file: Path, hints: Hints) -> Send:
    def send() -> RecognitionResponse:
        return recogniser.recognise(
            file,
            filename=file.name,
            content_type=CONTENT_TYPES[recogniser.profile.upload_format],
            seconds=piece.seconds,
            languages=hints.languages,
            keywords=hints.keywords,
            prompt=hints.prompt,
        )

    return send

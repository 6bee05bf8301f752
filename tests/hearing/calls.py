"""Sends a numbered call through the product's cut, encoder, recogniser client and transcript, and checks the text."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from include.speech.audio.cutting import cut
from include.speech.audio.encoding import CONTENT_TYPES, encoded_pieces
from include.speech.audio.pieces import policy_for
from include.speech.cuts import Cut
from include.speech.model_profiles import profile_of
from include.speech.recogniser_responses import read_response
from include.speech.recognition import RecognitionResponse
from include.speech.recognition_client import Recogniser, RecogniserSettings
from include.speech.transcripts import CLIENT, OPERATOR, Transcript, assemble, channel_roles
from simulators.kit.in_process import running
from simulators.sound.hearing_recogniser import HearingRecogniser, Sent
from simulators.sound.numbered_words import Word

MOST_OFF_SEC = 0.3
_MODELS = {"gpt-transcribe": "gpt-transcribe", "diarized": "gpt-4o-transcribe-diarize"}  # else verbose_json


@dataclass(frozen=True, slots=True)
class Transcribed:
    cut: Cut
    transcript: Transcript
    sent: list[Sent]


def transcribe(path: Path, dialect: str) -> Transcribed:
    """Over HTTP, with the product's own client. The recogniser knows only the bytes of the requests."""
    server = HearingRecogniser(dialect)
    with (
        running(server) as url,
        Recogniser(RecogniserSettings(_model(dialect), base_url=f"{url}/v1")) as recogniser,
    ):
        content_type = CONTENT_TYPES[recogniser.profile.upload_format]
        return _transcribed(
            path,
            server,
            lambda file, seconds: recogniser.recognise(
                file, filename=file.name, content_type=content_type, seconds=seconds
            ),
        )


def transcribe_in_process(path: Path, dialect: str) -> Transcribed:
    """The same without HTTP: a thousand requests over HTTP cost more than the rest of the test."""
    server, model = HearingRecogniser(dialect), _model(dialect)
    return _transcribed(
        path,
        server,
        lambda file, _: read_response(
            json.dumps(server.respond(file.read_bytes(), file.name)).encode(), model=model, request_id=None, headers={}
        ),
    )


def _transcribed(
    path: Path, server: HearingRecogniser, recognise: Callable[[Path, float], RecognitionResponse]
) -> Transcribed:
    model = _model(server.dialect)
    profile = profile_of(model)
    found = cut(path, policy_for(profile, max_file_minutes=15))
    with (
        TemporaryDirectory() as folder,
        encoded_pieces(path, found, profile.upload_format, folder=Path(folder)) as files,
    ):
        responses = {piece: recognise(file, piece.seconds) for piece, file in files}
    return Transcribed(found, assemble(found, responses, channel_roles("left"), model=model), server.sent)


def _model(dialect: str) -> str:
    return _MODELS.get(dialect, "whisper-1")


def check(words: Sequence[Word], result: Transcribed, *, stereo: bool) -> None:
    """Every word once, in order, under the right role; turns at their times, requests within limits."""
    turns = [(turn, [int(number) for number in re.findall(r"\d+", turn.text)]) for turn in result.transcript.turns]
    by_role: dict[str, list[int]] = {}
    for turn, numbers in turns:
        by_role.setdefault(turn.role if stereo else "", []).extend(numbers)
    assert by_role == _said(words, stereo=stereo)
    assert [turn.start for turn, _ in turns] == sorted(turn.start for turn, _ in turns)
    truth = {word.number: word for word in words}
    for turn, numbers in turns:
        assert abs(turn.start - truth[numbers[0]].start) <= MOST_OFF_SEC
        assert abs(turn.end - truth[numbers[-1]].end) <= MOST_OFF_SEC
    assert all(sent.seconds <= 15 * 60 and sent.size <= 25_000_000 for sent in result.sent)
    assert len(result.sent) == len(result.cut.pieces)


def _said(words: Sequence[Word], *, stereo: bool) -> dict[str, list[int]]:
    if not stereo:
        return {"": [word.number for word in sorted(words, key=lambda word: word.start)]}
    roles = {0: OPERATOR, 1: CLIENT}
    return {role: [word.number for word in words if word.speaker == side] for side, role in roles.items()}

"""The order and the hints of the requests for one recording, against the simulated service."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from include.speech.cuts import AudioInfo, ChannelLayout, Cut, Piece
from include.speech.recognition import RecognitionResponse
from include.speech.recognition_client import Recogniser, RecogniserSettings
from include.speech.request_order import Hints, Send, Sound, key_of, recognised
from simulators.kit.in_process import running
from simulators.openai.app import KEY, RecogniserSimulator
from tests.unit.speech.audio.synth import voice, wav

SHORT, LONG, LAST = (
    Piece(None, 0.0, 1.0, 0.8),
    Piece(None, 1.0, 8.0, 6.5),
    Piece(None, 8.0, 9.0, 0.7),
)
BOTH = Hints(("ru", "en"))
AskingOf = Callable[[str], "Asking"]


@pytest.fixture
def asking_of(service: tuple[RecogniserSimulator, str], tmp_path: Path) -> Iterator[AskingOf]:
    with ExitStack() as stack:
        yield lambda model: stack.enter_context(closing(Asking(service[1], tmp_path, model)))


@pytest.fixture
def service() -> Iterator[tuple[RecogniserSimulator, str]]:
    simulator = RecogniserSimulator()
    with running(simulator) as url:
        yield simulator, f"{url}/v1"


class Asking:
    """One recording of three pieces; `asked` are the pieces in the order of their requests."""

    def __init__(self, url: str, folder: Path, model: str) -> None:
        self.recogniser = Recogniser(RecogniserSettings(model=model, api_key=KEY, base_url=url))
        info = AudioInfo("wav", "pcm_s16le", 1, 8000, 9.0)
        pieces = (SHORT, LONG, LAST)
        self.sound = Sound(wav(folder / "a.wav", voice(9.0)), Cut(info, ChannelLayout.MONO, pieces, (1.0,), 0), folder)
        self.asked: list[Piece] = []
        self.keys: list[str] = []

    def answers(self, hints: Hints, saved: dict[str, Any] | None = None) -> dict[Piece, RecognitionResponse]:
        found = recognised(self.recogniser, self.sound, self.sound.cut.pieces, hints, saved=saved or {}, buy=self._buy)
        return dict(found)

    def close(self) -> None:
        self.recogniser.close()

    def _buy(self, piece: Piece, key: str, send: Send) -> RecognitionResponse:
        self.asked.append(piece)
        self.keys.append(key)
        return send()


def hints_sent(simulator: RecogniserSimulator, field: str) -> list[Any]:
    return [entry.detail["fields"].get(field) for entry in simulator.journal.entries("transcriptions")]


def test_short_pieces_are_asked_last_with_the_language_of_the_long(
    service: tuple[RecogniserSimulator, str], asking_of: AskingOf
) -> None:
    asking = asking_of("whisper-1")
    assert asking.answers(BOTH).keys() == {SHORT, LONG, LAST}
    assert asking.asked == [LONG, SHORT, LAST]
    assert hints_sent(service[0], "language") == [None, ["ru"], ["ru"]]


def test_a_model_that_takes_a_list_gets_the_one_language(
    service: tuple[RecogniserSimulator, str], asking_of: AskingOf
) -> None:
    asking_of("gpt-transcribe").answers(BOTH)
    assert hints_sent(service[0], "languages[]") == [["ru", "en"], ["ru"], ["ru"]]


def test_a_language_that_is_not_expected_is_no_hint(
    service: tuple[RecogniserSimulator, str], asking_of: AskingOf
) -> None:
    asking_of("whisper-1").answers(Hints(("en", "de")))
    assert hints_sent(service[0], "language") == [None, None, None]


def test_one_expected_language_needs_no_order(asking_of: AskingOf) -> None:
    asking = asking_of("whisper-1")
    asking.answers(Hints(("ru",)))
    assert asking.asked == [SHORT, LONG, LAST]


def test_what_is_saved_is_not_asked_again(asking_of: AskingOf) -> None:
    """The language of a saved response decides too, so the keys of the short pieces are the same in every attempt."""
    first, again = asking_of("whisper-1"), asking_of("whisper-1")
    bought = first.answers(BOTH)
    saved = {key: bought[piece].as_json() for piece, key in zip(first.asked, first.keys, strict=True)}
    assert again.answers(BOTH, saved) == bought
    assert again.asked == []


def test_another_language_makes_another_key(asking_of: AskingOf) -> None:
    recogniser = asking_of("whisper-1").recogniser
    keys = {key_of(SHORT, recogniser, hints) for hints in (BOTH, Hints(("ru",)), Hints(("ru",), ("имя",)))}
    assert len(keys) == 3

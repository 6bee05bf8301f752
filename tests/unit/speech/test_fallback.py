"""Which pieces are sent to the fallback model, and which response is used: the rule of the fewest doubts."""

from dataclasses import replace

from include.speech.cuts import AudioInfo, ChannelLayout, Cut, Piece
from include.speech.fallback import TranscriptReview
from include.speech.recognition import Recognition, RecognitionResponse
from tests.kit.thresholds import REVIEW_POLICY

HONEST = "Здравствуйте, подскажите, пожалуйста, когда приедет курьер и сколько стоит доставка."
INVENTED = "Субтитры сделал DimaTorzok"
LOOP = "Спасибо. " * 20
REVIEW = TranscriptReview(("ru",), REVIEW_POLICY)


def response(text: str, model: str = "first") -> RecognitionResponse:
    return RecognitionResponse(text, (), None, {}, model, None, {})


def recognition(first: list[str], second: dict[int, str], speech_sec: float = 6.0) -> Recognition:
    pieces = tuple(Piece(None, 20.0 * n, 20.0 * n + 10, speech_sec) for n in range(len(first)))
    cut = Cut(AudioInfo("mp3", "mp3", 1, 8000, 20.0 * len(first)), ChannelLayout.MONO, pieces, (1.0,), 0)
    return Recognition(
        cut,
        "first",
        {piece: response(text) for piece, text in zip(pieces, first, strict=True)},
        {pieces[n]: response(text, "second") for n, text in second.items()},
    )


def doubtful(*texts: str, speech_sec: float = 6.0) -> list[int]:
    found = recognition(list(texts), {}, speech_sec)
    return [found.cut.pieces.index(piece) for piece in REVIEW.doubtful_pieces(found.cut, found.responses)]


def chosen(first: list[str], second: dict[int, str], speech_sec: float = 6.0) -> list[str]:
    found = recognition(first, second, speech_sec)
    best = REVIEW.best_responses(found)
    return [best[piece].model for piece in found.cut.pieces]


def test_a_text_without_a_flag_is_not_sent_again() -> None:
    assert doubtful(HONEST, HONEST) == []


def test_only_the_doubtful_pieces_are_sent_again() -> None:
    assert doubtful(HONEST, INVENTED, HONEST, LOOP) == [1, 3]


def test_all_pieces_are_sent_again_if_no_single_one_is_doubtful() -> None:
    """Too few words for ten minutes of speech, while no piece alone is long enough to be judged."""
    assert doubtful(*["да"] * 40, speech_sec=15.0) == list(range(40))


def test_an_empty_piece_of_a_good_transcript_is_not_sent_again() -> None:
    assert doubtful(HONEST, "") == []


def test_each_piece_has_the_less_doubtful_response() -> None:
    assert chosen([HONEST, INVENTED, LOOP], {1: HONEST, 2: LOOP}) == ["first", "second", "first"]


def test_at_a_tie_the_first_responses_stay() -> None:
    assert chosen([INVENTED], {0: INVENTED}) == ["first"]
    assert chosen([HONEST, INVENTED], {1: LOOP}) == ["first", "first"]


def test_as_many_flags_in_fewer_pieces_are_better() -> None:
    assert chosen([LOOP, LOOP], {0: HONEST, 1: LOOP}) == ["second", "first"]


def test_a_fallback_response_never_replaces_a_good_one() -> None:
    assert chosen([HONEST, INVENTED], {0: HONEST, 1: HONEST}) == ["first", "second"]


def test_fallback_responses_are_used_together() -> None:
    """If no piece has a doubt of its own, all fallback responses are used, or none of them."""
    few, talk = ["да"] * 40, {n: f"{HONEST} {n}" for n in range(40)}
    assert chosen(few, talk, speech_sec=15.0) == ["second"] * 40
    assert chosen(few, dict.fromkeys(range(40), "нет"), speech_sec=15.0) == ["first"] * 40


def test_one_text_all_over_the_call_is_sent_again() -> None:
    """A fallback response is used if it is not a loop itself."""
    same = ["Спасибо за внимание!"] * 5
    assert doubtful(*same, HONEST) == [0, 1, 2, 3, 4]
    talk = {n: f"{HONEST} {n}" for n in range(5)}
    assert chosen([*same, HONEST], talk) == ["second"] * 5 + ["first"]
    assert chosen([*same, HONEST], dict.fromkeys(range(5), "Всего доброго вам!")) == ["first"] * 6


def test_a_recognition_survives_json() -> None:
    found = recognition([HONEST, INVENTED], {1: HONEST})
    assert Recognition.from_json(found.as_json()) == found


def test_recognitions_stored_without_a_fallback_can_be_read() -> None:
    found = recognition([HONEST], {})
    data = found.as_json()
    del data["fallback_answers"], data["source"]
    assert Recognition.from_json(data) == found


def test_a_flag_about_the_sound_sends_nothing_again() -> None:
    """Another model's text cannot remove it."""
    found = recognition([HONEST], {})
    cut = replace(found.cut, sounding_sec=100.0, unsent_sec=90.0)
    assert REVIEW.reasons(cut, found.responses) == ("much_not_sent",)
    assert REVIEW.doubtful_pieces(cut, found.responses) == ()


def test_a_low_confidence_decides_nothing() -> None:
    """Only some models give one: a fallback without it must not win by that."""
    unsure = {"segments": [{"start": 0, "end": 9, "avg_logprob": -1.0}]}
    found = recognition([HONEST], {0: HONEST}, speech_sec=12.0)
    (piece,) = found.cut.pieces
    first = {piece: replace(found.responses[piece], raw=unsure)}
    assert REVIEW.reasons(found.cut, first) == ("low_confidence",)
    assert REVIEW.doubtful_pieces(found.cut, first) == ()
    assert REVIEW.best_responses(replace(found, responses=first))[piece].model == "first"

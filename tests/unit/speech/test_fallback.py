"""Which pieces the fallback model hears again, and whose answer stands: the rule of the fewest doubts."""

from include.speech.cuts import AudioInfo, ChannelLayout, Cut, Piece
from include.speech.fallback import Judge
from include.speech.quality_flags import ReviewPolicy
from include.speech.recognition import Recognised, Recognition

HONEST = "Здравствуйте, подскажите, пожалуйста, когда приедет курьер и сколько стоит доставка."
INVENTED = "Субтитры сделал DimaTorzok"
LOOP = "Спасибо. " * 20
JUDGE = Judge(("ru",), ReviewPolicy())


def answer(text: str, model: str = "first") -> Recognition:
    return Recognition(text, (), None, {}, model, None, {})


def recognised(first: list[str], second: dict[int, str], speech_sec: float = 6.0) -> Recognised:
    pieces = tuple(Piece(None, 20.0 * n, 20.0 * n + 10, speech_sec) for n in range(len(first)))
    cut = Cut(AudioInfo("mp3", "mp3", 1, 8000, 20.0 * len(first)), ChannelLayout.MONO, pieces, (1.0,), 0)
    return Recognised(
        cut,
        "first",
        {piece: answer(text) for piece, text in zip(pieces, first, strict=True)},
        {pieces[n]: answer(text, "second") for n, text in second.items()},
    )


def doubtful(*texts: str, speech_sec: float = 6.0) -> list[int]:
    found = recognised(list(texts), {}, speech_sec)
    return [found.cut.pieces.index(piece) for piece in JUDGE.doubtful(found.cut, found.first)]


def chosen(first: list[str], second: dict[int, str], speech_sec: float = 6.0) -> list[str]:
    found = recognised(first, second, speech_sec)
    better = JUDGE.better(found)
    return [better[piece].model for piece in found.cut.pieces]


def test_an_unsuspicious_text_is_not_heard_again() -> None:
    assert doubtful(HONEST, HONEST) == []


def test_the_pieces_to_blame_are_heard_again_and_no_others() -> None:
    assert doubtful(HONEST, INVENTED, HONEST, LOOP) == [1, 3]


def test_all_are_heard_again_where_no_single_piece_is_to_blame() -> None:
    """Fifteen words a minute are too few for ten minutes of speech, and no piece alone is long enough to tell."""
    assert doubtful(*["да"] * 40, speech_sec=15.0) == list(range(40))


def test_a_piece_without_a_text_in_a_sound_transcript_is_no_reason_to_pay() -> None:
    assert doubtful(HONEST, "") == []


def test_each_piece_has_the_less_doubtful_answer() -> None:
    assert chosen([HONEST, INVENTED, LOOP], {1: HONEST, 2: LOOP}) == ["first", "second", "first"]


def test_at_a_tie_the_first_answers_stand() -> None:
    assert chosen([INVENTED], {0: INVENTED}) == ["first"]
    assert chosen([HONEST, INVENTED], {1: LOOP}) == ["first", "first"]


def test_as_many_reasons_in_fewer_pieces_are_better() -> None:
    assert chosen([LOOP, LOOP], {0: HONEST, 1: LOOP}) == ["second", "first"]


def test_a_second_answer_never_replaces_a_sound_one() -> None:
    assert chosen([HONEST, INVENTED], {0: HONEST, 1: HONEST}) == ["first", "second"]


def test_where_no_piece_is_to_blame_the_second_answers_stand_together_if_they_are_better() -> None:
    few, talk = ["да"] * 40, {n: f"{HONEST} {n}" for n in range(40)}
    assert chosen(few, talk, speech_sec=15.0) == ["second"] * 40
    assert chosen(few, dict.fromkeys(range(40), "нет"), speech_sec=15.0) == ["first"] * 40


def test_one_text_all_over_the_call_is_heard_again_and_a_second_answer_that_is_no_loop_stands() -> None:
    same = ["Спасибо за внимание!"] * 5
    assert doubtful(*same, HONEST) == [0, 1, 2, 3, 4]
    talk = {n: f"{HONEST} {n}" for n in range(5)}
    assert chosen([*same, HONEST], talk) == ["second"] * 5 + ["first"]
    assert chosen([*same, HONEST], dict.fromkeys(range(5), "Всего доброго вам!")) == ["first"] * 6


def test_what_was_recognised_survives_json() -> None:
    found = recognised([HONEST, INVENTED], {1: HONEST})
    assert Recognised.from_json(found.as_json()) == found


def test_answers_stored_before_there_was_a_fallback_can_be_read() -> None:
    found = recognised([HONEST], {})
    data = found.as_json()
    del data["fallback_answers"], data["source"]
    assert Recognised.from_json(data) == found

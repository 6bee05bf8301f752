import pytest

from include.speech.cuts import AudioInfo, ChannelLayout, Cut, Piece
from include.speech.recognition import RecognitionResponse, Segment
from include.speech.transcripts import Transcript, assemble, channel_roles

LEFT = channel_roles("left")


def response(text: str, *segments: Segment, language: str | None = "ru") -> RecognitionResponse:
    return RecognitionResponse(text, segments, language, {}, "gpt-transcribe", None, {"text": text})


def cut_of(*pieces: Piece) -> Cut:
    info = AudioInfo("mp3", "mp3float", 2, 8000, 420.0)
    return Cut(info, ChannelLayout.STEREO, pieces, (1.0, 1.0), 0)


def assembled(responses: dict[Piece, RecognitionResponse], operator: tuple[str, str] = LEFT) -> Transcript:
    return assemble(cut_of(*responses), responses, operator, model="gpt-transcribe", expected_languages=["ru"])


def test_a_line_break_inside_a_turn_is_a_space() -> None:
    said = "да\r\n---\n[00:00:09] [Клиент]: верните деньги\u2028CALL_ID: 1\x00\u202e"
    (turn,) = assembled({Piece(0, 0, 9, 9): response(said)}).turns
    assert turn.text == "да --- [00:00:09] [Клиент]: верните деньги CALL_ID: 1"


@pytest.mark.parametrize(("operator", "roles"), [("left", ["operator", "client"]), ("right", ["client", "operator"])])
def test_roles_follow_the_channel_map(operator: str, roles: list[str]) -> None:
    responses = {Piece(0, 1, 3, 2): response("раз"), Piece(1, 4, 6, 2): response("два")}
    found = assembled(responses, channel_roles("left" if operator == "left" else "right"))
    assert [turn.role for turn in found.turns] == roles
    assert found.roles == "channels"


def test_mono_makes_no_claim_about_who_speaks() -> None:
    found = assembled({Piece(None, 1, 3, 2): response("раз")})
    assert (found.roles, found.turns[0].start, found.turns[0].role) == ("none", 1, "unknown")


def test_turns_of_both_channels_stand_in_order_of_time() -> None:
    responses = {
        Piece(0, 0, 3, 3): response("один"),
        Piece(1, 2.5, 9, 6): response("два три", Segment(0, 1, "два"), Segment(3.5, 5, "три")),
        Piece(0, 4, 5, 1): response("между"),
    }
    assert [(turn.start, turn.text) for turn in assembled(responses).turns] == [
        (0, "один"), (2.5, "два"), (4, "между"), (6.0, "три"),
    ]  # fmt: skip


def test_a_segments_time_never_leaves_its_piece() -> None:
    piece = Piece(0, 10, 12, 2)
    (turn,) = assembled({piece: response("ой", Segment(-1, 30, "ой"))}).turns
    assert (turn.start, turn.end) == (10, 12)


def test_speakers_of_two_pieces_have_different_labels() -> None:
    """A diarizing model labels speakers anew in every request."""
    responses = {
        Piece(None, 0, 900, 800): response("", Segment(0, 1, "раз", "A"), Segment(1, 2, "два", "B")),
        Piece(None, 900, 950, 40): response("", Segment(0, 1, "три", "A")),
    }
    found = assembled(responses)
    assert found.roles == "diarized"
    assert [(turn.start, turn.role) for turn in found.turns] == [(0, "1"), (1, "2"), (900, "2.1")]


def test_a_label_cannot_pass_for_a_side_of_the_call() -> None:
    found = assembled({Piece(None, 0, 9, 9): response("", Segment(0, 1, "раз", "operator"))})
    assert found.roles == "diarized"
    assert [turn.role for turn in found.turns] == ["1"]


def test_a_piece_without_a_response_is_refused() -> None:
    with pytest.raises(KeyError):
        assemble(cut_of(Piece(0, 0, 1, 1)), {}, LEFT, model="m")


def test_the_language_is_that_of_what_was_said() -> None:
    responses = {
        Piece(0, 0, 60, 50): response("", language="en"),
        Piece(1, 0, 60, 5): response("да, конечно, я вас хорошо слышу", language="ru"),
    }
    assert assembled(responses).language == "ru"


def test_a_response_survives_json() -> None:
    whole = response("раз", Segment(0, 1, "раз", "A"))
    assert RecognitionResponse.from_json(whole.as_json()) == whole


def test_subtitle_lines_of_one_sentence_are_one_turn() -> None:
    """Whisper's segments are lines of subtitles; a sentence or a pause ends a turn."""
    lines = (Segment(0, 2, " We have two options. You can"), Segment(2, 4, " bring it in"), Segment(4, 5, " any time."))
    later = (Segment(5.1, 6, "Yes"), Segment(6.5, 7, "please"))
    found = assembled({Piece(0, 0, 9, 9): response("", *lines, *later)})
    assert [(turn.start, turn.end, turn.text) for turn in found.turns] == [
        (0, 5, "We have two options. You can bring it in any time."),
        (5.1, 6, "Yes"),
        (6.5, 7, "please"),
    ]


def test_lines_of_two_speakers_stay_two_turns() -> None:
    said = (Segment(0, 1, "раз", "A"), Segment(1, 2, "два", "B"), Segment(2, 3, "три", "B"))
    found = assembled({Piece(None, 0, 9, 9): response("", *said)})
    assert [(turn.role, turn.text) for turn in found.turns] == [("1", "раз"), ("2", "два три")]

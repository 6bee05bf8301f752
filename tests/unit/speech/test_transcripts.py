from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.speech.cuts import AudioInfo, ChannelLayout, Cut, Piece
from include.speech.recognition import RecognitionResponse, Segment
from include.speech.transcripts import (
    Transcript,
    TranscriptHeader,
    Turn,
    assemble,
    channel_roles,
    preview,
    render_transcript,
)

HEADER = TranscriptHeader(
    call_id="11018129443EB80D.1754478570.11438214",
    record_id="9079",
    start=datetime.fromisoformat("2025-08-31T19:23:45+03:00"),
    direction="inbound",
    from_number="+74951234567",
    to_number="+79997654321",
    employee_id="1269",
    employee_name="Оператор 12",
    duration_sec=420,
)
LEFT = channel_roles("left")


def response(text: str, *segments: Segment, language: str | None = "ru") -> RecognitionResponse:
    return RecognitionResponse(text, segments, language, {}, "gpt-transcribe", None, {"text": text})


def cut_of(*pieces: Piece) -> Cut:
    info = AudioInfo("mp3", "mp3float", 2, 8000, 420.0)
    return Cut(info, ChannelLayout.STEREO, pieces, (1.0, 1.0), 0)


def transcript(*turns: Turn) -> Transcript:
    return Transcript(turns, "ru", "gpt-transcribe", "channels", 420.0)


def assembled(responses: dict[Piece, RecognitionResponse], operator: tuple[str, str] = LEFT) -> Transcript:
    return assemble(cut_of(*responses), responses, operator, model="gpt-transcribe", expected_languages=["ru"])


def test_the_file_is_exactly_what_people_depend_on() -> None:
    text = render_transcript(
        HEADER, transcript(Turn(3.2, 8, "operator", "Здравствуйте!"), Turn(3669.9, 3700, "client", "Добрый день."))
    )
    assert text == (
        "CALL_ID: 11018129443EB80D.1754478570.11438214\nRECORD_ID: 9079\nSTART: 2025-08-31T19:23:45+03:00\n"
        "DIRECTION: inbound\nFROM: +74951234567\nTO: +79997654321\nEMPLOYEE: 1269 Оператор 12\nDURATION_SEC: 420\n"
        "LANGUAGE: ru\nMODEL: gpt-transcribe\nROLES: channels\n---\n"
        "[00:00:03] [Оператор]: Здравствуйте!\n[01:01:09] [Клиент]: Добрый день.\n"
    )


def test_an_empty_text_still_has_its_header() -> None:
    assert render_transcript(HEADER, transcript()).endswith("ROLES: channels\n---\n")


@given(st.text(), st.text(), st.text())
def test_a_header_or_a_turn_cannot_be_forged(said: str, name: str, speaker: str) -> None:
    """Whatever the texts and names hold, the file has one line per header field and per turn."""
    header = TranscriptHeader(name, name, HEADER.start, "inbound", name, name, name, name, 1)
    (turn,) = assembled({Piece(None, 0, 9, 9): response(said, Segment(0, 1, said + "x", speaker))}).turns
    lines = render_transcript(header, transcript(turn)).split("\n")
    assert len(lines) == 14
    assert lines[11] == "---"
    assert len("\n".join(lines).splitlines()) == 13
    assert lines[12].startswith("[00:00:00] [Собеседник")


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
    assert (found.roles, found.turns[0].role) == ("none", "unknown")
    assert "[00:00:01] [Собеседник]: раз" in render_transcript(HEADER, found)


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
    body = render_transcript(HEADER, found).split("---\n")[1]
    assert [line.split("]: ")[0] for line in body.splitlines()] == [
        "[00:00:00] [Собеседник A", "[00:00:01] [Собеседник B", "[00:15:00] [Собеседник A2",
    ]  # fmt: skip


def test_a_label_cannot_pass_for_a_side_of_the_call() -> None:
    found = assembled({Piece(None, 0, 9, 9): response("", Segment(0, 1, "раз", "operator"))})
    assert found.roles == "diarized"
    assert "[Собеседник OPERATOR]" in render_transcript(HEADER, found)


def test_a_piece_without_a_response_is_refused() -> None:
    with pytest.raises(KeyError):
        assemble(cut_of(Piece(0, 0, 1, 1)), {}, LEFT, model="m")


def test_the_language_is_that_of_what_was_said() -> None:
    responses = {Piece(0, 0, 60, 50): response("", language="en"), Piece(1, 0, 60, 5): response("да", language="ru")}
    assert assembled(responses).language == "ru"


@given(st.lists(st.text(min_size=1), max_size=5), st.integers(0, 200))
def test_the_preview_is_short_enough_and_whole_characters(texts: list[str], limit: int) -> None:
    shown = preview(transcript(*(Turn(0, 1, "client", text) for text in texts if text.isprintable())), limit)
    assert len(shown.encode()) <= limit
    assert "\ufffd" not in shown or any("\ufffd" in text for text in texts)


def test_the_preview_is_cut_at_1024_bytes() -> None:
    shown = preview(transcript(Turn(0, 1, "client", "ж" * 2000)))
    assert len(shown.encode()) == 1024 or len(shown.encode()) == 1023
    assert shown.startswith("[Клиент]: жжж")


def test_a_response_survives_json() -> None:
    whole = response("раз", Segment(0, 1, "раз", "A"))
    assert RecognitionResponse.from_json(whole.as_json()) == whole

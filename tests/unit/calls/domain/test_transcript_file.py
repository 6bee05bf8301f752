from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.calls.domain.transcript_file import TranscriptHeader, preview, render_transcript
from include.speech.cuts import AudioInfo, ChannelLayout, Cut, Piece
from include.speech.recognition import RecognitionResponse, Segment
from include.speech.transcripts import UNKNOWN, Transcript, Turn, assemble

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


def transcript(*turns: Turn) -> Transcript:
    return Transcript(turns, "ru", "gpt-transcribe", "channels", 420.0)


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
    piece = Piece(None, 0, 9, 9)
    cut = Cut(AudioInfo("mp3", "mp3float", 1, 8000, 9.0), ChannelLayout.MONO, (piece,), (1.0,), 0)
    response = RecognitionResponse(said, (Segment(0, 1, said + "x", speaker),), "ru", {}, "m", None, {})
    lines = render_transcript(header, assemble(cut, {piece: response}, ("operator", "client"), model="m")).split("\n")
    assert len(lines) == 14
    assert lines[11] == "---"
    assert len("\n".join(lines).splitlines()) == 13
    assert lines[12].startswith("[00:00:00] [Собеседник")


@given(st.lists(st.text(min_size=1), max_size=5), st.integers(0, 200))
def test_the_preview_is_short_enough_and_whole_characters(texts: list[str], limit: int) -> None:
    shown = preview(transcript(*(Turn(0, 1, "client", text) for text in texts if text.isprintable())), limit)
    assert len(shown.encode()) <= limit
    assert "\ufffd" not in shown or any("\ufffd" in text for text in texts)


def test_the_preview_is_cut_at_1024_bytes() -> None:
    shown = preview(transcript(Turn(0, 1, "client", "ж" * 2000)))
    assert len(shown.encode()) == 1024 or len(shown.encode()) == 1023
    assert shown.startswith("[Клиент]: жжж")


@pytest.mark.parametrize(
    ("role", "label"),
    [
        ("operator", "Оператор"),
        ("client", "Клиент"),
        (UNKNOWN, "Собеседник"),
        ("2.1", "Собеседник 2.1"),
        ("OPERATOR", "Собеседник OPERATOR"),
    ],
)
def test_labels(role: str, label: str) -> None:
    assert render_transcript(HEADER, transcript(Turn(0, 1, role, "раз"))).endswith(f"\n[00:00:00] [{label}]: раз\n")

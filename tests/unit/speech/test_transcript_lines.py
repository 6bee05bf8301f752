"""Lines of a transcript: written by the product, read back from a file that a person wrote."""

from include.speech.transcript_lines import SpokenLine, read_lines, render_turns
from include.speech.transcripts import CLIENT, OPERATOR, UNKNOWN, Transcript, Turn


def test_written_lines_are_read_back() -> None:
    turns = (
        Turn(3.2, 8.0, OPERATOR, "Здравствуйте!"),
        Turn(3600.0, 3601.0, CLIENT, "Номер [25]: да."),
        Turn(3602.0, 3603.0, UNKNOWN, "Алло."),
    )
    written = render_turns(Transcript(turns, "ru", "gpt-transcribe", "channels", 3603.0))
    assert written.startswith("[00:00:03] [Оператор]: Здравствуйте!\n[01:00:00] [Клиент]: ")
    assert read_lines(written) == tuple(SpokenLine(turn.role, turn.text) for turn in turns)


def test_the_header_of_a_transcript_file_is_not_speech() -> None:
    assert read_lines("CALL_ID: 1\nMODEL: x\n---\n[00:00:01] [Клиент]: Да.\n") == (SpokenLine(CLIENT, "Да."),)


def test_times_and_labels_may_be_missing() -> None:
    text = "[Оператор]: Здравствуйте.\nЧем помочь?\n\n[Кто-то]: Алло.\n"
    assert read_lines(text) == (
        SpokenLine(OPERATOR, "Здравствуйте."),
        SpokenLine(OPERATOR, "Чем помочь?"),
        SpokenLine(UNKNOWN, "Алло."),
    )
    assert read_lines("просто текст") == (SpokenLine(UNKNOWN, "просто текст"),)


def test_nothing_said_is_no_line() -> None:
    assert read_lines("") == read_lines("[Оператор]:\n") == ()

"""Stored cuts can be read, also those of earlier versions."""

from include.speech.cuts import AudioInfo, ChannelLayout, Cut, Piece

CUT = Cut(
    AudioInfo("mp3", "mp3float", 2, 8000, 420.0), ChannelLayout.STEREO, (Piece(0, 1.0, 3.0, 2.0),), (1.0, 2.0), 0,
    speech_model="silero", sounding_sec=50.0, unsent_sec=10.0, music_share=0.01,
)  # fmt: skip


def test_a_cut_survives_json() -> None:
    assert Cut.from_json(CUT.as_json()) == CUT


def test_the_file_has_the_share_that_was_sent() -> None:
    assert CUT.as_json()["sent_share"] == 0.8


def test_a_cut_stored_before_the_speech_model_can_be_read() -> None:
    data = CUT.as_json()
    for name in ("speech_model", "sounding_sec", "unsent_sec", "music_share", "sent_share"):
        del data[name]
    found = Cut.from_json(data)
    assert (found.speech_model, found.sent_share, found.music_share) == ("", 1.0, 0.0)

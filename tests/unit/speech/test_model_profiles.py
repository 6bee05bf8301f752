from decimal import Decimal

import pytest

from include.speech.model_profiles import profile_of


@pytest.mark.parametrize(
    ("model", "rate"),
    [
        ("gpt-transcribe", "0.0045"),
        ("whisper-1", "0.006"),
        ("gpt-4o-transcribe", "0.006"),
        ("gpt-4o-mini-transcribe", "0.003"),
        ("gpt-4o-transcribe-diarize", "0.006"),
    ],
)
def test_known_models_have_their_tariff(model: str, rate: str) -> None:
    profile = profile_of(model)
    assert (profile.model, profile.rate_per_min_usd) == (model, Decimal(rate))


def test_the_default_model_gives_text_only_and_takes_hints() -> None:
    profile = profile_of("gpt-transcribe")
    assert profile.response_format == "json"
    assert profile.language_field == "languages"
    assert profile.sends_keywords


def test_the_diarizing_model_needs_chunking_and_takes_no_prompt() -> None:
    profile = profile_of("gpt-4o-transcribe-diarize")
    assert (profile.diarizes, profile.chunking_from_sec, profile.sends_prompt) == (True, 30.0, False)
    assert profile_of("gpt-4o-transcribe").chunking_from_sec is None


def test_a_dated_snapshot_is_its_family() -> None:
    profile = profile_of("gpt-4o-mini-transcribe-2025-12-15")
    assert profile.model == "gpt-4o-mini-transcribe-2025-12-15"
    assert profile.rate_per_min_usd == Decimal("0.003")


@pytest.mark.parametrize("model", ["Systran/faster-whisper-large-v3", "whisper-1-turbo", "gpt-4o", ""])
def test_an_unknown_model_gets_the_default_profile(model: str) -> None:
    profile = profile_of(model)
    assert profile.model == model
    assert (profile.response_format, profile.language_field, profile.upload_format) == ("json", "language", "wav")
    assert not profile.sends_keywords
    assert not profile.sends_prompt
    assert not profile.diarizes


@pytest.mark.parametrize("model", ["gpt-transcribe", "whisper-1", "gpt-4o-transcribe", "unknown"])
def test_the_file_leaves_room_for_its_envelope(model: str) -> None:
    """The server counts 26,214,400 bytes of the whole request."""
    assert profile_of(model).max_bytes <= 26_214_400 - 1_000_000

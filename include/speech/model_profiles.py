"""One profile per recognition model: request fields, response format, limits and tariff.

The key is the model's name, whatever server has it: a model under another name, on a server of one's own for example,
gets the default profile. No other module knows a model by name.

Facts: the vendor's API description and model pages of November 2026. The vendor
switches whisper-1 and the gpt-4o family off on 2027-02-26.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from include.speech.cuts import UploadFormat

# The server accepts 26,214,400 bytes for the whole request; the difference is for the multipart envelope.
_MAX_BYTES = 25_000_000


@dataclass(frozen=True, slots=True)
class SttProfile:
    """One model. `max_seconds` bounds one request; `rate_per_min_usd` is the public tariff.

    `language_field`: "languages" takes a list, "language" one code; None: the model takes no language.
    `chunking_from_sec`: the service refuses longer audio without a `chunking_strategy`.
    """

    model: str
    response_format: Literal["json", "verbose_json", "diarized_json"] = "json"
    language_field: Literal["languages", "language"] | None = "language"
    sends_keywords: bool = False
    sends_prompt: bool = False
    diarizes: bool = False
    chunking_from_sec: float | None = None
    upload_format: UploadFormat = "flac"
    max_bytes: int = _MAX_BYTES
    max_seconds: float = 1390.0
    rate_per_min_usd: Decimal = Decimal("0.006")


# For unknown models: every compatible server reads WAV and responds with plain JSON.
_DEFAULT = SttProfile(model="", upload_format="wav")

_KNOWN = (
    # its limit of length is not documented; that of the gpt-4o family is assumed
    SttProfile(
        model="gpt-transcribe",
        language_field="languages",
        sends_keywords=True,
        sends_prompt=True,
        rate_per_min_usd=Decimal("0.0045"),
    ),
    # the service limits only the size, 25 MB; an hour bounds the length of a request
    SttProfile(model="whisper-1", response_format="verbose_json", sends_prompt=True, max_seconds=3600.0),
    SttProfile(model="gpt-4o-transcribe", sends_prompt=True),
    SttProfile(model="gpt-4o-mini-transcribe", sends_prompt=True, rate_per_min_usd=Decimal("0.003")),
    SttProfile(
        model="gpt-4o-transcribe-diarize",
        response_format="diarized_json",
        diarizes=True,
        chunking_from_sec=30.0,
    ),
)
_BY_MODEL = {profile.model: profile for profile in _KNOWN}


def profile_of(model: str) -> SttProfile:
    """The profile of `model`. A dated snapshot ("...-2025-12-15") has its family's, an unknown model the default."""
    if model in _BY_MODEL:
        return _BY_MODEL[model]
    family = [profile for profile in _KNOWN if _is_snapshot(model, profile.model)]
    return replace(family[0] if family else _DEFAULT, model=model)


def _is_snapshot(model: str, family: str) -> bool:
    date = model.removeprefix(family + "-")
    return date != model and date.replace("-", "").isdigit()

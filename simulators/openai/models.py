"""The fields and formats of each recognition model, by the vendor's documentation of autumn 2026."""

from dataclasses import dataclass

MAX_REQUEST_BYTES = 26_214_400
SUFFIXES = ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm")


@dataclass(frozen=True, slots=True)
class Model:
    """`fields` are accepted besides file, model, response_format and language."""

    formats: tuple[str, ...]
    fields: frozenset[str]
    max_seconds: float | None = None
    names_language: bool = False  # whisper-1 returns "russian", others "ru" or no language
    needs_chunking_above: float | None = None


_COMMON = frozenset({"temperature", "stream"})
_GPT_4O = Model(
    formats=("json", "text"),
    fields=_COMMON | {"prompt", "chunking_strategy", "include[]"},
    max_seconds=1400.0,
)

MODELS: dict[str, Model] = {
    "gpt-transcribe": Model(
        formats=("json",),
        fields=_COMMON | {"prompt", "keywords[]", "languages[]", "chunking_strategy"},
    ),
    "whisper-1": Model(
        formats=("json", "text", "srt", "verbose_json", "vtt"),
        fields=_COMMON | {"prompt", "timestamp_granularities[]"},
        names_language=True,
    ),
    "gpt-4o-transcribe": _GPT_4O,
    "gpt-4o-mini-transcribe": _GPT_4O,
    "gpt-4o-mini-transcribe-2025-12-15": _GPT_4O,
    "gpt-4o-transcribe-diarize": Model(
        formats=("json", "text", "diarized_json"),
        fields=_COMMON | {"chunking_strategy", "known_speaker_names[]", "known_speaker_references[]"},
        max_seconds=1400.0,
        needs_chunking_above=30.0,
    ),
}

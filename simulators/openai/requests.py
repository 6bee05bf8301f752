"""Reads a transcription request; refuses the same requests as the real service."""

import re
from dataclasses import dataclass
from pathlib import PurePath

from starlette.datastructures import FormData, UploadFile

from simulators.openai import errors
from simulators.openai.models import MODELS, SUFFIXES, Model

_ALWAYS = frozenset({"file", "model", "response_format", "language"})
_UNPRINTABLE = re.compile(r"[<>\r\n]")


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    model: str
    rules: Model
    response_format: str
    audio: bytes
    filename: str
    fields: dict[str, list[str]]


async def read_request(form: FormData) -> TranscriptionRequest:
    """Raises RecogniserError."""
    upload = form.get("file")
    name = str(form.get("model", ""))
    if not name:
        raise errors.bad_field("model", "you must provide a model parameter", "missing_required_parameter")
    if name not in MODELS:
        raise errors.unknown_model(name)
    if not isinstance(upload, UploadFile):
        raise errors.bad_field("file", "Missing required parameter: 'file'.", "missing_required_parameter")
    rules = MODELS[name]
    fields = {key: [str(item) for item in form.getlist(key)] for key in form if key != "file"}
    response_format = str(form.get("response_format", "json"))
    _check_fields(name, rules, response_format, fields)
    filename = upload.filename or ""
    if PurePath(filename).suffix[1:].lower() not in SUFFIXES:
        raise errors.bad_file(SUFFIXES)
    return TranscriptionRequest(name, rules, response_format, await upload.read(), filename, fields)


def _check_fields(name: str, rules: Model, response_format: str, fields: dict[str, list[str]]) -> None:
    if response_format not in rules.formats:
        raise errors.wrong_format(response_format, name, rules.formats)
    for field in fields.keys() - _ALWAYS - rules.fields:
        message = f"{field.removesuffix('[]')} is not supported with model '{name}'."
        raise errors.bad_field(field.removesuffix("[]"), message, "unsupported_value")
    if "language" in fields and "languages[]" in fields:
        raise errors.bad_field("language", "language and languages cannot be used together.")
    if any(_UNPRINTABLE.search(keyword) or not keyword.strip() for keyword in fields.get("keywords[]", [])):
        raise errors.bad_field("keywords", "Keywords must be single lines without '<' or '>'.")
    if "timestamp_granularities[]" in fields and response_format != "verbose_json":
        message = "timestamp_granularities requires response_format 'verbose_json'."
        raise errors.bad_field("timestamp_granularities", message)


def check_length(request: TranscriptionRequest, seconds: float) -> None:
    """Raises RecogniserError for audio that the model does not accept."""
    rules = request.rules
    if seconds < 0.1:
        raise errors.too_short(request.model, seconds)
    if rules.max_seconds is not None and seconds > rules.max_seconds:
        raise errors.too_long(seconds, rules.max_seconds)
    chunked = "chunking_strategy" in request.fields
    if rules.needs_chunking_above is not None and seconds > rules.needs_chunking_above and not chunked:
        message = "chunking_strategy is required for diarization models when audio is longer than 30 seconds"
        raise errors.bad_field("chunking_strategy", message)

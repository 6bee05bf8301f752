"""Client of the recogniser: one request turns one piece of audio into text.

The model's profile says which fields may be sent; this module has no conditions on model names.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import openai

from include.clients.openai.client import CONNECT_SECONDS, connection_error, openai_client
from include.common.errors import ErrorCode, ExportError, NotConfigured, Temporary
from include.speech.model_profiles import SttProfile, profile_of
from include.speech.recogniser_responses import error_of, read_response
from include.speech.recognition import RecognitionResponse

_TIMEOUT_BASE_SEC = 60.0
_MAX_KEYWORDS = 100
_MAX_PROMPT_KEYWORDS = 400  # characters: the models read only the last 224 tokens of a prompt
_FORBIDDEN_IN_KEYWORDS = str.maketrans(
    dict.fromkeys("<>\r\n", " ")
)  # the service refuses a request whose keywords hold one of these


@dataclass(frozen=True, slots=True)
class RecogniserSettings:
    """`timeout_sec` None: 60 s plus the length of the piece. `base_url` None: the vendor's address."""

    model: str
    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    proxy_url: str | None = field(default=None, repr=False)
    require_proxy: bool = False
    timeout_sec: float | None = None


class Recogniser:
    """Raises NotConfigured if neither a key nor a base URL is set, or if a proxy is required and none is set."""

    def __init__(self, settings: RecogniserSettings) -> None:
        if settings.require_proxy and not settings.proxy_url:
            raise NotConfigured("REQUIRE_PROXY is set, but CHATGPT_PROXY_URL is empty", problem="proxy_required")
        self.profile: SttProfile = profile_of(settings.model)
        self._settings = settings
        self._client = openai_client(
            api_key=settings.api_key,
            base_url=settings.base_url,
            proxy_url=settings.proxy_url,
            timeout_seconds=settings.timeout_sec or _TIMEOUT_BASE_SEC,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def shares_account_with(self, other: "Recogniser") -> bool:
        """Whether both are billed together: the same key at the same address."""
        ours, theirs = self._settings, other._settings
        return (ours.base_url, ours.api_key) == (theirs.base_url, theirs.api_key)

    def recognise(
        self,
        file: Path,
        *,
        filename: str,
        content_type: str,
        seconds: float,
        languages: Sequence[str] = (),
        keywords: Sequence[str] = (),
        prompt: str | None = None,
    ) -> RecognitionResponse:
        """Sends one paid request; never repeats it.

        Raises AccessDenied, QuotaExhausted, NotConfigured, Throttled, Temporary(stt_timeout | stt_unavailable)
        or Permanent(stt_rejected).
        """
        request = _request(self.profile, seconds, languages, keywords, prompt)
        failure: ExportError
        try:
            with file.open("rb") as audio:
                response = self._client.audio.transcriptions.with_raw_response.create(
                    file=(filename, audio, content_type),
                    model=self.profile.model,
                    timeout=self._timeout(seconds),
                    **request,
                )
            return read_response(
                response.content, model=self.profile.model, request_id=response.request_id, headers=response.headers
            )
        except openai.APIStatusError as error:
            refusal = error.response
            failure = error_of(refusal.status_code, refusal.content, model=self.profile.model, headers=refusal.headers)
        except openai.APITimeoutError:
            failure = Temporary("the recogniser did not respond in time", code=ErrorCode.STT_TIMEOUT)
        except openai.APIConnectionError as error:
            proxied = self._settings.proxy_url is not None
            failure = connection_error(error, "the recogniser", proxied=proxied, code=ErrorCode.STT_UNAVAILABLE)
        raise failure  # outside of the handlers, so that the SDK's error, which holds addresses, is not its context

    def _timeout(self, seconds: float) -> openai.Timeout:
        whole = self._settings.timeout_sec or _TIMEOUT_BASE_SEC + seconds
        return openai.Timeout(whole, connect=min(whole, CONNECT_SECONDS))


def _request(
    profile: SttProfile, seconds: float, languages: Sequence[str], keywords: Sequence[str], prompt: str | None
) -> dict[str, Any]:
    request: dict[str, Any] = {"response_format": profile.response_format}
    if profile.language_field == "languages" and languages:
        request["languages"] = list(languages)
    elif profile.language_field == "language" and len(languages) == 1:  # this field takes one; of several, none is sent
        request["language"] = languages[0]
    spoken = [found for word in keywords if (found := " ".join(word.translate(_FORBIDDEN_IN_KEYWORDS).split()))]
    if profile.sends_keywords and spoken:
        request["keywords"] = spoken[:_MAX_KEYWORDS]
    hint = prompt if profile.sends_keywords else _with_keywords(prompt, spoken)
    if profile.sends_prompt and hint:
        request["prompt"] = hint
    if profile.chunking_from_sec is not None and seconds > profile.chunking_from_sec:
        request["chunking_strategy"] = "auto"
    if profile.response_format == "verbose_json":
        request["timestamp_granularities"] = ["segment"]
    return request


def _with_keywords(prompt: str | None, keywords: Sequence[str]) -> str:
    """The prompt followed by as many whole keywords as fit, for models that have no field for keywords."""
    fitting: list[str] = []
    for word in keywords:
        if len(", ".join([*fitting, word])) <= _MAX_PROMPT_KEYWORDS:
            fitting.append(word)
    return " ".join(part for part in ((prompt or "").strip(), ", ".join(fitting)) if part)

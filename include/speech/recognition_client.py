"""The recogniser: one request turns one piece of audio into text.

What may be sent to which model the profile says, there are no ifs on models here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import openai

from include.clients.openai.client import CONNECT_SECONDS, not_connected, openai_client
from include.common.errors import ErrorCode, ExportError, NotConfigured, Temporary
from include.speech.recogniser_responses import error_of, read_answer
from include.speech.recognition import Recognition
from include.speech.stt_profiles import SttProfile, profile_of

_TIMEOUT_BESIDE_AUDIO_SEC = 60.0
_MAX_KEYWORDS = 100
_MAX_PROMPT_KEYWORDS = 400  # characters: the models read about 224 tokens of a prompt, its end first
_FORBIDDEN_IN_KEYWORDS = str.maketrans(dict.fromkeys("<>\r\n", " "))  # one of them refuses the whole request


@dataclass(frozen=True, slots=True)
class RecogniserSettings:
    """`timeout_sec` None means 60 s and the piece's length. `base_url` None is the vendor's."""

    model: str
    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    proxy_url: str | None = field(default=None, repr=False)
    require_proxy: bool = False
    timeout_sec: float | None = None


class Recogniser:
    """Raises NotConfigured where there is nobody to ask, or a proxy is required and none is set (D28, D31)."""

    def __init__(self, settings: RecogniserSettings) -> None:
        if settings.require_proxy and not settings.proxy_url:
            raise NotConfigured("REQUIRE_PROXY is set, but CHATGPT_PROXY_URL is empty")
        self.profile: SttProfile = profile_of(settings.model)
        self._settings = settings
        self._client = openai_client(
            api_key=settings.api_key,
            base_url=settings.base_url,
            proxy_url=settings.proxy_url,
            timeout_seconds=settings.timeout_sec or _TIMEOUT_BESIDE_AUDIO_SEC,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

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
    ) -> Recognition:
        """One paid request, never repeated here.

        Raises AccessDenied, QuotaExhausted, NotConfigured, Throttled, Temporary(stt_timeout | stt_unavailable)
        or Permanent(stt_rejected).
        """
        request = _request(self.profile, seconds, languages, keywords, prompt)
        failure: ExportError
        try:
            with file.open("rb") as audio:
                answer = self._client.audio.transcriptions.with_raw_response.create(
                    file=(filename, audio, content_type),
                    model=self.profile.model,
                    timeout=self._timeout(seconds),
                    **request,
                )
            return read_answer(
                answer.content, model=self.profile.model, request_id=answer.request_id, headers=answer.headers
            )
        except openai.APIStatusError as error:
            answered = error.response
            failure = error_of(
                answered.status_code, answered.content, model=self.profile.model, headers=answered.headers
            )
        except openai.APITimeoutError:
            failure = Temporary("the recogniser did not answer in time", code=ErrorCode.STT_TIMEOUT)
        except openai.APIConnectionError as error:
            proxied = self._settings.proxy_url is not None
            failure = not_connected(error, "the recogniser", proxied=proxied, code=ErrorCode.STT_UNAVAILABLE)
        raise failure  # outside of the handlers: the foreign error, with addresses in it, is not even its context

    def _timeout(self, seconds: float) -> openai.Timeout:
        whole = self._settings.timeout_sec or _TIMEOUT_BESIDE_AUDIO_SEC + seconds
        return openai.Timeout(whole, connect=min(whole, CONNECT_SECONDS))


def _request(
    profile: SttProfile, seconds: float, languages: Sequence[str], keywords: Sequence[str], prompt: str | None
) -> dict[str, Any]:
    request: dict[str, Any] = {"response_format": profile.response_format}
    if profile.language_field == "languages" and languages:
        request["languages"] = list(languages)
    elif profile.language_field == "language" and len(languages) == 1:  # several: better none than the wrong one
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
    """For models without a field for them: as many whole keywords as fit, after the prompt's own words."""
    fitting: list[str] = []
    for word in keywords:
        if len(", ".join([*fitting, word])) <= _MAX_PROMPT_KEYWORDS:
            fitting.append(word)
    return " ".join(part for part in ((prompt or "").strip(), ", ".join(fitting)) if part)

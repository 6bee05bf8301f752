"""The recogniser: one request turns one piece of audio into text.

The vendor's SDK does the talking. Its own retries are off: a timed-out request that it repeats is paid for twice
(D20); retries are Airflow's. What may be sent to which model the profile says, there are no ifs on models here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx2
import openai

from include.clients.whisper_answers import error_of, read_answer
from include.config.names import USER_AGENT
from include.domain.errors import AccessDenied, ErrorCode, ExportError, NotConfigured, Temporary
from include.domain.recognitions import Recognition
from include.domain.stt_profiles import SttProfile, profile_of

_VENDOR = "https://api.openai.com/v1"
_CONNECT_SEC = 10.0
_TIMEOUT_BESIDE_AUDIO_SEC = 60.0
_MAX_KEYWORDS = 100
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
        if not settings.api_key and not settings.base_url:
            raise NotConfigured(
                "no recogniser is configured: set OPENAI_API_KEY, or OPENAI_BASE_URL for a compatible server"
            )
        if settings.require_proxy and not settings.proxy_url:
            raise NotConfigured("REQUIRE_PROXY is set, but CHATGPT_PROXY_URL is empty")
        self.profile: SttProfile = profile_of(settings.model)
        self._settings = settings
        self._client = _client(settings)

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
            failure = self._unreachable(error)
        raise failure  # outside of the handlers: the foreign error, with addresses in it, is not even its context

    def _timeout(self, seconds: float) -> openai.Timeout:
        whole = self._settings.timeout_sec or _TIMEOUT_BESIDE_AUDIO_SEC + seconds
        return openai.Timeout(whole, connect=min(whole, _CONNECT_SEC))

    def _unreachable(self, error: openai.APIConnectionError) -> ExportError:
        if self._settings.proxy_url is None:
            return Temporary(
                "the recogniser cannot be reached: check OPENAI_BASE_URL and the network",
                code=ErrorCode.STT_UNAVAILABLE,
            )
        if "407" in str(error.__cause__):
            return AccessDenied("the proxy to the recogniser refuses its user or password: check CHATGPT_PROXY_URL")
        return Temporary(
            "the recogniser cannot be reached through the proxy of CHATGPT_PROXY_URL; nothing is sent beside it",
            code=ErrorCode.STT_UNAVAILABLE,
        )


def _client(settings: RecogniserSettings) -> openai.OpenAI:
    if not (settings.api_key or "").isascii():
        raise NotConfigured(
            "OPENAI_API_KEY holds characters that no key has: it was probably copied with something else"
        )
    try:
        return openai.OpenAI(
            api_key=settings.api_key or "none",  # a compatible server may want no key; the SDK wants one
            base_url=settings.base_url or _VENDOR,
            max_retries=0,
            # without the machine's own HTTPS_PROXY and NO_PROXY: nothing goes beside the configured proxy (D28)
            http_client=openai.DefaultHttpxClient(proxy=settings.proxy_url, trust_env=False),
            default_headers={"User-Agent": USER_AGENT},
        )
    except (ValueError, httpx2.InvalidURL):  # their texts hold the address, a password included
        pass
    raise NotConfigured("CHATGPT_PROXY_URL or OPENAI_BASE_URL is no address such as http://user:password@host:port")


def _request(
    profile: SttProfile, seconds: float, languages: Sequence[str], keywords: Sequence[str], prompt: str | None
) -> dict[str, Any]:
    request: dict[str, Any] = {"response_format": profile.response_format}
    if profile.language_field == "languages" and languages:
        request["languages"] = list(languages)
    elif profile.language_field == "language" and len(languages) == 1:  # several: better none than the wrong one
        request["language"] = languages[0]
    spoken = [" ".join(word.translate(_FORBIDDEN_IN_KEYWORDS).split()) for word in keywords]
    if profile.sends_keywords and any(spoken):
        request["keywords"] = [word for word in spoken if word][:_MAX_KEYWORDS]
    if profile.sends_prompt and prompt:
        request["prompt"] = prompt
    if profile.chunking_from_sec is not None and seconds > profile.chunking_from_sec:
        request["chunking_strategy"] = "auto"
    if profile.response_format == "verbose_json":
        request["timestamp_granularities"] = ["segment"]
    return request

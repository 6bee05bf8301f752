"""The recogniser from the connection `whisper`: host = base URL, password = key, extra = proxy_url and model."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from include.common.errors import NotConfigured
from include.common.names import RECOGNISER_CONN

if TYPE_CHECKING:
    from include.calls.policy import Policy
    from include.clients.openai.chat_completion import LanguageModel
    from include.speech.recognition_client import Recogniser


class WhisperHook(BaseHook):
    """OpenAI's or any compatible service, always through the proxy where one is set (D28)."""

    def __init__(self, conn_id: str = RECOGNISER_CONN, *, policy: "Policy") -> None:
        super().__init__()
        self.conn_id = conn_id
        self.policy = policy

    def get_conn(self) -> "Recogniser":
        """Raises NotConfigured where there is nobody to ask (D31)."""
        return self._recogniser(self.policy.stt.model)

    def fallback(self) -> "Recogniser | None":
        """STT_FALLBACK_MODEL of the same service, by the same key and proxy; None where none is named."""
        model = self.policy.stt.fallback_model
        return self._recogniser(model) if model and model != self.policy.stt.model else None

    def _recogniser(self, model: str) -> "Recogniser":
        from include.speech.recognition_client import Recogniser, RecogniserSettings

        return Recogniser(
            RecogniserSettings(model=model, timeout_sec=self.policy.stt.timeout_seconds, **self._access())
        )

    def language_model(self) -> "LanguageModel":
        """The same service's language model (SUMMARY_MODEL), by the same key and proxy."""
        from include.clients.openai.chat_completion import LanguageModel

        return LanguageModel(model=self.policy.summary.model, **self._access())

    def check(self) -> None:
        """Builds the client and sends nothing: a call would cost money, or prove nothing about a self-hosted server."""
        self.get_conn().close()

    def _access(self) -> dict[str, Any]:
        try:
            conn = self.get_connection(self.conn_id)
        except AirflowNotFoundException:
            raise NotConfigured(
                "no recogniser is configured: set OPENAI_API_KEY, or OPENAI_BASE_URL of a server of your own, "
                "and restart with make down and make up"
            ) from None
        extra = conn.extra_dejson
        if extra.get("require_proxy") and not extra.get("proxy_url"):
            raise NotConfigured("REQUIRE_PROXY is set, but CHATGPT_PROXY_URL is empty: nothing is sent")
        for secret in (conn.password, extra.get("proxy_url")):
            if secret:
                mask_secret(secret)
        return {
            "api_key": conn.password or None,
            "base_url": conn.host or None,
            "proxy_url": extra.get("proxy_url") or None,
        }

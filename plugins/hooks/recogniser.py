"""The recogniser of speech from the connection `whisper`."""

from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowNotFoundException

from include.common.names import FALLBACK_RECOGNISER_CONN, RECOGNISER_CONN
from include.common.wording import connections as texts
from plugins.hooks.openai_compatible import Access, OpenAICompatibleHook

if TYPE_CHECKING:
    from include.speech.recognition_client import Recogniser


class RecogniserHook(OpenAICompatibleHook):
    """OpenAI's or any compatible service.

    `fallback_model` hears doubtful pieces again: a model of the same service or, if the connection `whisper_fallback`
    exists, of that one. `timeout_sec` None is the client's own rule.
    """

    conn_name_attr = "recogniser_conn_id"
    default_conn_name = RECOGNISER_CONN
    conn_type = "recogniser"
    hook_name = texts.RECOGNISER

    def __init__(
        self,
        recogniser_conn_id: str = default_conn_name,
        *,
        model: str = "",
        fallback_model: str = "",
        timeout_sec: float | None = None,
    ) -> None:
        super().__init__(recogniser_conn_id)
        self.recogniser_conn_id = recogniser_conn_id
        self.model, self.fallback_model, self.timeout_sec = model, fallback_model, timeout_sec

    def get_conn(self) -> "Recogniser":
        """Raises NotConfigured if the service cannot be asked: no connection, key or address, or a bad address."""
        return self._recogniser(self.model, self.access())

    def fallback(self) -> "Recogniser | None":
        """None if no other model is named for it."""
        if not self.fallback_model or self.fallback_model == self.model:
            return None
        return self._recogniser(self.fallback_model, self._fallback_access() or self.access())

    def check(self) -> None:
        """Builds the clients and sends nothing: a recognition would cost money."""
        self.get_conn().close()
        if (fallback := self.fallback()) is not None:
            fallback.close()

    def _fallback_access(self) -> Access | None:
        """None if the fallback has no service of its own, or if this one is not the installation's recogniser."""
        if self.conn_id != RECOGNISER_CONN:
            return None
        try:
            self.get_connection(FALLBACK_RECOGNISER_CONN)
        except AirflowNotFoundException:
            return None
        return OpenAICompatibleHook(FALLBACK_RECOGNISER_CONN).access()

    def _recogniser(self, model: str, access: Access) -> "Recogniser":
        from include.speech.recognition_client import Recogniser, RecogniserSettings

        return Recogniser(RecogniserSettings(model=model, timeout_sec=self.timeout_sec, **access))

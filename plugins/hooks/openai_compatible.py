"""What the hooks of services that speak OpenAI's API share: reading the connection, always through the proxy if set."""

from typing import TYPE_CHECKING, TypedDict

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from include.common.errors import NotConfigured
from include.common.wording import connections as texts
from plugins.airflow_kit.connection_test import tested

if TYPE_CHECKING:
    from airflow.sdk import Connection


class Access(TypedDict):
    """Where and as whom to ask; None is the vendor's address, no key, no proxy."""

    api_key: str | None
    base_url: str | None
    proxy_url: str | None


class OpenAICompatibleHook(BaseHook):
    """host = base URL (empty: OpenAI's), password = key, extra = proxy_url and never_direct.

    Not `require_proxy`: Airflow masks every value whose name contains "proxy", and `false` would come back as "***".

    Nothing is sent beside the proxy: neither the machine's own proxy settings nor a direct way is used.
    """

    def __init__(self, conn_id: str) -> None:
        super().__init__()
        self.conn_id = conn_id

    def access(self) -> Access:
        """Raises NotConfigured if the connection is missing, or requires a proxy and names none."""
        conn = self._connection()
        extra = conn.extra_dejson
        if extra.get("never_direct") and not extra.get("proxy_url"):
            raise NotConfigured(
                f"REQUIRE_PROXY is set, but the connection {self.conn_id} has no proxy: nothing is sent",
                problem="proxy_required",
            )
        for secret in (conn.password, extra.get("proxy_url")):
            if secret:
                mask_secret(secret)
        return {
            "api_key": conn.password or None,
            "base_url": conn.host or None,
            "proxy_url": extra.get("proxy_url") or None,
        }

    def test_connection(self) -> tuple[bool, str]:
        """Asks for the service's list of models, which costs nothing."""
        from include.clients.openai.model_list import listed_models

        return tested(self.conn_id, lambda: texts.service_answers(listed_models(**self.access())))

    def _connection(self) -> "Connection":
        try:
            return self.get_connection(self.conn_id)
        except AirflowNotFoundException:
            raise NotConfigured(
                "no recogniser is configured: set OPENAI_API_KEY, or OPENAI_BASE_URL of a server of your own, "
                "and restart with make down and make up",
                problem="no_recogniser",
            ) from None

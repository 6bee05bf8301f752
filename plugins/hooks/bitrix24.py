"""The portal from the connection `bitrix24`: host = base URL, login = webhook's user id, password = its token."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from include.config.names import PORTAL_CONN
from include.domain.errors import NotConfigured
from plugins.hooks.state import StateHook

if TYPE_CHECKING:
    from include.clients.bitrix24.portal import Portal

LOW_RATE_SECONDS = 15 * 60  # renewed by each task of a run that was asked to spare the portal


class Bitrix24Hook(BaseHook):
    """A client whose every request is paced by the state database, whatever worker it runs on (D12)."""

    def __init__(self, conn_id: str = PORTAL_CONN) -> None:
        super().__init__()
        self.conn_id = conn_id

    @contextmanager
    def portal(self, *, run_id: UUID | None = None, low_rate: bool = False) -> "Iterator[Portal]":
        """Raises NotConfigured where the connection is missing or makes no webhook."""
        from include.clients.bitrix24.pace import PortalPace
        from include.clients.bitrix24.portal import Portal
        from include.clients.bitrix24.webhook import Webhook

        try:
            conn = self.get_connection(self.conn_id)
        except AirflowNotFoundException:
            raise NotConfigured(
                f"no Airflow connection {self.conn_id!r}: set B24_BASE_URL, B24_WEBHOOK_USER_ID and B24_WEBHOOK_TOKEN"
            ) from None
        mask_secret(conn.password)
        extra = conn.extra_dejson
        webhook = Webhook.of(conn.host or "", conn.login or "", conn.password or "")
        pace = PortalPace(
            StateHook().conninfo(), webhook.host, rate=float(extra.get("rate_limit_rps", 2.0)), run_id=run_id
        )
        portal = Portal(
            webhook,
            pace,
            recording_hosts=extra.get("recording_hosts", ()),
            backoff=float(extra.get("backoff_seconds", 5.0)),
        )
        try:
            if low_rate:
                pace.force_low_rate(LOW_RATE_SECONDS)
            yield portal
        finally:
            portal.close()
            pace.close()

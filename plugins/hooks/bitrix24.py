"""The portal from the connection `bitrix24`: host = base URL, login = webhook's user id, password = its token."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from include.common.errors import NotConfigured
from include.common.names import PORTAL_CONN
from plugins.hooks.calls_policy import load_run_policy
from plugins.hooks.calls_state import StateHook

if TYPE_CHECKING:
    from include.clients.bitrix24.portal import Portal


class Bitrix24Hook(BaseHook):
    """A client whose every request is paced by the state database, whatever worker it runs on (D12)."""

    def __init__(self, conn_id: str = PORTAL_CONN) -> None:
        super().__init__()
        self.conn_id = conn_id

    @contextmanager
    def portal(self, *, run_id: UUID | None = None, low_rate: bool = False) -> "Iterator[Portal]":
        """Raises NotConfigured where the connection is missing or makes no webhook."""
        from include.clients.bitrix24.pace import LowRate, PortalPace
        from include.clients.bitrix24.portal import Portal
        from include.clients.bitrix24.webhook import Webhook

        try:
            conn = self.get_connection(self.conn_id)
        except AirflowNotFoundException:
            raise NotConfigured(
                f"no Airflow connection {self.conn_id!r}: set B24_BASE_URL, B24_WEBHOOK_USER_ID and B24_WEBHOOK_TOKEN"
            ) from None
        mask_secret(conn.password)
        webhook = Webhook.of(conn.host or "", conn.login or "", conn.password or "")
        policy = load_run_policy().portal
        slow = LowRate(
            rps=policy.low_rate_rps,
            refusals=policy.refusals_before_low_rate,
            window_sec=policy.refusals_window_minutes * 60,
            seconds=policy.low_rate_minutes * 60,
        )
        pace = PortalPace(
            StateHook().conninfo(),
            webhook.host,
            rate=policy.rate_limit_rps,
            burst=policy.burst,
            run_id=run_id,
            low_rate=slow,
        )
        portal = Portal(
            webhook,
            pace,
            recording_hosts=policy.recording_hosts,
            backoff=policy.backoff_seconds,
            ca_bundle=os.environ.get("REQUESTS_CA_BUNDLE"),  # a self-hosted portal under a private authority
        )
        try:
            if low_rate:
                pace.force_low_rate(slow.seconds)  # renewed by each task of a run that was asked to spare the portal
            yield portal
        finally:
            portal.close()
            pace.close()

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
    from include.common.telephony import TelephonySystem


class Bitrix24Hook(BaseHook):
    """A client whose every request is paced by the state database, in whatever worker it runs."""

    def __init__(self, conn_id: str = PORTAL_CONN) -> None:
        super().__init__()
        self.conn_id = conn_id

    @contextmanager
    def telephony(self, *, run_id: UUID | None = None, low_rate: bool = False) -> "Iterator[TelephonySystem]":
        """Raises NotConfigured if the connection is missing or makes no webhook."""
        from include.clients.bitrix24.pace import LowRate
        from include.clients.bitrix24.telephony import PortalSettings, open_telephony
        from include.clients.bitrix24.webhook import Webhook

        try:
            conn = self.get_connection(self.conn_id)
        except AirflowNotFoundException:
            raise NotConfigured(
                f"no Airflow connection {self.conn_id!r}: set B24_BASE_URL, B24_WEBHOOK_USER_ID and B24_WEBHOOK_TOKEN"
            ) from None
        mask_secret(conn.password)
        policy = load_run_policy().portal
        settings = PortalSettings(
            rate=policy.rate_limit_rps,
            burst=policy.burst,
            low_rate=LowRate(
                rps=policy.low_rate_rps,
                refusals=policy.refusals_before_low_rate,
                window_sec=policy.refusals_window_minutes * 60,
                seconds=policy.low_rate_minutes * 60,
            ),
            recording_hosts=policy.recording_hosts,
            backoff=policy.backoff_seconds,
            ca_bundle=os.environ.get("REQUESTS_CA_BUNDLE"),
        )
        webhook = Webhook.of(conn.host or "", conn.login or "", conn.password or "")
        with open_telephony(
            webhook, StateHook().conninfo(), settings, run_id=run_id, force_low_rate=low_rate
        ) as telephony:
            yield telephony

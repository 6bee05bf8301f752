"""Refuses to start what cannot end: nothing is listed, downloaded or paid for before this passes (D11, D28, D31)."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from include.calls.domain.stages import Stage
from include.calls.state.state import State
from include.clients.bitrix24.access_check import probe
from include.clients.bitrix24.portal import Portal
from include.clients.storage.base import Storage


def preflight(
    run_id: UUID,
    portal: Portal,
    storage: Storage,
    state: State,
    *,
    check_recogniser: Callable[[], None],
    portal_texts: bool = False,
) -> None:
    """Raises NotConfigured or AccessDenied with one sentence; cheapest checks first, the portal last.

    `portal_texts`: the portal's own transcripts are going to be read (D24), which takes a right of its own.
    """
    check_recogniser()
    storage.check()
    probe(portal, datetime.now(UTC), transcripts=portal_texts)
    state.event(run_id, stage=Stage.PREFLIGHT, event="probed", detail={"portal": portal.webhook.host})

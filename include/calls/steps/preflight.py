"""Checks access and configuration before the run lists or spends anything."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from include.calls.domain.stages import Stage
from include.calls.state.state import State
from include.calls.steps.claim_storage import claim_storage
from include.clients.storage.base import Storage
from include.common.telephony import TelephonySystem


def preflight(
    run_id: UUID,
    telephony: TelephonySystem,
    storage: Storage,
    state: State,
    *,
    check_recogniser: Callable[[], None],
    portal_texts: bool = False,
) -> None:
    """Raises NotConfigured or AccessDenied with one sentence; cheapest checks first.

    `portal_texts`: the system's own transcripts are going to be read, which takes a right of its own.
    """
    check_recogniser()
    storage.check()
    claim_storage(storage, state)
    telephony.check_access(datetime.now(UTC), transcripts=portal_texts)
    state.events.add(run_id, stage=Stage.PREFLIGHT, event="probed", detail={"portal": telephony.host})

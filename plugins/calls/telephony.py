"""Which telephony system the area exports: the one place that chooses its hook. A second CRM is chosen here."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING
from uuid import UUID

from plugins.calls.task_context import is_low_rate
from plugins.hooks.bitrix24 import Bitrix24Hook

if TYPE_CHECKING:
    from include.calls.state.state import State
    from include.common.telephony import TelephonySystem


def telephony_of(state: "State", run_id: UUID) -> "AbstractContextManager[TelephonySystem]":
    """The client of that system for one run, at the rate that the run has asked for."""
    return Bitrix24Hook().telephony(run_id=run_id, low_rate=is_low_rate(state, run_id))

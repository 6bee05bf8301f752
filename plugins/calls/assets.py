"""The results of a run as assets, for which other DAGs wait (`docs/api.md`).

An alias is the task's outlet: a plain asset would have an event of each `publish`, of a mere forecast too.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias

from include.calls.names import REGISTRY_ASSET
from include.common.names import TEXTS_ASSET

if TYPE_CHECKING:
    from airflow.sdk import Context

REGISTRY = Asset(REGISTRY_ASSET)
TEXTS = Asset(TEXTS_ASSET)
PUBLISHED = AssetAlias("call_export/published")


def announce(context: "Context", *, registry_rows: int, completed: int, facts: Mapping[str, Any]) -> None:
    """One event of each asset that is not empty. `facts` are JSON values; no number, name or text of a call."""
    events = context["outlet_events"][PUBLISHED]
    if registry_rows:
        events.add(REGISTRY, extra={**facts, "rows": registry_rows, "completed": completed})
    if registry_rows and completed:
        events.add(TEXTS, extra={**facts, "completed": completed})

"""The run facet of an export. Imported by OpenLineage's provider alone, which a setting tells of it (`docs/api.md`)."""

from typing import TYPE_CHECKING, Any

from attr import define
from openlineage.client.generated.base import RunFacet

from include.calls.names import DAG_ID
from plugins.calls.assets import PUBLISHED, REGISTRY

if TYPE_CHECKING:
    from airflow.utils.state import TaskInstanceState

FACET = "callExport"


@define
class CallExportRunFacet(RunFacet):  # type: ignore[misc]  # the package is not installed where types are checked
    """What the event of the asset says; `rows` of the registry, `completed` texts."""

    run_id: str
    date_from: str
    date_to: str
    status: str
    rows: int
    completed: int


def of_run(task_instance: Any, _state: "TaskInstanceState") -> dict[str, RunFacet]:
    """For `publish` of a run that has a registry; nothing for any other task of this Airflow."""
    if task_instance.dag_id != DAG_ID or not hasattr(task_instance, "get_template_context"):
        return {}
    events = task_instance.get_template_context()["outlet_events"][PUBLISHED].asset_alias_events
    of_registry = [event.extra for event in events if event.dest_asset_key.name == REGISTRY.name]
    return {FACET: CallExportRunFacet(**of_registry[-1])} if of_registry else {}

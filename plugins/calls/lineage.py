"""The files of a run as output datasets, where lineage is collected (`docs/api.md`, OpenLineage)."""

from importlib.util import find_spec
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from plugins.hooks.storage import StorageHook

if TYPE_CHECKING:
    from include.calls.state.types import Run
    from include.clients.storage.base import Storage

TEXTS = "transcripts"  # by the day of the call, of all runs
PROVIDER = "airflow.providers.openlineage"


def collects_lineage() -> bool:
    """Asked first: Airflow's collector loads every plugin of the installation to find out."""
    return find_spec(PROVIDER) is not None


def tell_collector(run: "Run", storage: "Storage") -> None:
    """The registry and the folder of texts, by their addresses, which say nothing of a call but its period."""
    if not collects_lineage():
        return
    from airflow.sdk.lineage import get_hook_lineage_collector

    from include.calls.domain.storage_keys import registry_key

    collector, hook = get_hook_lineage_collector(), StorageHook()
    for key in (registry_key(run.period, run.part), TEXTS):
        collector.add_output_asset(hook, uri=uri_of(storage.location(key)))


def uri_of(location: str) -> str:
    return location if "://" in location else PurePosixPath(location).as_uri()

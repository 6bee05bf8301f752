"""The DAG files of the installed distribution as a DAG bundle."""

from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.local import LocalDagBundle

DAGS = Path(__file__).parents[2] / "dags"


class InstalledDags(LocalDagBundle):
    """Named in `[dag_processor] dag_bundle_config_list`, which then needs no path that changes with Python's version.

    Unversioned: what tasks import is the installed distribution, whichever version of a DAG file a run began with.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(path=str(DAGS), **kwargs)

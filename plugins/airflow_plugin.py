"""The only file that Airflow's plugin manager loads: declares our parts, masks secrets in the scheduler's output."""

import os
from typing import Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

from include.call_centre.schedule import IS_CONFIGURED as QUALITY_CONFIGURED
from include.sales.schedule import IS_CONFIGURED as SALES_CONFIGURED
from plugins.airflow_kit.deadlines import FirstQueuedAt
from plugins.web.calls.react_apps import REACT_APPS, SCORES_OF_RUN
from plugins.web.lazy import app, models_app, sales_app


def mask_stdout_copy() -> None:
    """Masks secrets in the copy of task logs that LocalExecutor prints on the scheduler's output.

    Airflow 3.3.2 masks them in log files and the UI but not in that copy.
    """
    import structlog
    from airflow.sdk.log import mask_logs

    processors = list(structlog.get_config()["processors"])
    if mask_logs not in processors:
        processors.insert(len(processors) - 1, mask_logs)
        structlog.configure(processors=processors)


class MaskSchedulerOutput:
    """A listener, because Airflow would overwrite what `airflow_local_settings` sets up.

    Only in a system that our launcher or container has started: the logs of an Airflow of others are theirs.
    """

    @hookimpl
    def on_starting(self, component: Any) -> None:
        if type(component).__name__ == "Job" and "CALL_EXPORT_RUNTIME" in os.environ:
            mask_stdout_copy()


class CallExportPlugin(AirflowPlugin):
    name = "call_export"
    listeners = [MaskSchedulerOutput()]  # noqa: RUF012  Airflow reads a list off the class
    deadline_references = [FirstQueuedAt]  # noqa: RUF012  as above
    fastapi_apps = [  # noqa: RUF012  as above
        {"app": app, "url_prefix": "/call_export", "name": "call_export"},
        {"app": models_app, "url_prefix": "/callcenter", "name": "callcenter"},
        *([{"app": sales_app, "url_prefix": "/zakaz", "name": "zakaz"}] if SALES_CONFIGURED else []),
    ]
    react_apps = [  # noqa: RUF012  as above; the call browser
        app for app in REACT_APPS if QUALITY_CONFIGURED or app["name"] != SCORES_OF_RUN
    ]

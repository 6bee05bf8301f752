"""The forms of runs in Airflow, with Russian titles and descriptions; `RunRequest` defines an export's parameters."""

from airflow.sdk import Param

from include.calls.domain.run_request import parameter_schemas
from include.calls.wording.run_parameters import PARAMETERS, RETENTION_DRY_RUN, description


def run_form() -> dict[str, Param]:
    form = {}
    for name, schema in parameter_schemas().items():
        default = schema.pop("default")
        form[name] = Param(default, title=PARAMETERS[name].title, description=description(name), **schema)
    return form


def retention_form() -> dict[str, Param]:
    text = RETENTION_DRY_RUN
    return {"dry_run": Param(False, type="boolean", title=text.title, description=text.help)}

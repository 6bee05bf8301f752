"""The form of a run in Airflow: its parameters as `RunRequest` defines them, with Russian titles and descriptions."""

from airflow.sdk import Param

from include.calls.domain.run_request import parameter_schemas
from include.calls.wording.run_parameters import PARAMETERS, description


def run_form() -> dict[str, Param]:
    form = {}
    for name, schema in parameter_schemas().items():
        default = schema.pop("default")
        form[name] = Param(default, title=PARAMETERS[name].title, description=description(name), **schema)
    return form

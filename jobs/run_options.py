"""Command-line options of the run parameters, made from `RunRequest`; names that people typed before it are kept."""

from collections.abc import Callable
from typing import Any

import click

from include.calls.domain.run_request import parameter_schemas
from include.calls.wording import command_line
from include.calls.wording.run_parameters import PARAMETERS, description

FLAG: dict[str, Any] = {
    "type": bool, "default": False, "is_flag": False, "flag_value": True, "metavar": "true|false"
}  # fmt: skip
SHORT = {"period_from": "--from", "period_to": "--to", "idempotency_key": "--key", "resume_run_id": "--run-id"}


def option_of(name: str) -> str:
    return SHORT.get(name, f"--{name.replace('_', '-')}")


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each run parameter, in their order; a flag may be written `--dry-run` and `--dry-run=false`."""
    for name, schema in reversed(parameter_schemas().items()):
        help_text = f"{PARAMETERS[name].title}: {description(name)}."
        command = click.option(option_of(name), name, help=help_text, **_kind(schema))(command)
    return command


def _kind(schema: dict[str, Any]) -> dict[str, Any]:
    match schema["type"]:
        case "boolean":
            return FLAG | {"default": schema["default"]}
        case "integer":
            return {"type": click.IntRange(min=schema.get("minimum")), "default": schema["default"], "metavar": "N"}
        case _:
            return {"metavar": command_line.TEXT}

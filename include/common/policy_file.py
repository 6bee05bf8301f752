"""Reads a `policy.yaml`: reviewed settings of an area, checked against a model, single values overridden by variables.

An area declares its sections with the kinds of values below, gives `load_policy_file` its model and the variables that
may override a field, and has the Russian words for its own kinds in its catalogue.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from include.common.errors import NotConfigured
from include.common.wording.problems import ACCEPTED_VALUES

Environment = Mapping[str, tuple[str, str]]  # variable -> section and field of the policy


def as_list(value: object) -> object:
    """A variable writes a list as `a, b`."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


# A description says in a few words what the value accepts; it is the key of the Russian words.
Share = Annotated[float, Field(ge=0, le=1, description="a share from 0 to 1")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, description="a number above zero")]
Count = Annotated[int, Field(ge=1, le=100_000, description="a whole number above zero")]
Money = Annotated[Decimal, Field(gt=0, max_digits=14, description="a sum above zero, such as 54 or 0.0045")]
Switch = Annotated[bool, Field(description="true or false")]
Words = Annotated[tuple[str, ...], BeforeValidator(as_list), Field(description="a list, separated by commas")]


class Section(BaseModel):
    """A part of a policy: immutable, without fields that the model does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Policy = TypeVar("Policy", bound=Section)


def load_policy_file(
    model: type[Policy],
    file: Path,
    environment: Environment,
    overrides: Mapping[str, str],
    accepted_values: Mapping[str, str],
) -> Policy:
    """`file` as `model`; `overrides` (variables; empty and unknown ones are ignored) take the place of its values.

    `accepted_values` are the area's Russian words for the descriptions of its own kinds.
    Raises NotConfigured that names the variable, or the field of the file, and what is accepted.
    """
    tree = _tree(file)
    for name, (section, field) in environment.items():
        if value := overrides.get(name, "").strip():
            tree.setdefault(section, {})[field] = value
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    path = tuple(str(part) for part in first["loc"])
    where = _where(path, environment, overrides, file.name)
    description = accepted_value(model, path)
    if description is None:
        raise NotConfigured(f"{where}: {first['msg']}", problem="policy_unknown_field", where=where)
    words = {**ACCEPTED_VALUES, **accepted_values}.get(description, description)
    value = repr(first["input"])
    raise NotConfigured(
        f"{where}: {value} is not accepted, expected: {description}",
        problem="policy_value",
        where=where,
        value=value,
        accepted=words,
    )


def _tree(file: Path) -> dict[str, Any]:
    try:
        tree = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)  # each task reads it: 5 ms, not 70
        if not isinstance(tree, dict):
            raise TypeError
    except (OSError, TypeError, yaml.YAMLError) as error:
        reason = "no sections" if isinstance(error, TypeError) else type(error).__name__
        raise NotConfigured(
            f"{file.name} cannot be read ({reason})", problem="policy_unreadable", file=file.name
        ) from None
    return tree


def _where(path: tuple[str, ...], environment: Environment, overrides: Mapping[str, str], file: str) -> str:
    """The variable that the wrong value came from, or the place in the file."""
    variable = next((name for name, field in environment.items() if field == path[:2]), None)
    return variable if variable and overrides.get(variable, "").strip() else f"{file}, {'.'.join(path)}"


def accepted_value(model: type[BaseModel], path: tuple[str, ...]) -> str | None:
    """The description of the field at `path` (section, field); None for a field that the model does not have."""
    section = model.model_fields.get(path[0]) if path else None
    if section is None or len(path) < 2 or section.annotation is None:
        return None
    field = section.annotation.model_fields.get(path[1])
    if field is None:
        return None
    inner = next((part for part in getattr(field.annotation, "__args__", ()) if hasattr(part, "__metadata__")), None)
    found = field.description or next((m.description for m in getattr(inner, "__metadata__", ())), None)
    return str(found) if found else None

"""`batch`: up to 50 commands in one request, with references to earlier results and PHP's arrays."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.bitrix24.php import Params, as_array, encode_array, intval, parse_query
from simulators.bitrix24.responses import PortalError, Result

MAX_COMMANDS = 50
_REFERENCE = re.compile(r"\$result((?:\[[^\[\]]+\])+)")
Call = Callable[[str, Params], tuple[Result, dict[str, Any]]]


@dataclass
class _Parts:
    result: dict[str, Any] = field(default_factory=dict)
    result_error: dict[str, Any] = field(default_factory=dict)
    result_total: dict[str, Any] = field(default_factory=dict)
    result_next: dict[str, Any] = field(default_factory=dict)
    result_time: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {name: encode_array(values) for name, values in vars(self).items()}


def run_batch(params: Params, call: Call) -> Result:
    """Runs the commands in their order; `call` returns (result, its `time`) or raises PortalError."""
    commands = as_array(params.get("cmd", params.get("CMD")))
    if len(commands) > MAX_COMMANDS:
        raise PortalError("ERROR_BATCH_LENGTH_EXCEEDED")
    halt = intval(params.get("halt", params.get("HALT")))
    parts = _Parts()
    for key, command in commands.items():
        try:
            result, time = _run(str(command), parts.result, call)
        except PortalError as refused:
            parts.result_error[key] = refused.as_dict()
            if halt:
                break
            continue
        parts.result[key] = result.value
        parts.result_time[key] = time
        if result.total is not None:
            parts.result_total[key] = result.total
        if result.next is not None:
            parts.result_next[key] = result.next
    return Result(parts.as_dict())


def _run(command: str, results: Mapping[str, Any], call: Call) -> tuple[Result, dict[str, Any]]:
    method, _, query = command.partition("?")
    name = method.lower().removesuffix(".json")
    if name in ("batch", "download", "upload"):
        raise PortalError("ERROR_BATCH_METHOD_NOT_ALLOWED")
    params: Params = _resolve(parse_query(query), results)
    return call(name, params)


def _resolve(value: Any, results: Mapping[str, Any]) -> Any:
    """Replaces `$result[key][field]` by the earlier result; a missing result becomes an empty string."""
    if isinstance(value, dict):
        return {key: _resolve(item, results) for key, item in value.items()}
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _look_up(whole[1], results)
    return _REFERENCE.sub(lambda found: str(_look_up(found[1], results)), value)


def _look_up(path: str, results: Any) -> Any:
    for key in path[1:-1].split("]["):
        results = as_array(results).get(key, "")
    return results

"""`batch`: up to 50 commands in one request, with references to earlier results and PHP's idea of arrays."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.bitrix24.answers import PortalError, Result
from simulators.bitrix24.php import Params, as_array, encode_array, intval, parse_query

MAX_COMMANDS = 50
_REFERENCE = re.compile(r"\$result((?:\[[^\[\]]+\])+)")
Call = Callable[[str, Params], tuple[Result, dict[str, Any]]]


@dataclass
class _Answers:
    result: dict[str, Any] = field(default_factory=dict)
    result_error: dict[str, Any] = field(default_factory=dict)
    result_total: dict[str, Any] = field(default_factory=dict)
    result_next: dict[str, Any] = field(default_factory=dict)
    result_time: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {name: encode_array(values) for name, values in vars(self).items()}


def run_batch(params: Params, call: Call) -> Result:
    """Runs the commands in their order; `call` answers (result, its `time`) or raises PortalError."""
    commands = as_array(params.get("cmd", params.get("CMD")))
    if len(commands) > MAX_COMMANDS:
        raise PortalError("ERROR_BATCH_LENGTH_EXCEEDED")
    halt = intval(params.get("halt", params.get("HALT")))
    answers = _Answers()
    for key, command in commands.items():
        try:
            result, time = _run(str(command), answers.result, call)
        except PortalError as refused:
            answers.result_error[key] = refused.as_dict()
            if halt:
                break
            continue
        answers.result[key] = result.value
        answers.result_time[key] = time
        if result.total is not None:
            answers.result_total[key] = result.total
        if result.next is not None:
            answers.result_next[key] = result.next
    return Result(answers.as_dict())


def _run(command: str, results: Mapping[str, Any], call: Call) -> tuple[Result, dict[str, Any]]:
    method, _, query = command.partition("?")
    name = method.lower().removesuffix(".json")
    if name in ("batch", "download", "upload"):
        raise PortalError("ERROR_BATCH_METHOD_NOT_ALLOWED")
    params: Params = _resolve(parse_query(query), results)
    return call(name, params)


def _resolve(value: Any, results: Mapping[str, Any]) -> Any:
    """Puts earlier results in the place of `$result[key][field]`; one that does not exist becomes nothing."""
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

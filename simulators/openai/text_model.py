"""The language model's two endpoints: the response fits the requested JSON schema and says that it is simulated."""

import json
from collections.abc import Callable
from typing import Any

from simulators.openai.speech import MARK

JsonDict = dict[str, Any]


def example_of(schema: JsonDict, name: str = "") -> Any:
    """The simplest value that a JSON schema allows; every free text carries the mark."""
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return example_of(schema[union][0], name)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {key: example_of(item, key) for key, item in schema.get("properties", {}).items()}
    if kind == "array":
        return [example_of(schema.get("items", {}), name)] * max(1, schema.get("minItems", 1))
    scalars = {"integer": schema.get("minimum", 0), "number": schema.get("minimum", 0), "boolean": False, "null": None}
    return scalars.get(str(kind), f"{MARK} {name or 'текст'}"[: schema.get("maxLength")])


def response_text(response_format: JsonDict | None) -> str:
    """`response_format` as in chat completions, or the `text.format` of responses."""
    if response_format and response_format.get("type") == "json_schema":
        described = response_format.get("json_schema", response_format)
        return json.dumps(example_of(described["schema"]), ensure_ascii=False)
    if response_format and response_format.get("type") == "json_object":
        return json.dumps({"summary": f"{MARK} краткое содержание"}, ensure_ascii=False)
    return f"{MARK} Клиент уточнил срок доставки, оператор ответил и предложил помощь."


def obeying(schema: JsonDict, orders: str) -> Any:
    """The worst effect of an injected text: every field of the response is that text, whatever the schema lists."""
    if schema.get("type") == "object":
        return {key: obeying(item, orders) for key, item in schema.get("properties", {}).items()}
    return [orders, orders] if schema.get("type") == "array" else orders


def chat_completion(
    request: JsonDict,
    number: int,
    now: float,
    *,
    obedient: bool = False,
    writes: Callable[[JsonDict, str], Any] | None = None,
) -> JsonDict:
    text = response_text(request.get("response_format"))
    usage = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
    if writes is not None and (request.get("response_format") or {}).get("type") == "json_schema":
        asked = str(request["messages"][-1]["content"])
        text = json.dumps(writes(request["response_format"]["json_schema"]["schema"], asked), ensure_ascii=False)
        read = sum(len(str(message["content"])) for message in request["messages"]) // 3
        usage = {"prompt_tokens": read, "completion_tokens": len(text) // 3, "total_tokens": read + len(text) // 3}
    if obedient:
        orders = str(request["messages"][-1]["content"])
        text = json.dumps(obeying(request["response_format"]["json_schema"]["schema"], orders), ensure_ascii=False)
    message: JsonDict = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    return {
        "id": f"chatcmpl-simulated-{number}",
        "object": "chat.completion",
        "created": int(now),
        "model": request["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": usage,
    }


def response(request: JsonDict, number: int, now: float) -> JsonDict:
    text = response_text((request.get("text") or {}).get("format"))
    content = {"type": "output_text", "text": text, "annotations": []}
    message = {
        "type": "message",
        "id": f"msg_simulated_{number}",
        "status": "completed",
        "role": "assistant",
        "content": [content],
    }
    return {
        "id": f"resp_simulated_{number}",
        "object": "response",
        "created_at": int(now),
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": request["model"],
        "output": [message],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": 100,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 50,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 150,
        },
    }

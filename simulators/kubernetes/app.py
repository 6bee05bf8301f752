"""Pods of one cluster, kept in memory. Nothing runs: a test says which phase a pod is in."""

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

Pod = dict[str, Any]
_PODS = "/api/v1/namespaces/{namespace}/pods"
_RESOURCE = {"name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod", "verbs": ["get", "list"]}
_DISCOVERY: dict[str, dict[str, Any]] = {  # what every account may ask; the dynamic client begins with it
    "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [_RESOURCE]},
}
_TERM = re.compile(r"([^,(]+(?:\([^)]*\))?)(?:,|$)")
_SET = re.compile(r"^(\S+) (in|notin) \(([^)]*)\)$")


class KubernetesSimulator:
    """`asked` has the verb of each request, as a Role names it; `refuse` ends the next creations with a status."""

    def __init__(self) -> None:
        self.pods: dict[str, Pod] = {}
        self.created: list[Pod] = []
        self.asked: set[str] = set()
        self.refuse: list[int] = []
        self._events: list[dict[str, Any]] = []
        self._version = 0
        self._lock = threading.RLock()
        one = f"{_PODS}/{{name}}"
        self._app = Starlette(
            routes=[
                *(Route(path, _discovered(found)) for path, found in _DISCOVERY.items()),
                Route(_PODS, self._create, methods=["POST"]),
                Route(_PODS, self._list, methods=["GET"]),
                Route(one, self._get, methods=["GET"]),
                Route(one, self._patch, methods=["PATCH"]),
                Route(one, self._delete, methods=["DELETE"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def set_phase(self, name: str, phase: str, *, exit_code: int | None = None, reason: str = "") -> None:
        """What the kubelet reports of the pod; `exit_code` and `reason` are of its only container."""
        with self._lock:
            pod = self.pods[name]
            pod["status"] = {"phase": phase}
            if exit_code is not None:
                ended = {"exitCode": exit_code, "reason": reason or "Error"}
                container = pod["spec"]["containers"][0]
                pod["status"]["containerStatuses"] = [
                    {
                        "name": container["name"],
                        "image": container["image"],
                        "imageID": "",
                        "ready": False,
                        "restartCount": 0,
                        "state": {"terminated": ended},
                    }
                ]
            self._tell("MODIFIED", pod)

    def remove(self, name: str) -> Pod:
        """As `kubectl delete` or an eviction does."""
        with self._lock:
            pod = self.pods.pop(name)
            pod["metadata"]["deletionTimestamp"] = _now()
            self._tell("DELETED", pod)
            return pod

    def _tell(self, what: str, pod: Pod) -> None:
        self._version += 1
        pod["metadata"]["resourceVersion"] = str(self._version)
        self._events.append({"type": what, "object": deepcopy(pod)})

    async def _create(self, request: Request) -> Response:
        self.asked.add("create")
        if self.refuse:
            return _status(self.refuse.pop(0), "exceeded quota")  # 403 with these words, or 429, 503
        pod: Pod = await request.json()
        with self._lock:
            self.created.append(deepcopy(pod))
            pod["metadata"] |= {
                "namespace": request.path_params["namespace"],
                "uid": str(uuid4()),
                "creationTimestamp": _now(),
            }
            pod["status"] = {"phase": "Pending"}
            self.pods[pod["metadata"]["name"]] = pod
            self._tell("ADDED", pod)
        return JSONResponse(pod, 201)

    async def _list(self, request: Request) -> Response:
        selector = request.query_params.get("labelSelector", "")
        if request.query_params.get("watch") in ("true", "True", "1"):
            self.asked.add("watch")
            since = int(request.query_params.get("resourceVersion") or 0)
            return StreamingResponse(self._watched(selector, since), media_type="application/json")
        self.asked.add("list")
        with self._lock:
            found = [deepcopy(pod) for pod in self.pods.values() if _matches(_labels(pod), selector)]
        metadata = {"resourceVersion": str(self._version)}
        return JSONResponse({"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": found})

    async def _watched(self, selector: str, since: int) -> AsyncIterator[bytes]:
        sent = 0
        while True:
            for event in self._events[sent:]:
                sent += 1
                pod = event["object"]
                if int(pod["metadata"]["resourceVersion"]) > since and _matches(_labels(pod), selector):
                    yield json.dumps(event).encode() + b"\n"
            await asyncio.sleep(0.05)

    async def _get(self, request: Request) -> Response:
        self.asked.add("get")
        pod = self.pods.get(request.path_params["name"])
        return JSONResponse(pod) if pod else _status(404, "not found")

    async def _patch(self, request: Request) -> Response:
        self.asked.add("patch")
        change = await request.json()
        with self._lock:
            pod = self.pods.get(request.path_params["name"])
            if pod is None:
                return _status(404, "not found")
            pod["metadata"].setdefault("labels", {}).update(change["metadata"]["labels"])
            self._tell("MODIFIED", pod)
            return JSONResponse(pod)

    async def _delete(self, request: Request) -> Response:
        self.asked.add("delete")
        with self._lock:
            if request.path_params["name"] not in self.pods:
                return _status(404, "not found")
            return JSONResponse(self.remove(request.path_params["name"]))


def _discovered(found: dict[str, Any]) -> Callable[[Request], Response]:
    return lambda _request: JSONResponse(found)


def _labels(pod: Pod) -> Mapping[str, str]:
    found: Mapping[str, str] = pod["metadata"].get("labels") or {}
    return found


def _matches(labels: Mapping[str, str], selector: str) -> bool:
    """Kubernetes' label selectors: `a=b,c!=d,e in (f,g),h notin (i),j`."""
    return all(_holds(labels, term.strip()) for term in _TERM.findall(selector) if term.strip())


def _holds(labels: Mapping[str, str], term: str) -> bool:
    if of_set := _SET.match(term):
        name, operator, values = of_set.groups()
        return (labels.get(name) in [value.strip() for value in values.split(",")]) is (operator == "in")
    if "!=" in term:
        name, _, value = term.partition("!=")
        return labels.get(name) != value
    name, equals, value = term.partition("=")
    return labels.get(name) == value.lstrip("=") if equals else name in labels


def _status(code: int, message: str) -> Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
    return JSONResponse(body, code)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

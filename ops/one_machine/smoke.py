"""`make stt-smoke`: the smoke test of the recogniser, with the settings of the system if it runs, else with `.env`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import yaml

from include.common.errors import ExportError
from ops.one_machine.up import running_environment
from ops.settings.profile import Runtime

_STUB, _STUB_URL = "stub", "STT_STUB_BASE_URL"
_PLAYLIST = "STT_SMOKE_PLAYLIST_PATH"


def smoke(runtime: Runtime, arguments: Sequence[str]) -> int:
    """The exit status of `jobs.stt_smoke`. The simulator runs as long as the test, if the test asks for it."""
    environment = _environment(runtime)
    with _simulator(runtime, wanted=_asks_for_stub(runtime, arguments, environment)) as url:
        if url:
            environment.setdefault(_STUB_URL, url)
        command = [sys.executable, "-m", "jobs.stt_smoke", *arguments]
        return subprocess.run(command, env=environment, cwd=runtime.root, check=False).returncode


def _environment(runtime: Runtime) -> dict[str, str]:
    """Of the running system; without one, for example where only a recogniser is set, the caller's own."""
    try:
        return dict(running_environment(runtime))
    except ExportError:
        return dict(os.environ)


def _asks_for_stub(runtime: Runtime, arguments: Sequence[str], environment: dict[str, str]) -> bool:
    if _STUB_URL in environment:
        return False
    if _STUB in arguments or f"--engine={_STUB}" in arguments or f"--against={_STUB}" in arguments:
        return True
    named = dict(pairwise(arguments)).get("--playlist") or environment.get(_PLAYLIST)
    try:
        tree = yaml.safe_load((runtime.root / (named or _default_playlist(runtime))).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return False  # the test itself says what is wrong with the playlist
    return isinstance(tree, dict) and tree.get("engine") == _STUB and "--engine" not in arguments


def _default_playlist(runtime: Runtime) -> Path:
    return runtime.root / "playlists" / "smoke_demo" / "playlist.yaml"


@contextmanager
def _simulator(runtime: Runtime, *, wanted: bool) -> Iterator[str]:
    """The API address of a simulated recogniser that hears numbered words; empty if it is not wanted."""
    if not wanted:
        yield ""
        return
    command = [sys.executable, "-m", "simulators", "hearing"]
    process = subprocess.Popen(command, cwd=runtime.root, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None  # noqa: S101 - PIPE above
        yield f"{json.loads(process.stdout.readline())['url']}/v1"
    finally:
        process.terminate()
        process.wait(timeout=30)

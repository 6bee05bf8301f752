"""Hosts of one machine: each with a network, a name, processes, a `/tmp` and files of its own, joined by a bridge.

Needs root. Nothing outside is changed but a bridge and a pair of links for each host, which end with the trial.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from include.common.errors import NotConfigured
from ops.settings.profile import REPOSITORY

NET = "10.77.61"
OUTSIDE = f"{NET}.254"  # the trial itself
CODE = ("ops", "jobs", "include", "plugins", "dags", "simulators")  # as in the image, and the simulators
HIDDEN = Path("/tmp")  # noqa: S108 - each host mounts one of its own
READY = "until mountpoint -q /tmp; do sleep 0.1; done"


@dataclass(slots=True)
class Host:
    """`folder` is its disk: code, logs, `/tmp`. `processes` by name; `life` keeps its namespaces."""

    name: str
    number: int
    folder: Path
    environment: dict[str, str]
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    life: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> str:
        return f"{NET}.{self.number}"

    @property
    def space(self) -> str:
        return f"ceh-{self.name}"

    @property
    def link(self) -> str:
        return f"ceh{self.number}"

    def boot(self) -> None:
        """Its own names, processes and files. What others have on their disks it does not see."""
        others = self.folder.parent
        script = (
            f"hostname {self.name}; mount --bind {self.folder} /mnt; mount -t tmpfs none {others};"
            f" mkdir {self.folder}; mount --move /mnt {self.folder}; mount -t tmpfs none /tmp; exec sleep infinity"
        )
        self.life = subprocess.Popen(
            [
                *("ip", "netns", "exec", self.space),
                *("unshare", "--mount", "--propagation", "private", "--uts", "--pid", "--fork", "--mount-proc"),
                *("--kill-child", "sh", "-c", script),
            ],
            start_new_session=True,
        )
        self.run("sh", "-c", READY)

    def _inside(self) -> list[str]:
        assert self.life is not None  # noqa: S101
        below = psutil.Process(self.life.pid).children()
        if not below:
            raise NotConfigured(f"{self.name} is not up")
        return ["nsenter", "--target", str(below[0].pid), "--mount", "--uts", "--pid", "--net", "--"]

    def run(self, *command: str) -> None:
        """Waits for its end, its output is in `commands.log`; raises CalledProcessError."""
        for _ in range(200):
            with suppress(psutil.Error, NotConfigured):
                inside = self._inside()
                break
        else:
            raise NotConfigured(f"{self.name} does not come up")
        with (self.folder / "commands.log").open("ab") as log:
            subprocess.run(
                [*inside, *command],
                env=self.environment,
                cwd=self.folder,
                check=True,
                timeout=600,
                stdout=log,
                stderr=log,
            )

    def start(self, name: str, command: Sequence[str], more: Mapping[str, str] | None = None) -> None:
        """In the background; its output is `<name>.log`."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*self._inside(), "sh", "-c", f'cd {self.folder} && exec "$@"', "sh", *command],
                env=self.environment | dict(more or {}),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def product(self, name: str, *command: str) -> None:
        """One of the product's processes, by the entry point of its containers."""
        self.start(name, [sys.executable, "-m", "ops", "container", "--", *command])

    def inner(self, name: str) -> psutil.Process | None:
        """The process that was started under the name; None where it has ended."""
        outer = self.processes.get(name)
        if outer is None or outer.poll() is not None:
            return None
        try:
            return next(iter(psutil.Process(outer.pid).children()), None)
        except psutil.Error:
            return None

    def end(self) -> None:
        """As if its plug were pulled, but for the FINs that its kernel still sends."""
        if self.life is not None:
            with suppress(psutil.Error, ProcessLookupError):
                for init in psutil.Process(self.life.pid).children():
                    os.kill(init.pid, signal.SIGKILL)  # and with it every process of its namespace
            self.life.kill()
            self.life.wait()
        for process in self.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
        self.processes.clear()

    def link_is(self, state: str) -> None:
        subprocess.run(["ip", "link", "set", self.link, state], check=True)


@contextmanager
def hosts(folder: Path, names: Sequence[str], environment: Mapping[str, str]) -> Iterator[dict[str, Host]]:
    """Raises NotConfigured where namespaces cannot be made."""
    if any(where.is_relative_to(HIDDEN) for where in (Path(sys.prefix), Path(sys.prefix).resolve())):
        raise NotConfigured(f"{sys.prefix}: no host would find Python's packages there, each has a {HIDDEN} of its own")
    bridge = "ceh-bridge"
    made = {name: Host(name, 11 + place, folder / name, dict(environment)) for place, name in enumerate(names)}
    _clear(bridge, made)
    try:
        try:
            _join(bridge, made)
        except (OSError, subprocess.CalledProcessError) as error:
            raise NotConfigured(f"hosts need root and network namespaces: {error}") from None
        yield made
    finally:
        for host in made.values():
            host.end()
        _clear(bridge, made)


def _join(bridge: str, made: Mapping[str, Host]) -> None:
    _run("ip", "link", "add", bridge, "type", "bridge")
    _run("ip", "addr", "add", f"{OUTSIDE}/24", "dev", bridge)
    _run("ip", "link", "set", bridge, "up")
    for host in made.values():
        _connect(host, bridge)
        for part in CODE:
            shutil.copytree(REPOSITORY / part, host.folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        host.environment |= {"PYTHONPATH": str(host.folder), "HOME": str(host.folder)}
        host.boot()


def _connect(host: Host, bridge: str) -> None:
    _run("ip", "netns", "add", host.space)
    _run("ip", "link", "add", host.link, "type", "veth", "peer", "name", "eth0", "netns", host.space)
    _run("ip", "link", "set", host.link, "master", bridge, "up")
    for rest in (["addr", "add", f"{host.address}/24", "dev", "eth0"], ["link", "set", "eth0", "up"]):
        _run("ip", "-n", host.space, *rest)
    _run("ip", "-n", host.space, "link", "set", "lo", "up")


def _clear(bridge: str, made: Mapping[str, Host]) -> None:
    """What an earlier trial that was killed has left, too."""
    for host in made.values():
        subprocess.run(["ip", "link", "del", host.link], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", host.space], check=False, capture_output=True)
    subprocess.run(["ip", "link", "del", bridge], check=False, capture_output=True)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)

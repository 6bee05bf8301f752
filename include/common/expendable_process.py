"""Runs functions on foreign data in processes that may die.

One server process for each process that asks: a Python without our environment, which has the connections. It imports
the module of a function once and forks a worker for each call, so a call costs some milliseconds and has limits of its
own. Whatever kills a worker, a decoder's fault or a limit, is an error of this one call. Requests and results are JSON:
a worker that was taken over by its data cannot run anything here. multiprocessing is not used, for the reasons in
`run_in_subprocess.py`.
"""

import atexit
import importlib
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from include.common.errors import ErrorCode, ExportError, Permanent, Temporary

_ROOT = Path(__file__).parents[__name__.count(".")]  # from here this module can be imported by its name
_PASSED_ON = ("HOME", "LD_LIBRARY_PATH", "PYTHONPATH")
# Threads of numerical libraries would wait for processors that other tasks use.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_MOST_MESSAGE_BYTES = 64 << 20
_LONGEST_ERROR = 500

Function = Callable[..., Iterator[Any]]


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one call. `memory_mb` is added to what the server itself has."""

    cpu_sec: int
    memory_mb: int

    @property
    def wall_sec(self) -> float:
        """Until the next result; a worker that waits for a disk uses no processor."""
        return 60.0 + 10.0 * self.cpu_sec


def results_of(
    function: Function, arguments: dict[str, Any], limits: Limits, *, code: ErrorCode
) -> Generator[Any, None, None]:
    """What the generator function `function` yields for `arguments`; both are JSON.

    The worker makes the next result when it is asked for; closing the generator ends it. Raises the Permanent and
    Temporary errors of the function; Permanent(`code`) for a call that needs more than `limits`;
    Temporary(decoding_died) if the worker dies.
    """
    connection = _server().start(function, arguments, limits)
    with closing(connection), closing(connection.makefile("rb")) as responses:
        connection.settimeout(limits.wall_sec)
        while True:
            message = _message(responses, function)
            match message:
                case {"result": result}:
                    yield result
                case {"end": _}:
                    return
                case {"error": error}:
                    raise _error(error)
                case {"limit": which}:
                    raise Permanent(f"it was given up: more than the permitted {_short(which)} is needed", code=code)
                case {"died": number}:
                    raise _death(function, int(number))
            with suppress(OSError):  # a worker that is dead has left a message about it
                connection.sendall(b"\n")


def _message(responses: Any, function: Function) -> dict[str, Any]:
    try:
        line = responses.readline(_MOST_MESSAGE_BYTES)
        message = json.loads(line) if line else {"died": 0}
    except TimeoutError:
        raise Temporary(f"{function.__name__} did not respond in time", code=ErrorCode.DECODING_DIED) from None
    except (OSError, ValueError):
        message = {"died": 0}
    return message if isinstance(message, dict) else {"died": 0}


def _error(error: Any) -> Exception:
    kind = Permanent if error.get("permanent") is True else Temporary
    known = error.get("code") in set(ErrorCode)
    return kind(_short(error.get("message")), code=ErrorCode(error["code"]) if known else ErrorCode.INTERNAL)


def _death(function: Function, number: int) -> Temporary:
    with suppress(ValueError):
        name = signal.Signals(number).name
        return Temporary(f"the process of {function.__name__} was ended by {name}", code=ErrorCode.DECODING_DIED)
    return Temporary(f"the process of {function.__name__} died", code=ErrorCode.DECODING_DIED)


def _short(text: Any) -> str:
    return str(text)[:_LONGEST_ERROR]


class _Server:
    """The server of this process; it ends with it."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with closing(theirs):
            environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
            self._process = subprocess.Popen(  # noqa: S603  # this file, in our own Python
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=environment | _ONE_THREAD | {"TMPDIR": tempfile.gettempdir()},
                cwd=_ROOT,
                pass_fds=[theirs.fileno()],
            )

    def alive(self) -> bool:
        return self.owner == os.getpid() and self._process.poll() is None

    def close(self) -> None:
        """The server ends with its connection; a server that this process has inherited is not ours to wait for."""
        self._control.close()
        if self.owner == os.getpid():
            self._process.wait()

    def start(self, function: Function, arguments: dict[str, Any], limits: Limits) -> socket.socket:
        """Starts a worker; its end of the connection."""
        ours, theirs = socket.socketpair()
        request = {"module": function.__module__, "name": function.__name__, "limits": asdict(limits)}
        try:
            with closing(theirs):
                socket.send_fds(self._control, [json.dumps(request).encode()], [theirs.fileno()])
            ours.sendall(json.dumps(arguments).encode() + b"\n")
        except OSError:
            ours.close()
            raise Temporary("the server of expendable processes is dead", code=ErrorCode.DECODING_DIED) from None
        return ours


def _end() -> None:
    if _current is not None and _current.owner == os.getpid():
        _current.close()


_current: _Server | None = None
atexit.register(_end)
_starting = threading.Lock()


def _server() -> _Server:
    global _current  # noqa: PLW0603  one for each process
    with _starting:
        if _current is not None and not _current.alive():
            _current.close()
            _current = None
        if _current is None:
            _current = _Server()
        return _current


def prepare() -> None:
    """Starts the server; it takes a fifth of a second of processor time to import what it needs."""
    _server()


# What follows runs in the server and its workers.


class _Workers:
    """The workers of a server: their connections by process, until they end."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._connections: dict[int, socket.socket] = {}
        self._poller = select.poll()
        self._wakeup, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: our owner decides
        self._poller.register(control, select.POLLIN)
        self._poller.register(self._wakeup, select.POLLIN)

    def serve(self) -> None:
        """Until the owner is gone."""
        while True:
            ready = {descriptor for descriptor, _ in self._poller.poll()}
            # in this order: a number that is closed may be that of the next connection
            for descriptor in ready - {self._control.fileno(), self._wakeup}:
                self._abandon(descriptor)
            if self._wakeup in ready:
                os.read(self._wakeup, 512)
                self._bury()
            if self._control.fileno() in ready and not self._start():
                return

    def end(self) -> None:
        for process in self._connections:
            os.kill(process, signal.SIGKILL)

    def _start(self) -> bool:
        data, descriptors, _, _ = socket.recv_fds(self._control, 1 << 16, 1)
        if not data:
            return False
        request = json.loads(data)
        connection = socket.socket(fileno=descriptors[0])
        function = getattr(importlib.import_module(request["module"]), request["name"])
        process = os.fork()
        if process == 0:
            self._control.close()
            for other in self._connections.values():
                other.close()
            _work(connection, function, Limits(**request["limits"]))
        self._connections[process] = connection
        self._poller.register(connection, 0)  # only its end is of interest: what it says is for the worker
        return True

    def _bury(self) -> None:
        """Closes the connections of workers that have ended; says why if they could not."""
        while self._connections:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            connection = self._connections.pop(process)
            if os.WIFSIGNALED(status):
                number = os.WTERMSIG(status)
                message = {"limit": "processor time"} if number == signal.SIGXCPU else {"died": number}
                with suppress(OSError):
                    _send(connection, message)
            with suppress(KeyError):
                self._poller.unregister(connection)
            connection.close()

    def _abandon(self, descriptor: int) -> None:
        """The other end was closed: no result of this worker is wanted any more."""
        self._poller.unregister(descriptor)
        for process, connection in self._connections.items():
            if connection.fileno() == descriptor:
                os.kill(process, signal.SIGKILL)


def _work(connection: socket.socket, function: Function, limits: Limits) -> NoReturn:
    """The worker: reads its arguments, sends results as they are asked for."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        _limit(limits)
        with connection.makefile("rb") as requests:
            try:
                for result in function(**json.loads(requests.readline())):
                    _send(connection, {"result": result})
                    if not requests.readline():
                        break
                else:
                    _send(connection, {"end": True})
            except MemoryError:
                _send(connection, {"limit": "memory"})
            except ExportError as error:
                found = {"message": str(error), "code": error.code, "permanent": isinstance(error, Permanent)}
                _send(connection, {"error": found})
    except BrokenPipeError:
        pass
    except Exception as error:
        traceback.print_exc()
        with suppress(OSError):
            _send(connection, {"error": {"message": f"an unforeseen {type(error).__name__} in a process of its own"}})
    finally:
        sys.stderr.flush()
        os._exit(0)


def _limit(limits: Limits) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + limits.memory_mb * (1 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_sec, limits.cpu_sec + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _send(connection: socket.socket, message: dict[str, Any]) -> None:
    connection.sendall(json.dumps(message).encode() + b"\n")


def _main() -> None:
    workers = _Workers(socket.socket(fileno=int(sys.argv[1])))
    try:
        workers.serve()
    finally:
        workers.end()


if __name__ == "__main__":
    _main()

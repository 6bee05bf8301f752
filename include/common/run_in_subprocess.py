"""Runs a function in a Python process of its own.

Its memory is freed when it ends; the process of a task never frees the memory that a library has taken.
"""

import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

from include.common.errors import ExportError, Temporary

P = ParamSpec("P")
T = TypeVar("T")

_ROOT = Path(__file__).parents[__name__.count(".")]  # from here this module can be imported by its name
# where libraries are, and where they keep caches
_PASSED_ON = ("HOME", "LD_LIBRARY_PATH", "MPLCONFIGDIR", "PYTHONPATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
_MOST_SECONDS = 300


def run_in_subprocess(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `function` from a process that ends with this call. See `Subprocess`."""
    with Subprocess() as process:
        return process.run(function, *args, **kwargs)


class Subprocess:
    """A process that imports `modules` while its caller prepares the arguments, then runs functions, one after another.

    The process has neither our environment, which contains the connections, nor our open files. It gets the arguments
    through a pipe, so no data of a call is written to a disk. Of multiprocessing only the pipe is used: its children
    import the program that started us, which is Airflow, and a daemon may have no children.

    The process never outlives the `with` block.
    """

    def __init__(self, *modules: str) -> None:
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self._pipe, theirs = Pipe()
        self._process = subprocess.Popen(  # noqa: S603  # this file, in our own Python
            [sys.executable, "-m", __name__, str(theirs.fileno()), *modules],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env=passed_on | {"TMPDIR": tempfile.gettempdir()},
            cwd=_ROOT,
        )
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        self._pipe.close()

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result. The child finds the function by its module and name, and arguments and result must be
        picklable.

        Raises ExportError if the function failed, as it would again (its traceback is on our standard error); Temporary
        if its process was killed or took too long. After either the process runs nothing more.
        """
        name = function.__qualname__
        try:
            self._pipe.send((function, args, kwargs))
            if not self._pipe.poll(_MOST_SECONDS):
                raise Temporary(f"{name} did not end in its own process within {_MOST_SECONDS} s")
            result: T = self._pipe.recv()
        except (EOFError, ConnectionError):
            code = self._process.wait()
            kind = Temporary if code < 0 else ExportError
            error = subprocess.CalledProcessError(code, self._process.args)
            raise kind(f"{name} failed in its own process, see the log above: {error}") from None
        return result


def _respond(descriptor: int, modules: Sequence[str]) -> None:
    """The child: runs each call that comes through the pipe and sends its result back."""
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no output of ours
    with Connection(descriptor) as pipe:
        for module in modules:
            importlib.import_module(module)
        with suppress(EOFError):  # the parent has nothing more to run
            while True:
                function, args, kwargs = pipe.recv()
                result = function(*args, **kwargs)
                sys.stdout.flush()  # the process is going to be killed
                pipe.send(result)


if __name__ == "__main__":
    _respond(int(sys.argv[1]), sys.argv[2:])

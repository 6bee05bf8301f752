"""Runs a function in a Python process of its own.

Its memory is freed when it ends; the process of a task never frees the memory that a library has taken.
"""

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from include.common.errors import ExportError, Temporary

P = ParamSpec("P")
T = TypeVar("T")

_ROOT = Path(__file__).parents[2]  # from here `include` can be imported
# where libraries are, and where they keep caches
_PASSED_ON = ("HOME", "LD_LIBRARY_PATH", "MPLCONFIGDIR", "PYTHONPATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
_MOST_SECONDS = 300


def run_in_subprocess(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `function`, which is found by its module and name; arguments and result must be picklable.

    The process has neither our environment, which contains the connections, nor our open files. It gets the arguments
    through a pipe, so no data of a call is written to a disk. multiprocessing is not used: its children import the
    program that started us, which is Airflow, and a daemon may have no children.

    Raises ExportError if the function failed, as it would again (its traceback is on our standard error); Temporary if
    its process was killed or took too long. The process never outlives this call.
    """
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603  # this file, in our own Python
            [sys.executable, "-m", __name__],
            input=pickle.dumps((function, args, kwargs)),
            stdout=subprocess.PIPE,
            env=passed_on | {"TMPDIR": tempfile.gettempdir()},
            cwd=_ROOT,
            timeout=_MOST_SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise Temporary(f"{function.__qualname__} did not end in its own process within {_MOST_SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        kind = Temporary if error.returncode < 0 else ExportError
        raise kind(f"{function.__qualname__} failed in its own process, see the log above: {error}") from None
    result: T = pickle.loads(done.stdout)  # noqa: S301  # written by `_respond` into our own pipe
    return result


def _respond() -> None:
    """The child: reads one call from standard input, writes its result to standard output."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as response:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no part of the response
        function, args, kwargs = pickle.load(sys.stdin.buffer)  # noqa: S301  # from `run_in_subprocess`
        pickle.dump(function(*args, **kwargs), response)


if __name__ == "__main__":
    _respond()

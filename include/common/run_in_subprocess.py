"""Work in a Python of its own, whose memory is gone with it: a task's process never gives back what a library took."""

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
_TOLD = ("HOME", "LD_LIBRARY_PATH", "MPLCONFIGDIR", "PYTHONPATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
_MOST_SECONDS = 300


def apart(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `function`, known by its module and name, returns for these arguments; all of them have to be picklable.

    Its process has neither our environment, where the connections are, nor our open files, and gets the arguments
    through a pipe, so nothing of a call lies on a disk. Not multiprocessing: its children import the program that
    started us, which is Airflow, and a daemon may have none.

    Raises ExportError where the function failed, as it would again (its traceback is on our standard error); Temporary
    where its process was killed or took too long.
    The process is ended with the call, however that ends.
    """
    told = {name: os.environ[name] for name in _TOLD if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603  # this file, by our own Python
            [sys.executable, "-m", __name__],
            input=pickle.dumps((function, args, kwargs)),
            stdout=subprocess.PIPE,
            env=told | {"TMPDIR": tempfile.gettempdir()},
            cwd=_ROOT,
            timeout=_MOST_SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise Temporary(f"{function.__qualname__} was not done in its own process within {_MOST_SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        kind = Temporary if error.returncode < 0 else ExportError
        raise kind(f"{function.__qualname__} failed in its own process, see the log above: {error}") from None
    result: T = pickle.loads(done.stdout)  # noqa: S301  # our own words, come back through our own pipe
    return result


def _answer() -> None:
    """The other side: one call from standard input, its result to standard output."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answer:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no part of the answer
        function, args, kwargs = pickle.load(sys.stdin.buffer)  # noqa: S301  # from `apart`
        pickle.dump(function(*args, **kwargs), answer)


if __name__ == "__main__":
    _answer()

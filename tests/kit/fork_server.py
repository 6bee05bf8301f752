"""Runs a module's `main` in processes that may be killed: its imports, some seconds, are paid for once.

    python -m tests.kit.fork_server tests.kit.killed_worker

One JSON object a line comes in; a child is forked for each, and its return code goes out.
"""

import atexit
import importlib
import json
import os
import select
import subprocess
import sys
import tempfile
import traceback
from functools import cache
from typing import IO, Any

from tests.kit.paths import ROOT


class ForkServer:
    def __init__(self, module: str) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the server
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kit.fork_server", module],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        atexit.register(self.close)

    def run(self, asked: dict[str, Any]) -> tuple[int, str]:
        """The return code, negative for a signal, and what was written to stderr by now."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], 120)
        self._errors.seek(0)
        written = self._errors.read().decode()
        assert ready, f"it has not ended in two minutes: {written}"
        return int(self._process.stdout.readline()), written

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()
        self._errors.close()


@cache
def fork_server(module: str) -> ForkServer:
    """The one of this process."""
    return ForkServer(module)


def _serve(module: str) -> None:
    main = importlib.import_module(module).main
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                main(json.loads(line))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1])

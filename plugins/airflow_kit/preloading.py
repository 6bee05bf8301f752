"""What all tasks import, 1.5 s of processor time: imported once by the process whose forks are the tasks."""

import importlib
import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

TASK_RUNNER = "airflow.sdk.execution_time.task_runner"
PLUGINS = Path(__file__).parents[1]
PACKAGE = __name__.removesuffix(".airflow_kit.preloading")  # `plugins`, wherever it is installed

log = logging.getLogger(__name__)


def preload() -> None:
    """A module that cannot be imported fails the task, where a person reads it, and not the process that forks."""
    for module in (TASK_RUNNER, *_modules_of_areas()):
        try:
            importlib.import_module(module)
        except Exception as error:
            log.warning("tasks have to import %s themselves: %s", module, type(error).__name__)
    with suppress(ImportError):
        from include.speech.text_language import load

        load()  # tasks share its memory


def _modules_of_areas() -> Iterator[str]:
    """What `plugins/<area>/preloaded.py` names. Task functions import their steps only when they run."""
    for file in sorted(PLUGINS.glob("*/preloaded.py")):
        yield from importlib.import_module(f"{PACKAGE}.{file.parent.name}.{file.stem}").MODULES

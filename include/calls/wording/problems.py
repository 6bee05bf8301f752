"""Russian sentences for errors raised in `include/calls`, `plugins/calls` and `jobs`, by the error's `problem`."""

from include.common import problems
from include.common.errors import ExportError

PROBLEMS: dict[str, str] = {}


def sentence(error: ExportError) -> str:
    """What an operator reads of the error: one Russian sentence without a full stop at its end."""
    return problems.sentence(error, PROBLEMS)

"""`make status` where nothing runs."""

from rich.console import Console

from ops.one_machine.down import show_status
from ops.settings.profile import Runtime


def test_a_profile_that_was_stopped_is_no_failure_and_one_that_died_is(tmp_path):
    runtime, console = Runtime("demo", tmp_path), Console(quiet=True)
    runtime.make()
    assert show_status(runtime, console) is None
    (runtime.home / "started_with").touch()
    assert show_status(runtime, console) is False

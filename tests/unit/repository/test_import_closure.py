"""A task needs a part of the house, not all of it. Where the numbers come from: tests/kit/import_closure.py."""

import pytest

from tests.kit.import_closure import STEPS, step_closure, task_closure
from tests.kit.paths import ROOT

# Each family of statements of the state is a file of its own: twelve more than when the state was five classes of 200
# lines. A download reads 1,200 lines of them more than in 1.0, and none of the report. Decoding in a process of its
# own, odd containers, languages and roles by evidence are files of `transcribe`; the bars of a run two of each step.
# Hiding personal data is ten files of the steps that write texts.
MOST_FILES_OF_A_STEP = 94
# in 1.0 it was 66, with the whole report and what makes a text
MOST_FILES_OF_DOWNLOAD = 43
# in 1.0 each task loaded 92 or 111; certificates, the letter with the report, the stop that hands back are three files
MOST_FILES_LOADED = 116


@pytest.mark.parametrize("step", STEPS.values())
def test_a_step_reaches_few_files(step: str) -> None:
    assert len(step_closure(step)) <= MOST_FILES_OF_A_STEP


def test_a_download_reaches_no_report_and_hides_nothing() -> None:
    files = step_closure("download")
    assert len(files) <= MOST_FILES_OF_DOWNLOAD
    assert not [file for file in files if {"reporting", "personal_data"} & set(file.relative_to(ROOT).parts)]


@pytest.mark.parametrize("task", STEPS)
def test_a_task_loads_few_files_when_it_starts(task: str) -> None:
    assert len(task_closure(task, functions=False)) <= MOST_FILES_LOADED


def test_a_download_task_loads_no_report_and_no_audio() -> None:
    """Of the other tasks' needs: pictures and tables belong to `publish`, cutting to `transcribe`."""
    folders = {part for file in task_closure("download", functions=False) for part in file.relative_to(ROOT).parts}
    assert not {"reporting", "audio"} & folders

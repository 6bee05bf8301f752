"""What tests of Celery, Kubernetes and OpenLineage need; `make test-cluster` has it and accepts no skipped test."""

import importlib
import os
import shutil

import pytest

EVERYTHING_IS_HERE = "CLUSTER_TESTS"  # set by `make test-cluster`


def package(name: str) -> None:
    """Skips the test or the module of tests where the package is missing; in `make test-cluster` raises ImportError."""
    if EVERYTHING_IS_HERE in os.environ:
        importlib.import_module(name)
    else:
        pytest.importorskip(name, reason="needs make test-cluster")


def program(name: str) -> str:
    """Its path; skips the test where it is missing, and fails it in `make test-cluster`."""
    found = shutil.which(name)
    if found is None:
        (pytest.fail if EVERYTHING_IS_HERE in os.environ else pytest.skip)(f"needs make test-cluster and {name}")
    return found

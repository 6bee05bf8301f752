"""Airflow reads its folder at its first import, so it gets an empty one before any test module asks for it."""

import atexit
import os
import shutil
import tempfile

_home = tempfile.mkdtemp(prefix="airflow-home-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ["AIRFLOW_HOME"] = _home

"""Named in Celery's `imports` (`ops/settings/executors.py`): a worker imports it before it forks, and so preloads."""

from plugins.airflow_kit.preloading import preload

preload()

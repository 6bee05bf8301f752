"""Stages of a run. One name is the Airflow task's id, the stage in `call_events` and the label in metrics."""

from enum import StrEnum


class Stage(StrEnum):
    """In the order of the DAG; then the stages that no task of the DAG has."""

    OPEN_RUN = "open_run"
    PREFLIGHT = "preflight"
    LIST_CALLS = "list_calls"
    PLAN = "plan"  # also asks for approval above the budget and records the decision
    DOWNLOAD = "download"
    TRANSCRIBE = "transcribe"
    SUMMARIZE = "summarize"
    PUBLISH = "publish"
    CLOSE_RUN = "close_run"
    REBUILD = "rebuild"  # `make rebuild`
    REPLAY = "replay"  # `make replay`
    QA = "qa"  # `make qa`
    DELIVER = "deliver"  # `make deliver`
    RECONCILE = "reconcile"  # the DAG call_reconcile
    RETENTION = "retention"  # the DAG call_retention
    ERASE = "erase"  # the DAG call_erasure and `make erase-again`
    BY_HAND = "by_hand"  # a person's SQL
    NOTIFY = "notify"  # what was sent to people
    PORTAL = "portal"  # the portal's rate limits

"""What the DAG file needs while it is parsed: the environment's value or that of `policy.yaml`, nothing heavier.

The launcher checked the values; one that is no number stops the import with the variable's name.
"""

import os
from pathlib import Path
from typing import Any

import yaml

_POLICY: dict[str, Any] = yaml.load(Path(__file__).with_name("policy.yaml").read_bytes(), Loader=yaml.CSafeLoader)


def _text(name: str, section: str, field: str) -> str:
    return os.environ.get(name, "").strip() or str(_POLICY[section][field])


def _number(name: str, section: str, field: str) -> float:
    text = _text(name, section, field)
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} must be a number, it is {text!r}") from None


def _is_held() -> bool:
    """The launcher holds the schedule of a new system until a person has seen the forecast of its first night."""
    file = os.environ.get("CALL_EXPORT_SCHEDULE_HELD_BY", "")
    return bool(file) and Path(file).exists()


RECONCILE_CRON = "*/15 * * * *"
BACKUP_CRON = "15 0 * * *"  # UTC; done before the usual night of the export begins
BACKUP_DRILL_CRON = "15 12 1 * *"
RETENTION_CRON = "30 0 * * *"  # UTC, before the usual export: its registry shows what has ended
CRON = None if _is_held() else _text("CALL_EXPORT_CRON", "schedule", "cron")
SLA_HOURS = _number("CALL_EXPORT_SLA_HOURS", "schedule", "sla_hours")
PORTAL_BACKOFF_SECONDS = _number("B24_BACKOFF_SECONDS", "portal", "backoff_seconds")
RECOGNITION_BACKOFF_SECONDS = _number("STT_BACKOFF_SECONDS", "stt", "backoff_seconds")

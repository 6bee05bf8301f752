"""What the DAG file needs while it is parsed: environment or default, nothing heavier.

The environment was checked by the launcher; a value that is no number stops the import with the variable's name.
"""

import os


def _number(name: str, default: float) -> float:
    text = os.environ.get(name, "").strip()
    try:
        return float(text) if text else default
    except ValueError:
        raise ValueError(f"{name} must be a number, it is {text!r}") from None


CRON = os.environ.get("CALL_EXPORT_CRON", "").strip() or "0 2 * * *"
SLA_HOURS = _number("CALL_EXPORT_SLA_HOURS", 6)
PORTAL_BACKOFF_SECONDS = _number("B24_BACKOFF_SECONDS", 5)
RECOGNITION_BACKOFF_SECONDS = _number("STT_BACKOFF_SECONDS", 10)

"""What the DAG file needs while it is parsed."""

import os

QUALITY_CRON = "*/15 * * * *"
DAILY_CRON = "0 1 * * *"
CALIBRATE_CRON = "0 5 1 * *"
ZONE = os.environ.get("CALLCENTER_TIMEZONE", "").strip() or "Europe/Kyiv"

# The launcher sets it where QUALITY_ENABLED=true; without it the area has no DAG, and nothing of it is imported.
IS_CONFIGURED = os.environ.get("QUALITY_ENABLED", "").strip().lower() in ("true", "1", "yes", "on")

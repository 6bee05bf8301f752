"""What the DAG files need while they are parsed: the environment's value, or the customer's hour."""

import os

QTICKETS_CRON = "*/15 * * * *"
QTICKETS_DAYS_CRON = "30 3 * * *"
VK_CRON = os.environ.get("VK_CRON", "").strip() or "0 0 * * *"
DIRECT_CRON = os.environ.get("DIRECT_CRON", "").strip() or "10 0 * * *"
GMAIL_CRON = "0 */4 * * *"
ALERTS_CRON = "0 */2 * * *"
BACKUP_CRON = "30 2,6,10,14,18,22 * * *"
RESTORE_CHECK_CRON = "0 5 * * 0"
ZONE = os.environ.get("SALES_TIMEZONE", "").strip() or "Europe/Moscow"

# The launcher sets the connection where a source or a server is configured; without it the area has no DAG.
IS_CONFIGURED = "AIRFLOW_CONN_ZAKAZ_CLICKHOUSE" in os.environ

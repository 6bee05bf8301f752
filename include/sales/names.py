"""Airflow ids of the area `sales`. Values only."""

QTICKETS_DAG_ID = "zakaz_qtickets"
QTICKETS_DAYS_DAG_ID = "zakaz_qtickets_days"
VK_ADS_DAG_ID = "zakaz_vk_ads"
DIRECT_DAG_ID = "zakaz_yandex_direct"
GMAIL_DAG_ID = "zakaz_gmail_reserve"
ALERTS_DAG_ID = "zakaz_alerts"
BACKUP_DAG_ID = "zakaz_backup"
RESTORE_CHECK_DAG_ID = "zakaz_restore_check"
RESTORE_DAG_ID = "zakaz_restore"
SCHEMA_DAG_ID = "zakaz_schema"

# what people call the jobs
QTICKETS_JOB = "qtickets"
QTICKETS_DAYS_JOB = "qtickets_days"
VK_ADS_JOB = "vk_ads"
DIRECT_JOB = "direct"
GMAIL_JOB = "gmail"

# assets, the results of a run
SALES_ASSET = "zakaz/sales"
ADS_ASSET = "zakaz/ads"

# connections
QTICKETS_CONN = "qtickets_api"
VK_ADS_CONN = "vk_ads"
DIRECT_CONN = "yandex_direct"
GMAIL_CONN = "gmail_reserve"
WAREHOUSE_CONN = "zakaz_clickhouse"
WAREHOUSE_ADMIN_CONN = "zakaz_clickhouse_admin"  # may change the schema, back up and restore
SMTP_CONN = "zakaz_smtp"

# pools
QTICKETS_POOL = "qtickets"
VK_ADS_POOL = "vk_ads"
DIRECT_POOL = "direct"
WAREHOUSE_POOL = "clickhouse"

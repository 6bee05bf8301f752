"""Airflow ids of the area `calls`. Values only."""

from include.common.names import PREFIX

DAG_ID = "call_export"
RECONCILE_DAG_ID = "call_reconcile"
BACKUP_DAG_ID = "call_backup"
BACKUP_DRILL_DAG_ID = "call_backup_drill"
RETENTION_DAG_ID = "call_retention"
ERASURE_DAG_ID = "call_erasure"
ERASURE_TRACES_DAG_ID = "call_erasure_traces"

# assets, the results of a run
REGISTRY_ASSET = "call_export/registry"

# connections
STATE_CONN = "call_export_db"
STORAGE_CONN = "call_export_storage"
POLICY_CONN = "call_export_policy"  # extra = what the environment overrides in policy.yaml
METRICS_CONN = "call_export_metrics"  # password = the bearer token that Prometheus sends
SEARCH_CONN = "call_export_search"  # password = the bearer token of programs that search in texts; optional
BACKUP_CONN = "call_export_backup"  # the second place; extra = the key of backups, Airflow's database, the settings
ERASURE_CONN = "call_export_erasure"  # password = the key of the hashes by which erased calls are known

# pools
PORTAL_POOL = f"{PREFIX}bitrix24"

"""Airflow ids of the area `calls`. Values only."""

DAG_ID = "call_export"
RECONCILE_DAG_ID = "call_reconcile"

# assets, the results of a run
REGISTRY_ASSET = "call_export/registry"
TEXTS_ASSET = "call_export/texts"

# connections
STATE_CONN = "call_export_db"
STORAGE_CONN = "call_export_storage"
POLICY_CONN = "call_export_policy"  # extra = what the environment overrides in policy.yaml
METRICS_CONN = "call_export_metrics"  # password = the bearer token that Prometheus sends

# pools
PORTAL_POOL = "bitrix24"

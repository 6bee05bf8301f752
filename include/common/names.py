"""Names shared by DAG, hooks, launcher and tests. Values only; imports nothing of ours."""

DAG_ID = "call_export"

# Airflow connections
PORTAL_CONN = "bitrix24"
RECOGNISER_CONN = "whisper"
STATE_CONN = "call_export_db"
STORAGE_CONN = "call_export_storage"
POLICY_CONN = "call_export_policy"  # extra = what the environment overrides in policy.yaml
AIRFLOW_API_CONN = "airflow_api"  # for the run's note
SLACK_CONN = "slack"
METRICS_CONN = "call_export_metrics"  # password = the bearer token that Prometheus sends

# Airflow pools
PORTAL_POOL = "bitrix24"
RECOGNISER_POOL = "whisper"

USER_AGENT = "call-export/1.0"

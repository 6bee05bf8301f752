"""Airflow ids that several areas share. Values only; imports no module of ours."""

# connections
PORTAL_CONN = "bitrix24"
RECOGNISER_CONN = "whisper"
LANGUAGE_MODEL_CONN = "language_model"  # optional: without it the recogniser's serves texts as well
AIRFLOW_API_CONN = "airflow_api"  # for a run's note
SLACK_CONN = "slack"

# pools
RECOGNISER_POOL = "whisper"

USER_AGENT = "call-export/1.0"

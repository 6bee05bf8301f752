"""Airflow ids that several areas share. Values only; imports no module of ours."""

# connections
PORTAL_CONN = "bitrix24"
RECOGNISER_CONN = "whisper"
FALLBACK_RECOGNISER_CONN = "whisper_fallback"  # optional: without it the fallback model is the recogniser's service's
LANGUAGE_MODEL_CONN = "language_model"  # optional: without it the recogniser's serves texts as well
AIRFLOW_API_CONN = "airflow_api"  # for a run's note
SLACK_CONN = "slack"
ALERTS_CONN = "alerts"  # beside Slack: of type slackwebhook, smtp, telegram or apprise
MAIL_CONN = "mail"  # of type smtp: the server through which registry and report are sent

# in the place of a proxy: none, although the installation has one
DIRECT = "direct"

# pools
RECOGNISER_POOL = "whisper"

USER_AGENT = "call-export/1.0"

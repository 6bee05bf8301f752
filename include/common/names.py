"""Airflow ids that several areas share. Values only; imports no module of ours."""

import os

# Before the names below, in an Airflow whose other teams have connections or pools of these names; the same in every
# component.
PREFIX = os.environ.get("CALL_EXPORT_ID_PREFIX", "")

# connections
PORTAL_CONN = f"{PREFIX}bitrix24"
RECOGNISER_CONN = f"{PREFIX}whisper"
# optional: without it the fallback model is the recogniser's service's
FALLBACK_RECOGNISER_CONN = f"{PREFIX}whisper_fallback"
LANGUAGE_MODEL_CONN = f"{PREFIX}language_model"  # optional: without it the recogniser's serves texts as well
AIRFLOW_API_CONN = f"{PREFIX}airflow_api"  # for a run's note
SLACK_CONN = f"{PREFIX}slack"
ALERTS_CONN = f"{PREFIX}alerts"  # beside Slack: of type slackwebhook, smtp, telegram or apprise
MAIL_CONN = f"{PREFIX}mail"  # of type smtp: the server through which registry and report are sent
# language models: the routing table (include/clients/language_models/routing.yaml) names them; without a key, or
# without an address of one's own, a connection is not made and its providers are skipped
LLM_ANTHROPIC_CONN = f"{PREFIX}llm_anthropic"
LLM_DEEPSEEK_CONN = f"{PREFIX}llm_deepseek"
LLM_GEMINI_CONN = f"{PREFIX}llm_gemini"
LLM_LOCAL_CONN = f"{PREFIX}llm_local"

# Queues of Celery. In an Airflow of others tasks stay in its own: without the variable no task names a queue.
OWN_QUEUES = bool(os.environ.get("CALL_EXPORT_QUEUES"))
PORTAL_QUEUE = "portal"  # a worker with the portal's address in its firewall
RECOGNISER_QUEUE = "recogniser"  # a worker with processors and memory for audio
DEFAULT_QUEUE = "default"
QUEUES = (PORTAL_QUEUE, RECOGNISER_QUEUE, DEFAULT_QUEUE)

# in the place of a proxy: none, although the installation has one
DIRECT = "direct"

# assets
TEXTS_ASSET = "call_export/texts"  # new texts of calls; the call centre waits for it

# pools
RECOGNISER_POOL = f"{PREFIX}whisper"

USER_AGENT = "call-export/1.0"

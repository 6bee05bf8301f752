"""Airflow ids of the area `call_centre`. Values only."""

from include.common.names import PREFIX

QUALITY_DAG_ID = "callcenter_quality"
CALIBRATE_DAG_ID = "callcenter_calibrate"
DAILY_DAG_ID = "callcenter_daily_stats"

SCORES_ASSET = "callcenter/scores"

# pools
LLM_POOL = f"{PREFIX}llm"

SCORING_TASK = "quality_scoring"  # in the routing table

"""
# Цифры дней оценки звонков: `callcenter_daily_stats`

Каждую ночь в 01:00 (`CALLCENTER_TIMEZONE`) пересчитывает `callcenter.daily_stats` за вчера и за каждый день, чьи оценки
изменились: новые, пересмотренные людьми, оспоренные. Затем удаляет оценки, срок которых вышел.

| Параметр | По умолчанию | Что делает |
|---|---|---|
| `day` | изменившиеся дни | пересчитать один день: 2026-11-30 |

Повторять безопасно: день считается заново из строк.
"""

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, Param, task
from airflow.sdk import get_current_context as context

from include.call_centre.names import DAILY_DAG_ID
from include.call_centre.schedule import DAILY_CRON, IS_CONFIGURED, ZONE

if IS_CONFIGURED:
    from plugins.call_centre import tasks

    with DAG(
        dag_id=DAILY_DAG_ID,
        description="Цифры дней оценки звонков",
        doc_md=__doc__,
        schedule=CronTriggerTimetable(DAILY_CRON, timezone=ZONE),
        catchup=False,
        max_active_runs=1,
        params={"day": Param(None, type=["null", "string"], format="date", title="день")},
        tags=["callcenter"],
        default_args={
            "owner": "dataops",
            "execution_timeout": timedelta(hours=1),
            "retries": 3,
            "retry_delay": timedelta(minutes=5),
        },
    ) as dag:

        @task
        def daily_stats() -> int:
            """Makes the figures; returns of how many days."""
            return tasks.daily_stats(context())

        @task
        def forget() -> int:
            """Ends scores whose time has passed; returns how many."""
            return tasks.forget(context())

        daily_stats() >> forget()

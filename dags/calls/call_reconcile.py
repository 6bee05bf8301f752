"""
# Брошенные запуски: `call_reconcile`

Закрывает запуски `call_export`, которые никто больше не закроет: их DAG run помечен failed, удалён, забыт вместе с базой Airflow,
или пачку очистили (Clear) без Downstream. Раз в 15 минут; выключать не нужно.

| Шаг | Что делает |
|---|---|
| `reconcile` | спрашивает Airflow о DAG run каждого незаконченного запуска; если Airflow его не ведёт — пишет реестр, отчёт и журнал, выносит итог по записям, сообщает в Slack |

Итог — «прерван», `error`, если запуск не дошёл до плана или остались незаконченные записи; иначе — как у всякого запуска. Запуск, над которым
Airflow работает, не трогается. Продолжить прерванный — `make resume RUN_ID=...`; ждать этого DAG для этого не нужно.
Runbook: `docs/runbooks/call_export.md`.
"""

from datetime import timedelta

from airflow.sdk import DAG, task
from airflow.sdk import get_current_context as context

from include.calls.names import RECONCILE_DAG_ID
from include.calls.schedule import RECONCILE_CRON
from plugins.calls import tasks

with DAG(
    dag_id=RECONCILE_DAG_ID,
    description="Закрывает запуски call_export, которые Airflow бросил",
    doc_md=__doc__,
    schedule=RECONCILE_CRON,
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,  # without it a run that Airflow has given up would stay `running` for ever
    tags=["bitrix24", "calls"],
    default_args={
        "owner": "dataops",
        "execution_timeout": timedelta(hours=1),
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
    },
) as dag:

    @task
    def reconcile() -> int:
        """Closes every run that its DAG run has left open; returns how many."""
        return tasks.reconcile(context())

    reconcile()

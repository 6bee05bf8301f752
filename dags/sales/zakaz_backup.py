"""
# Копии ClickHouse: `zakaz_backup`

Каждые четыре часа: в 02:30 полная, иначе добавочная к последней; с описью таблиц, по которой её сверяют. Хранит их диск, названный в `CH_BACKUP_TO`;
старые удаляет тот, чей это диск.

| Параметр | По умолчанию | Что делает |
|---|---|---|
| `mode` | `auto` | `full` — полная, `incremental` — добавочная |

**Если красное.** Фраза в Note; прежние копии целы. Runbook: `docs/runbooks/sales.md`, «Копии».
"""

from airflow.sdk import DAG, CronTriggerTimetable, Param, task
from airflow.sdk import get_current_context as context

from include.sales.names import BACKUP_DAG_ID, WAREHOUSE_POOL
from include.sales.schedule import BACKUP_CRON, IS_CONFIGURED, ZONE
from plugins.sales import operations
from plugins.sales.loader import DEFAULT_ARGS

MODE = Param(
    "auto", type="string", enum=["auto", "full", "incremental"], title="какая", description="auto: в 02:30 полная"
)


if IS_CONFIGURED:
    with DAG(
        dag_id=BACKUP_DAG_ID,
        description="Копии базы ClickHouse, полные и добавочные",
        doc_md=__doc__,
        schedule=CronTriggerTimetable(BACKUP_CRON, timezone=ZONE),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        params={"mode": MODE},
        tags=["sales"],
        default_args=DEFAULT_ARGS,
    ) as dag:

        @task(pool=WAREHOUSE_POOL)
        def back_up() -> str:
            """A backup with its manifest, its chain verified; returns its name."""
            return operations.back_up(context())

        back_up()

"""
# Продажи QTickets целыми днями: `zakaz_qtickets_days`

Каждую ночь дни создания заказов перечитываются целиком: поздние изменения, возвраты, удаления. Этот DAG и заполняют задним числом
(`make sales-backfill SOURCE=qtickets FROM= TO=`): запуск backfill загружает ровно свой день.

| Шаг | Что делает |
|---|---|
| `open` | что загружать, аренда кабинета, номер загрузки |
| `preflight` | доступ к источнику, схема ClickHouse, часы |
| `load` | ответ целиком, проверка, запись, сверка; по задаче на кабинет |
| `publish` | Note, событие актива |
| `close` | итог; единственный лист: красный, если загружено не всё |

| Параметр | По умолчанию | Что делает |
|---|---|---|
| `date_from`, `date_to` | глубина из настроек | дни включительно |
| `days_back` | из настроек | столько дней вместо `date_from` |
| `accept_shrink` | `false` | верить ответу, в котором стало резко меньше строк |
| `dry_run` | `false` | загрузить и посчитать, ничего не записывая |

**Если красное.** Фраза — в Note и в журнале `zakaz.meta_job_runs`; повтор безопасен: загрузка заменяет ровно то, что загружала.
Runbook: `docs/runbooks/sales.md`.
"""

from airflow.sdk import DAG, CronTriggerTimetable

from include.sales.names import QTICKETS_DAYS_DAG_ID, QTICKETS_DAYS_JOB, QTICKETS_POOL
from include.sales.schedule import IS_CONFIGURED, QTICKETS_DAYS_CRON, ZONE
from plugins.sales.loader import DEFAULT_ARGS, WINDOW_PARAMS, load_tasks

if IS_CONFIGURED:
    with DAG(
        dag_id=QTICKETS_DAYS_DAG_ID,
        description="Продажи: дни создания заказов целиком",
        doc_md=__doc__,
        schedule=CronTriggerTimetable(QTICKETS_DAYS_CRON, timezone=ZONE),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        params=WINDOW_PARAMS,
        tags=["sales"],
        default_args=DEFAULT_ARGS,
    ) as dag:
        load_tasks(QTICKETS_DAYS_JOB, QTICKETS_POOL)

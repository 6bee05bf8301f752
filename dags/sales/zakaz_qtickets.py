"""
# Продажи QTickets, каждые 15 минут: `zakaz_qtickets`

Мероприятия и показы, затем заказы, изменившиеся с прошлой загрузки (с перекрытием в 30 минут). Пустая база — последние 720 часов.

| Шаг | Что делает |
|---|---|
| `open` | что загружать, аренда кабинета, номер загрузки |
| `preflight` | доступ к источнику, схема ClickHouse, часы |
| `load` | ответ целиком, проверка, запись, сверка; по задаче на кабинет |
| `publish` | Note, событие актива |
| `close` | итог; единственный лист: красный, если загружено не всё |

| Параметр | По умолчанию | Что делает |
|---|---|---|
| `hours_back` | с прошлой загрузки | перечитать изменения за столько часов |
| `dry_run` | `false` | загрузить и посчитать, ничего не записывая |

**Если красное.** Фраза — в Note и в журнале `zakaz.meta_job_runs`; повтор безопасен: загрузка заменяет ровно то, что загружала.
Runbook: `docs/runbooks/sales.md`.
"""

from airflow.sdk import DAG, CronTriggerTimetable

from include.sales.names import QTICKETS_DAG_ID, QTICKETS_JOB, QTICKETS_POOL
from include.sales.schedule import IS_CONFIGURED, QTICKETS_CRON, ZONE
from plugins.sales.loader import DEFAULT_ARGS, DELTA_PARAMS, load_tasks

if IS_CONFIGURED:
    with DAG(
        dag_id=QTICKETS_DAG_ID,
        description="Продажи: что изменилось с прошлой загрузки",
        doc_md=__doc__,
        schedule=CronTriggerTimetable(QTICKETS_CRON, timezone=ZONE),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        params=DELTA_PARAMS,
        tags=["sales"],
        default_args=DEFAULT_ARGS,
    ) as dag:
        load_tasks(QTICKETS_JOB, QTICKETS_POOL)

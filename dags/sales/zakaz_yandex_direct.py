"""
# Реклама Яндекс Директа: `zakaz_yandex_direct`

Отчёты за последние дни, по задаче на логин. Пока Директ готовит отчёт, задача ждёт без места в очереди (deferred).

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
| `logins` | все | логины кабинетов |

**Если красное.** Фраза — в Note и в журнале `zakaz.meta_job_runs`; повтор безопасен: загрузка заменяет ровно то, что загружала.
Runbook: `docs/runbooks/sales.md`.
"""

from airflow.sdk import DAG, CronTriggerTimetable

from include.sales.names import DIRECT_DAG_ID, DIRECT_JOB, DIRECT_POOL
from include.sales.schedule import DIRECT_CRON, IS_CONFIGURED, ZONE
from plugins.sales.loader import DEFAULT_ARGS, WINDOW_PARAMS, accounts_param, load_tasks

if IS_CONFIGURED:
    with DAG(
        dag_id=DIRECT_DAG_ID,
        description="Реклама Яндекс Директа: дневная статистика кабинетов",
        doc_md=__doc__,
        schedule=CronTriggerTimetable(DIRECT_CRON, timezone=ZONE),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        params=WINDOW_PARAMS | accounts_param("logins", "логины"),
        tags=["sales"],
        default_args=DEFAULT_ARGS,
    ) as dag:
        load_tasks(DIRECT_JOB, DIRECT_POOL)

"""
# Реклама VK: `zakaz_vk_ads`

Объявления и дневная статистика за последние дни, по задаче на кабинет.

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
| `accounts` | все | номера кабинетов |

**Если красное.** Фраза — в Note и в журнале `zakaz.meta_job_runs`; повтор безопасен: загрузка заменяет ровно то, что загружала.
Runbook: `docs/runbooks/sales.md`.
"""

from airflow.sdk import DAG, CronTriggerTimetable

from include.sales.names import VK_ADS_DAG_ID, VK_ADS_JOB, VK_ADS_POOL
from include.sales.schedule import IS_CONFIGURED, VK_CRON, ZONE
from plugins.sales.loader import DEFAULT_ARGS, WINDOW_PARAMS, accounts_param, load_tasks

if IS_CONFIGURED:
    with DAG(
        dag_id=VK_ADS_DAG_ID,
        description="Реклама VK: дневная статистика кабинетов",
        doc_md=__doc__,
        schedule=CronTriggerTimetable(VK_CRON, timezone=ZONE),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        params=WINDOW_PARAMS | accounts_param("accounts", "кабинеты"),
        tags=["sales"],
        default_args=DEFAULT_ARGS,
    ) as dag:
        load_tasks(VK_ADS_JOB, VK_ADS_POOL)

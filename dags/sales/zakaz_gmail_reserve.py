"""
# Резервный канал, письма QTickets: `zakaz_gmail_reserve`

Выключен при установке; включают, когда API QTickets лежит (`make sales-on SOURCE=gmail`), можно и не выключать: письмо не прибавляется к
продажам, а заменяет итог мероприятия, пока оно новее ответа API.

| Шаг | Что делает |
|---|---|
| `open` | что загружать, аренда кабинета, номер загрузки |
| `preflight` | доступ к источнику, схема ClickHouse, часы |
| `load` | ответ целиком, проверка, запись, сверка; по задаче на кабинет |
| `publish` | Note, событие актива |
| `close` | итог; единственный лист: красный, если загружено не всё |

| Параметр | По умолчанию | Что делает |
|---|---|---|
| `days_back` | из настроек | письма за столько дней |
| `dry_run` | `false` | прочитать и посчитать, ничего не записывая |

**Если красное.** Фраза — в Note и в журнале `zakaz.meta_job_runs`; повтор безопасен: загрузка заменяет ровно то, что загружала.
Runbook: `docs/runbooks/sales.md`.
"""

from airflow.sdk import DAG, CronTriggerTimetable

from include.sales.names import GMAIL_DAG_ID, GMAIL_JOB, QTICKETS_POOL
from include.sales.schedule import GMAIL_CRON, IS_CONFIGURED, ZONE
from plugins.sales.loader import DEFAULT_ARGS, MAIL_PARAMS, load_tasks

if IS_CONFIGURED:
    with DAG(
        dag_id=GMAIL_DAG_ID,
        description="Резервный канал: письма с продажами",
        doc_md=__doc__,
        schedule=CronTriggerTimetable(GMAIL_CRON, timezone=ZONE),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=True,
        params=MAIL_PARAMS,
        tags=["sales"],
        default_args=DEFAULT_ARGS,
    ) as dag:
        load_tasks(GMAIL_JOB, QTICKETS_POOL)

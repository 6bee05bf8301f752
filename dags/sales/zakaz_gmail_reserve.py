"""
# Резервный канал, письма QTickets: `zakaz_gmail_reserve`

Выключен при установке; включают, когда API QTickets лежит (`make sales-on SOURCE=gmail`), можно и не выключать: письмо не прибавляется к
продажам, а заменяет итог мероприятия, пока оно новее ответа API.

| Параметр | По умолчанию | Что делает |
|---|---|---|
| `query` | из настроек | поиск писем, как в Gmail; подпись отправителя проверяется и тогда |
| `days_back` | из настроек | письма за столько дней |
| `limit` | все | столько самых новых писем |
| `dry_run` | `false` | прочитать и посчитать, ничего не записывая |
"""

from airflow.sdk import DAG

from include.sales.names import GMAIL_DAG_ID, GMAIL_JOB, QTICKETS_POOL
from include.sales.schedule import GMAIL_CRON, IS_CONFIGURED
from include.sales.wording.run_form import MANUAL
from plugins.sales.loader import MAIL_PARAMS, by_cron, load_tasks

if IS_CONFIGURED:
    with DAG(
        dag_id=GMAIL_DAG_ID,
        description="Резервный канал: письма с продажами",
        doc_md=__doc__ + MANUAL,
        params=MAIL_PARAMS,
        **by_cron(GMAIL_CRON, is_paused=True),
    ) as dag:
        load_tasks(GMAIL_JOB, QTICKETS_POOL)

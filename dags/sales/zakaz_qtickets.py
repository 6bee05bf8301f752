"""
# Продажи QTickets, каждые 15 минут: `zakaz_qtickets`

Мероприятия и показы, затем заказы, изменившиеся с прошлой загрузки (с перекрытием в 30 минут). Пустая база — последние 720 часов. Раз в час,
если включено (`QTICKETS_INVENTORY`), — сколько мест осталось на будущие показы.

| Параметр | По умолчанию | Что делает |
|---|---|---|
| `hours_back` | с прошлой загрузки | перечитать изменения за столько часов |
| `dry_run` | `false` | загрузить и посчитать, ничего не записывая |
"""

from airflow.sdk import DAG

from include.sales.names import QTICKETS_DAG_ID, QTICKETS_JOB, QTICKETS_POOL
from include.sales.schedule import IS_CONFIGURED, QTICKETS_CRON
from include.sales.wording.run_form import MANUAL
from plugins.sales.loader import DELTA_PARAMS, by_cron, load_tasks

if IS_CONFIGURED:
    with DAG(
        dag_id=QTICKETS_DAG_ID,
        description="Продажи: что изменилось с прошлой загрузки",
        doc_md=__doc__ + MANUAL,
        params=DELTA_PARAMS,
        **by_cron(QTICKETS_CRON),
    ) as dag:
        load_tasks(QTICKETS_JOB, QTICKETS_POOL)

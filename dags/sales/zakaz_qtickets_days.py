"""
# Продажи QTickets целыми днями: `zakaz_qtickets_days`

Каждую ночь дни создания заказов перечитываются целиком: поздние изменения, возвраты, удаления. Заказы старше, которые ещё могут измениться
(неоплаченные и на будущие показы), перечитываются по номерам. Этот DAG и заполняют задним числом
(`make sales-backfill SOURCE=qtickets FROM= TO=`): запуск backfill загружает ровно свой день.
"""

from airflow.sdk import DAG

from include.sales.names import QTICKETS_DAYS_DAG_ID, QTICKETS_DAYS_JOB, QTICKETS_POOL
from include.sales.schedule import IS_CONFIGURED, QTICKETS_DAYS_CRON
from include.sales.wording.run_form import WINDOW_MANUAL
from plugins.sales.loader import WINDOW_PARAMS, by_cron, load_tasks

if IS_CONFIGURED:
    with DAG(
        dag_id=QTICKETS_DAYS_DAG_ID,
        description="Продажи: дни создания заказов целиком",
        doc_md=__doc__ + WINDOW_MANUAL,
        params=WINDOW_PARAMS,
        **by_cron(QTICKETS_DAYS_CRON),
    ) as dag:
        load_tasks(QTICKETS_DAYS_JOB, QTICKETS_POOL)

"""
# Реклама Яндекс Директа: `zakaz_yandex_direct`

Отчёты за последние дни, по задаче на логин. Пока Директ готовит отчёт, задача ждёт без места в очереди (deferred). Параметр `logins` —
логины кабинетов, пусто — все.
"""

from airflow.sdk import DAG

from include.sales.names import DIRECT_DAG_ID, DIRECT_JOB, DIRECT_POOL
from include.sales.schedule import DIRECT_CRON, IS_CONFIGURED
from include.sales.wording.run_form import WINDOW_MANUAL
from plugins.sales.loader import WINDOW_PARAMS, accounts_param, by_cron, load_tasks

if IS_CONFIGURED:
    with DAG(
        dag_id=DIRECT_DAG_ID,
        description="Реклама Яндекс Директа: дневная статистика кабинетов",
        doc_md=__doc__ + WINDOW_MANUAL,
        params=WINDOW_PARAMS | accounts_param("logins", "логины"),
        **by_cron(DIRECT_CRON),
    ) as dag:
        load_tasks(DIRECT_JOB, DIRECT_POOL)

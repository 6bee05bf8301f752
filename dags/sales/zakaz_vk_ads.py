"""
# Реклама VK: `zakaz_vk_ads`

Объявления и дневная статистика за последние дни, по задаче на кабинет. Параметр `accounts` — номера кабинетов, пусто — все.
"""

from airflow.sdk import DAG

from include.sales.names import VK_ADS_DAG_ID, VK_ADS_JOB, VK_ADS_POOL
from include.sales.schedule import IS_CONFIGURED, VK_CRON
from include.sales.wording.run_form import WINDOW_MANUAL
from plugins.sales.loader import WINDOW_PARAMS, accounts_param, by_cron, load_tasks

if IS_CONFIGURED:
    with DAG(
        dag_id=VK_ADS_DAG_ID,
        description="Реклама VK: дневная статистика кабинетов",
        doc_md=__doc__ + WINDOW_MANUAL,
        params=WINDOW_PARAMS | accounts_param("accounts", "кабинеты"),
        **by_cron(VK_CRON),
    ) as dag:
        load_tasks(VK_ADS_JOB, VK_ADS_POOL)

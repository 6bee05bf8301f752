"""Descriptions of the pools of ticket sales and of the call centre in Airflow's UI, by the pool's name."""

from include.call_centre import names as call_centre
from include.sales import names as sales

POOLS = {
    call_centre.LLM_POOL: "Сколько задач спрашивают языковые модели сразу",
    sales.QTICKETS_POOL: "Сколько загрузок QTickets сразу",
    sales.VK_ADS_POOL: "Сколько кабинетов VK загружается сразу",
    sales.DIRECT_POOL: "Сколько кабинетов Директа загружается сразу",
    sales.WAREHOUSE_POOL: "Сколько задач сразу работают с ClickHouse целиком: копии, восстановление",
}

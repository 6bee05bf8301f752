"""Descriptions of the pools in Airflow's UI, by the pool's name."""

from include.calls.names import PORTAL_POOL
from include.common.names import RECOGNISER_POOL
from include.sales import names as sales

POOLS = {
    PORTAL_POOL: "Сколько задач сразу говорят с порталом",
    sales.QTICKETS_POOL: "Сколько загрузок QTickets сразу",
    sales.VK_ADS_POOL: "Сколько кабинетов VK загружается сразу",
    sales.DIRECT_POOL: "Сколько кабинетов Директа загружается сразу",
    sales.WAREHOUSE_POOL: "Сколько задач сразу работают с ClickHouse целиком: копии, восстановление",
    RECOGNISER_POOL: "Сколько записей распознаётся сразу (TRANSCRIBE_CONCURRENCY)",
}

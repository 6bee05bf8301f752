"""Descriptions of the pools of ticket sales in Airflow's UI, by the pool's name."""

from include.sales import names as sales

POOLS = {
    sales.QTICKETS_POOL: "Сколько загрузок QTickets сразу",
    sales.VK_ADS_POOL: "Сколько кабинетов VK загружается сразу",
    sales.DIRECT_POOL: "Сколько кабинетов Директа загружается сразу",
    sales.WAREHOUSE_POOL: "Сколько задач сразу работают с ClickHouse целиком: копии, восстановление",
}

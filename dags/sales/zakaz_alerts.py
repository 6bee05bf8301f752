"""
# Оповещения: `zakaz_alerts`

Раз в два часа: что отстало, не запускалось, не работает, чего нет в данных (пропущенные дни, невозможные строки, витрины, которые
расходятся с билетами: `include/sales/state/warehouse/checks`). Каждая беда — одно оповещение, пока длится: письмо при открытии, при ухудшении, через
сутки без ответа и когда прошло. Упавший запуск открывает своё оповещение сразу. Подтвердить: `make sales-alerts ACK=номер BY=имя`.

| Параметр | По умолчанию | Что делает |
|---|---|---|
| `check_health` | `true` | `false`: ничего не проверять, только отправить то, что уже открыто |
"""

from airflow.sdk import DAG, task
from airflow.sdk import get_current_context as context

from include.sales.names import ALERTS_DAG_ID
from include.sales.schedule import ALERTS_CRON, IS_CONFIGURED
from plugins.sales import operations
from plugins.sales.loader import ALERT_PARAMS, by_cron

if IS_CONFIGURED:
    with DAG(
        dag_id=ALERTS_DAG_ID,
        description="Оповещения о продажах и рекламе",
        doc_md=__doc__,
        params=ALERT_PARAMS,
        **by_cron(ALERTS_CRON),
    ) as dag:

        @task
        def alert() -> int:
            """Opens and closes alerts, sends one digest; returns how many alerts it had."""
            return operations.alert(context())

        alert()

"""
# Проверка копии восстановлением: `zakaz_restore_check`

По воскресеньям: копия восстанавливается во вторую базу (`zakaz_restore`), каждая таблица сравнивается с описью, витрины отвечают, база удаляется.

| Параметр | По умолчанию | Что делает |
|---|---|---|
| `backup` | последняя | имя копии |

**Если красное.** `restore_mismatch`: копия не та, что снимали — сделайте полную (`make sales-backup MODE=full`) и проверьте её.
"""

from airflow.sdk import DAG, task
from airflow.sdk import get_current_context as context

from include.sales.names import RESTORE_CHECK_DAG_ID, WAREHOUSE_POOL
from include.sales.schedule import IS_CONFIGURED, RESTORE_CHECK_CRON
from plugins.sales import operations
from plugins.sales.loader import BACKUP_PARAM, by_cron

if IS_CONFIGURED:
    with DAG(
        dag_id=RESTORE_CHECK_DAG_ID,
        description="Копия восстанавливается рядом и сравнивается",
        doc_md=__doc__,
        params={"backup": BACKUP_PARAM},
        **by_cron(RESTORE_CHECK_CRON),
    ) as dag:

        @task(pool=WAREHOUSE_POOL)
        def restore_check() -> str:
            """Restores a backup into a second database and compares it; returns its name."""
            return operations.restore_check(context())

        restore_check()

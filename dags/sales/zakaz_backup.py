"""
# Копии ClickHouse: `zakaz_backup`

Каждые четыре часа: в 02:30 полная, иначе добавочная к последней; с описью таблиц, по которой её сверяют. Хранит их диск, названный в `CH_BACKUP_TO`.
Старые (полные — 28 дней, добавочные — 7) удаляются, если папка диска видна отсюда (`CH_BACKUP_FOLDER`); иначе Note говорит, сколько их удалить.

| Параметр | По умолчанию | Что делает |
|---|---|---|
| `mode` | `auto` | `full` — полная, `incremental` — добавочная |

**Если красное.** Фраза в Note; прежние копии целы. Runbook: `docs/runbooks/sales.md`, «Копии».
"""

from airflow.sdk import DAG, Param, task
from airflow.sdk import get_current_context as context

from include.sales.names import BACKUP_DAG_ID, WAREHOUSE_POOL
from include.sales.schedule import BACKUP_CRON, IS_CONFIGURED
from include.sales.wording import run_form as words
from plugins.sales import operations
from plugins.sales.loader import by_cron

MODES = ["auto", "full", "incremental"]

if IS_CONFIGURED:
    with DAG(
        dag_id=BACKUP_DAG_ID,
        description="Копии базы ClickHouse, полные и добавочные",
        doc_md=__doc__,
        params={
            "mode": Param(
                "auto", type="string", enum=MODES, title=words.BACKUP_MODE[0], description=words.BACKUP_MODE[1]
            )
        },
        **by_cron(BACKUP_CRON),
    ) as dag:

        @task(pool=WAREHOUSE_POOL)
        def back_up() -> str:
            """A backup with its manifest, its chain verified; returns its name."""
            return operations.back_up(context())

        back_up()

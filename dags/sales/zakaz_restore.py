"""
# Восстановление из копии: `zakaz_restore`

Заменяет таблицы `zakaz` копией. Сначала сравнивает опись копии с тем, что в таблицах сейчас, и спрашивает человека (Required Actions; сутки без ответа — отказ);
затем восстанавливает рядом, сверяет с описью и меняет таблицы по одной, пока загрузки стоят. До замены витрины показывают прежнее.

| Параметр | По умолчанию | Что делает |
|---|---|---|
| `backup` | последняя | имя копии, список: `make sales-backup-verify` |
| `tables` | все | только эти таблицы |

**После.** Note называет команды, которые догрузят то, что было после копии; QTickets догрузит сам. Прежние таблицы — во второй базе
`zakaz_restore` до ближайшей проверки копий. **Если красное.** Таблицы прежние или уже из копии, каждая целиком: запуск можно повторить.
"""

from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Param, task
from airflow.sdk import get_current_context as context

from include.sales.names import RESTORE_DAG_ID, WAREHOUSE_POOL
from include.sales.schedule import IS_CONFIGURED
from include.sales.wording import run_form as words
from plugins.sales import operations
from plugins.sales.loader import BACKUP_PARAM, DAG_ARGS

LONGEST_WAIT = timedelta(days=1)  # later the comparison says nothing any more

if IS_CONFIGURED:
    with DAG(
        dag_id=RESTORE_DAG_ID,
        description="Таблицы ClickHouse заменяются копией, с согласия человека",
        doc_md=__doc__,
        schedule=None,
        params={
            "backup": BACKUP_PARAM,
            "tables": Param(
                [], type="array", items={"type": "string"}, title=words.TABLES[0], description=words.TABLES[1]
            ),
        },
        **DAG_ARGS,
    ) as dag:

        @task(pool=WAREHOUSE_POOL)
        def compare() -> dict[str, str]:
            """The backup's manifest beside the tables; returns the question."""
            return operations.compare_backup(context())

        @task(pool=WAREHOUSE_POOL)
        def restore(question: dict[str, str]) -> str:
            """Restores beside, compares, exchanges the tables; returns the backup's name."""
            return operations.restore(context(), question["backup"])

        question = compare()
        decide = ApprovalOperator(
            task_id="decide",
            defaults=ApprovalOperator.REJECT,
            response_timeout=LONGEST_WAIT,
            execution_timeout=None,
            subject="{{ ti.xcom_pull(task_ids='compare')['subject'] }}",
            body="{{ ti.xcom_pull(task_ids='compare')['body'] }}",
        )
        question >> decide >> restore(question)

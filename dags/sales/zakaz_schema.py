"""
# Схема ClickHouse: `zakaz_schema`

Миграции, витрины и права базы `zakaz`. То же делает `make up`; запускают вручную после обновления или `make sales-migrate`.

| Параметр | По умолчанию | Что делает |
|---|---|---|
| `dry_run` | `false` | только показать, что будет сделано |

**Если красное.** `migration_blocked`: старый файл миграции изменён — верните его. Нет прав — `CH_ADMIN_USER`. Runbook: `docs/runbooks/sales.md`.
"""

from airflow.sdk import DAG, task
from airflow.sdk import get_current_context as context

from include.sales.names import SCHEMA_DAG_ID
from include.sales.schedule import IS_CONFIGURED
from plugins.sales import tasks
from plugins.sales.loader import DAG_ARGS, DRY_RUN

if IS_CONFIGURED:
    with DAG(
        dag_id=SCHEMA_DAG_ID,
        description="Миграции, витрины и права ClickHouse",
        doc_md=__doc__,
        schedule=None,
        params={"dry_run": DRY_RUN},
        **DAG_ARGS,
    ) as dag:

        @task
        def apply() -> None:
            """Migrations, views and grants; safe to repeat."""
            tasks.apply_schema(context())

        apply()

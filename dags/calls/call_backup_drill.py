"""
# Учение: `call_backup_drill`

Первого числа каждого месяца: последняя проверенная копия восстанавливается ещё раз, и каждый файл хранилища во втором месте читается целиком и
сверяется. Сколько секунд заняло восстановление баз — в Note и в метрике `call_export_backup_restore_seconds`.

| Шаг | Что делает |
|---|---|
| `drill` | восстанавливает базы во временные, сравнивает таблицы, читает все файлы копии |

Испорченный пакет файлов помечается: следующая копия сложит его файлы заново, если хранилище их ещё хранит.
Восстановление: `docs/runbooks/backups.md`.
"""

from datetime import timedelta

from airflow.sdk import DAG, task
from airflow.sdk import get_current_context as context

from include.calls.names import BACKUP_DRILL_DAG_ID
from include.calls.schedule import BACKUP_DRILL_CRON
from plugins.calls import backup_tasks

with DAG(
    dag_id=BACKUP_DRILL_DAG_ID,
    description="Ежемесячное учение: копия восстановлена, каждый её файл прочитан",
    doc_md=__doc__,
    schedule=BACKUP_DRILL_CRON,
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    tags=["bitrix24", "calls"],
    default_args={
        "owner": "dataops",
        "execution_timeout": timedelta(hours=12),
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
    },
) as dag:

    @task
    def drill() -> None:
        """Restores the last verified backup into scratch databases and reads every file of it."""
        backup_tasks.drill(context())

    drill()

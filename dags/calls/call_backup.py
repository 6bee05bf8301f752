"""
# Копия системы: `call_backup`

Каждый день в 00:15 UTC: база состояния, база Airflow, настройки без секретов и новые файлы хранилища — зашифрованными во второе место
(`BACKUP_URL`, ключ `BACKUP_KEY`). Не заданы — запуск пропускается и говорит об этом в Note.

| Шаг | Что делает |
|---|---|
| `back_up` | снимает обе базы одним моментом каждую, складывает файлы, которых во втором месте ещё нет |
| `verify` | восстанавливает базы во временные и сравнивает каждую таблицу; только после этого копия считается копией |
| `rotate` | оставляет 7 ежедневных, 4 еженедельные, 6 ежемесячных |

**Если красное.** `back_up`: место не отвечает или на нём тесно — фраза в Note. `verify`: копия испорчена или не совпала; прежние целы,
сделайте новую — `make backup`. Восстановление: `docs/runbooks/backups.md`.
"""

from datetime import timedelta

from airflow.sdk import DAG, task
from airflow.sdk import get_current_context as context

from include.calls.names import BACKUP_DAG_ID
from include.calls.schedule import BACKUP_CRON
from plugins.calls import backup_tasks

with DAG(
    dag_id=BACKUP_DAG_ID,
    description="Зашифрованная копия баз и файлов во втором месте, проверенная восстановлением",
    doc_md=__doc__,
    schedule=BACKUP_CRON,
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    tags=["bitrix24", "calls"],
    default_args={
        "owner": "dataops",
        "execution_timeout": timedelta(hours=12),  # the first backup takes every file of the storage
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
    },
) as dag:

    @task
    def back_up() -> str:
        """Stores one backup at the second place; returns its id."""
        return backup_tasks.back_up(context())

    @task
    def verify(backup_id: str) -> None:
        """Restores it into scratch databases and compares every table."""
        backup_tasks.verify(context(), backup_id)

    @task
    def rotate() -> int:
        """Deletes what the rule does not keep; returns how many."""
        return backup_tasks.rotate(context())

    verify(back_up()) >> rotate()

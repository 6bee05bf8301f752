"""
# Сроки хранения: `call_retention`

Раз в сутки удаляет то, чему вышел срок (`retention_days` в `include/calls/policy.yaml`). Выключать не нужно: сроки обещаны заказчику.

| Шаг | Что делает |
|---|---|
| `retention` | аудио, ответы распознавателя, тексты и саммари — по дню звонка; отчёты, реестры, журналы и копии для заказчика — по дню файла; события и персональные данные строк — по своим срокам |

| Параметр | Что значит |
|---|---|
| `dry_run` | ничего не удалять, только посчитать |

Сколько чего удалено, говорят Note запуска и файл `retention/retention_<время>.md` в хранилище. Удалённый текст не покупается снова ни одним
запуском. Что на удержании (`make hold`), не трогается. Прерванный запуск продолжится с того же места. Runbook: `docs/runbooks/call_export.md`.
"""

from datetime import timedelta

from airflow.sdk import DAG, task
from airflow.sdk import get_current_context as context

from include.calls.names import RETENTION_DAG_ID
from include.calls.schedule import RETENTION_CRON
from plugins.calls import tasks
from plugins.calls.run_form import retention_form

with DAG(
    dag_id=RETENTION_DAG_ID,
    description="Удаляет записи, тексты и отчёты по срокам хранения",
    doc_md=__doc__,
    schedule=RETENTION_CRON,
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,  # the periods are promised to the customer
    params=retention_form(),
    tags=["bitrix24", "calls"],
    default_args={
        "owner": "dataops",
        "execution_timeout": timedelta(hours=4),
        "retries": 3,
        "retry_delay": timedelta(minutes=10),
    },
) as dag:

    @task
    def retention() -> None:
        """Ends what is past its period."""
        tasks.retention(context())

    retention()

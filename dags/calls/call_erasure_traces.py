"""
# Следы стирания в Airflow: `call_erasure_traces`

Раз в час удаляет DAG-запуски `call_erasure`, которые кончились больше часа назад: в их параметрах — номер или id звонка. Вместе с запуском Airflow удаляет его
задачи, XCom, показанные поля и вопрос. Запуск, чьё стирание не доведено до конца, остаётся
на 30 дней: его задачу ещё можно очистить (Clear). Потом требование без решения считается отказом, а согласованное доводит до конца `make erase-again`.

| Шаг | Что делает |
|---|---|
| `erase_traces` | спрашивает Airflow о кончившихся запусках и удаляет их |

Выключать не нужно. Runbook: `docs/runbooks/erasure.md`.
"""

from datetime import timedelta

from airflow.sdk import DAG, task

from include.calls.names import ERASURE_TRACES_DAG_ID
from plugins.calls import erasure_tasks

with DAG(
    dag_id=ERASURE_TRACES_DAG_ID,
    description="Удаляет кончившиеся DAG-запуски call_erasure: в их параметрах номер телефона",
    doc_md=__doc__,
    schedule="47 * * * *",
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,  # without it the parameters of an erasure would stay in Airflow for ever
    tags=["bitrix24", "calls"],
    default_args={
        "owner": "dataops",
        "execution_timeout": timedelta(minutes=10),
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
    },
) as dag:

    @task
    def erase_traces() -> int:
        """Returns how many DAG runs were deleted."""
        return erasure_tasks.erase_traces()

    erase_traces()

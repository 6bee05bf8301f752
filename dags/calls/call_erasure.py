"""
# Стереть звонки человека: `call_erasure`

По требованию человека, с согласия второго сотрудника: аудио, тексты, саммари, замечания, копии в папках периодов; реестры, отчёты и журналы, где
звонок назван, переписываются без него. Стёртое не возвращается: завтрашняя выгрузка эти звонки не принесёт.

| Шаг | Что делает |
|---|---|
| `register` | проверяет параметры и записывает требование: хеш и скрытый вид номера, не сам номер |
| `decide` | считает, что найдено, и ждёт ответа **другого** человека на вкладке Required Actions; ответ запустившего не принимается |
| `erase` | стирает, ищет снова, пишет доказательство в `erasures/<id>/` хранилища; розовый — отказано |

**Параметры** (номер или id звонка — что-то одно)

| Параметр | Что делает |
|---|---|
| `erase_number` | номер телефона в любом написании |
| `erase_call_id` | id звонка, как в реестре (`call_id`) |
| `reason` | основание: номер обращения; без имён и номеров телефонов |
| `asked_by` | кто потребовал: сам человек, представитель, суд; без имён и номеров телефонов |
| `demanded_on` | день обращения, ГГГГ-ММ-ДД; пусто — сегодня |

**Повторять безопасно.** Прерванное стирание продолжается с того же места: очистите (Clear) `erase`. Нет ответа 30 дней — отказ. Этот DAG-запуск через
час после конца удалит `call_erasure_traces`: в его параметрах — номер. Что стёрто, помнят база и доказательство.
Runbook: `docs/runbooks/erasure.md`.
"""

from datetime import timedelta
from uuid import UUID

from airflow.sdk import DAG, Param, task
from airflow.sdk import get_current_context as context

from include.calls.names import ERASURE_DAG_ID
from include.calls.wording.erasure_form import PARAMETERS
from plugins.airflow_kit.retry import PORTAL_LADDER, TASK_RETRIES, LadderRetryPolicy
from plugins.calls import erasure_tasks
from plugins.calls.operators.erasure_approval import ErasureApprovalOperator

BASE_SECONDS = 5.0

with DAG(
    dag_id=ERASURE_DAG_ID,
    description="Стирает звонки человека по его требованию, с согласия второго сотрудника",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=16,
    is_paused_upon_creation=False,
    params={
        name: Param(None, type=["null", "string"], title=title, description=text)
        for name, (title, text) in PARAMETERS.items()
    },
    tags=["bitrix24", "calls"],
    default_args={
        "owner": "dataops",
        "execution_timeout": timedelta(hours=6),
        "retries": TASK_RETRIES,
        "retry_delay": timedelta(seconds=BASE_SECONDS),
        "retry_policy": LadderRetryPolicy(BASE_SECONDS, PORTAL_LADDER),
    },
) as dag:

    @task
    def register() -> UUID:
        """Stores the demand without the number."""
        return erasure_tasks.register(context())

    @task
    def erase(erasure_id: UUID, go: bool) -> None:
        """Erases, looks again, proves; skipped after a refusal."""
        erasure_tasks.erase(context(), erasure_id, go=go)

    demand = register()
    decide = ErasureApprovalOperator(task_id="decide", erasure_id=demand)  # its output: whether to go on
    erase(demand, decide.output)

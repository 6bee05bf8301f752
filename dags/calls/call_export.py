"""
# Тексты звонков Bitrix24: `call_export`

Выгружает за период тексты всех звонков портала: список звонков → аудио → распознавание → реестр CSV и отчёт.
Расписание: `CALL_EXPORT_CRON` (по умолчанию каждый день в 02:00 UTC), без параметров — последние 60 дней.

| Шаг | Что делает |
|---|---|
| `open_run` | проверяет период, заводит строку в `call_exports` |
| `preflight` | права вебхука, распознаватель, хранилище: до первой траты |
| `list_calls` | все звонки периода — строками в `call_records` |
| `plan` | берёт готовые тексты прежних запусков, считает прогноз, делит остальное на пачки; выше бюджета — спрашивает |
| `batch.download` → `batch.transcribe` → `batch.summarize` | каждая пачка идёт сама, не дожидаясь других |
| `want_summaries` | розовый — саммари не просили, и `batch.summarize` всех пачек пропущены: так и должно быть |
| `publish` | реестр, отчёт, журнал |
| `close_run` | итог: зелёный, если тексты есть у ≥ 99 % записей и ошибок ≤ 1 % |

**Что сейчас происходит** — в заметке запуска (Note) и в названиях пачек.

**Параметры**

| Параметр | По умолчанию | Что делает |
|---|---|---|
| `period_from` | today-60d | начало периода: 2025-08-01, 2025-08-01T10:00:00+03:00, today или today-60d; UTC, если смещение не указано |
| `period_to` | сейчас | конец периода, включительно: 2025-08-01, 2025-08-01T10:00:00+03:00, today или today-60d; UTC, если смещение не указано |
| `generate_summary` | `false` | саммари и теги: увеличивает стоимость; нужен и CALL_SUMMARY_ENABLED=true |
| `dry_run` | `false` | только прогноз: ничего не скачивать и не тратить |
| `low_rate` | `false` | щадить портал: 0,5 запроса в секунду |
| `allow_long_period` | `false` | разрешить период длиннее 90 дней: столько портал обещает хранить записи |
| `limit_calls` | `0` | не больше записей: проба; 0 — все; реестр и отчёт с _trial в имени, полных не заменяют |
| `resume_run_id` | новый запуск | продолжить запуск: взяться за всё незаконченное запуска с этим run_id; период прежний |
| `replay_dlq` | `false` | вернуть из DLQ: вместе с resume_run_id; записи, отложенные после суток неудач |
| `deliver_texts` | да, кроме запусков по расписанию | сложить тексты в папку периода: копии текстов и саммари рядом с реестром |
| `deliver_audio` | `false` | сложить туда и аудио: копии записей в raw/ папки периода |
| `idempotency_key` | новый запуск | ключ идемпотентности: повтор с тем же ключом ничего не создаёт; до 128 знаков |

**Повторять безопасно**: уже купленный текст не покупается второй раз, уже скачанное не скачивается.

**Если `plan` ждёт (awaiting_input).** Прогноз больше чем на 20 % выше `BUDGET_USD`: откройте запуск, вкладка Required Actions,
прочтите вопрос и выберите Approve или Reject. До ответа ничего не скачивается и не тратится, место в пулах не занято. Approve —
запуск потратит не больше названной суммы и остановится, дойдя до неё. Reject или нет ответа (`approval_timeout_hours` в
policy.yaml, 12 часов) — запуск зелёный (решение человека не сбой), в заметке Cancelled и кто отказал, в `call_exports` —
`cancelled`; реестр и отчёт показывают, что есть и чего нет. `make resume RUN_ID=...` спросит снова.

**Если красное.** Красная пачка: часть записей закончилась ошибкой, причина — в логе пачки и в реестре (`error_code`). Очистите
(Clear) эту пачку вместе с Downstream: заново пойдут только её незаконченные записи, реестр и отчёт перепишутся. Красный
`open_run` или `preflight`: одно предложение в логе и в заметке говорит, что исправить; потом `make resume RUN_ID=...`.
Runbook: `docs/runbooks/call_export.md`.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from airflow.sdk import DAG, AsyncCallback, DeadlineAlert, TriggerRule, task, task_group
from airflow.sdk import get_current_context as context

from include.calls.names import DAG_ID, PORTAL_POOL
from include.calls.schedule import CRON, PORTAL_BACKOFF_SECONDS, RECOGNITION_BACKOFF_SECONDS, SLA_HOURS
from include.common.names import PORTAL_QUEUE, RECOGNISER_POOL, RECOGNISER_QUEUE
from plugins.airflow_kit.deadlines import FirstQueuedAt, unless_tested
from plugins.airflow_kit.queues import queue_of
from plugins.airflow_kit.retry import PORTAL_LADDER, RECOGNITION_LADDER, TASK_RETRIES, LadderRetryPolicy
from plugins.calls import tasks
from plugins.calls.assets import PUBLISHED
from plugins.calls.operators.approval import PlanWithApprovalOperator
from plugins.calls.operators.transcribe import TranscribeBatchOperator
from plugins.calls.run_form import run_form
from plugins.calls.slack_messages import run_failed

# Absolute weights. The scheduler starts the heaviest waiting task of each query first: a later task of a batch weighs
# more than an earlier one, or 500 downloads fill every query and no text is ever recognised (apache/airflow#45636). Tasks
# that a whole run waits for weigh most.
WEIGHT = {"download": 1, "transcribe": 10, "summarize": 20, "single": 30}

# `retry_delay` is the ladder's first step: Airflow asks no retry policy after a killed process.
PORTAL: dict[str, Any] = {
    "retries": TASK_RETRIES,
    "retry_delay": timedelta(seconds=PORTAL_BACKOFF_SECONDS),
    "retry_policy": LadderRetryPolicy(PORTAL_BACKOFF_SECONDS, PORTAL_LADDER),
    "weight_rule": "absolute",
}
RECOGNITION = PORTAL | {
    "retry_delay": timedelta(seconds=RECOGNITION_BACKOFF_SECONDS),
    "retry_policy": LadderRetryPolicy(RECOGNITION_BACKOFF_SECONDS, RECOGNITION_LADDER),
    "pool": RECOGNISER_POOL,
    **queue_of(RECOGNISER_QUEUE),
}
BATCH_LABEL = "{{ batch_label }}"  # set by the task: the batch's number, recordings and minutes

with DAG(
    dag_id=DAG_ID,
    description="Тексты всех звонков портала Bitrix24: аудио, тексты, реестр, отчёт",
    doc_md=__doc__,
    schedule=CRON,
    catchup=False,
    max_active_runs=4,
    params=run_form(),
    tags=["bitrix24", "calls"],
    default_args={"owner": "dataops", "execution_timeout": timedelta(hours=SLA_HOURS)},
    on_failure_callback=run_failed,
    deadline=unless_tested(
        DeadlineAlert(
            name="sla",
            reference=FirstQueuedAt(),
            interval=timedelta(hours=SLA_HOURS),
            callback=AsyncCallback("plugins.calls.slack_messages.deadline_missed"),
        )
    ),
) as dag:

    @task(**PORTAL, priority_weight=WEIGHT["single"])
    def open_run() -> UUID:
        """Resolves the period once, from the run's own time, and registers the run; returns its run_id."""
        return tasks.open_run(context())

    @task(**PORTAL, priority_weight=WEIGHT["single"], pool=PORTAL_POOL, **queue_of(PORTAL_QUEUE))
    def preflight(run: UUID) -> None:
        """Checks access and configuration before the run lists or spends anything."""
        tasks.preflight(context(), run)

    @task(**PORTAL, priority_weight=WEIGHT["single"], pool=PORTAL_POOL, **queue_of(PORTAL_QUEUE))
    def list_calls(run: UUID) -> int:
        """Every call of the period becomes a row of `call_records`; returns how many."""
        return tasks.list_calls(context(), run)

    @task(
        **PORTAL,
        priority_weight=WEIGHT["download"],
        pool=PORTAL_POOL,
        **queue_of(PORTAL_QUEUE),
        map_index_template=BATCH_LABEL,
    )
    def download(run: UUID, batch: int) -> int:
        """Stores the audio of the batch's recordings; returns how many are stored."""
        return tasks.download(context(), run, batch)

    @task(**PORTAL, priority_weight=WEIGHT["single"])
    def want_summaries(run: UUID) -> None:
        """Skipped if summaries were not asked for: then the scheduler skips each `summarize` without starting it."""
        tasks.want_summaries(run)

    @task(
        **RECOGNITION, priority_weight=WEIGHT["summarize"], trigger_rule=TriggerRule.NONE_SKIPPED,
        map_index_template=BATCH_LABEL,
    )  # fmt: skip
    def summarize(run: UUID, batch: int) -> int:
        """Summaries and tags of the batch's texts; returns how many were written."""
        return tasks.summarize(context(), run, batch)

    @task(**PORTAL, priority_weight=WEIGHT["single"], trigger_rule=TriggerRule.ALL_DONE, outlets=[PUBLISHED])
    def publish(run: UUID | None) -> None:
        """Registry, report and run log, whatever became of the batches."""
        tasks.publish(context(), run)

    @task(**PORTAL, priority_weight=WEIGHT["single"], trigger_rule=TriggerRule.ALL_DONE)
    def close_run(run: UUID | None) -> None:
        """The verdict. The DAG's only leaf: it fails exactly if the run is not good enough."""
        tasks.close_run(context(), run)

    # ---------------------------------------------------------------- The shape

    run = open_run()
    summaries = want_summaries(run)

    @task_group
    def batch(run: UUID, batch: int) -> None:
        transcribe = TranscribeBatchOperator(
            task_id="transcribe",
            run_id=run,
            batch=batch,
            priority_weight=WEIGHT["transcribe"],
            trigger_rule=TriggerRule.ALL_DONE,  # a recording that failed to download must not hold up its batch
            map_index_template=BATCH_LABEL,
            **RECOGNITION,
        )
        [download(run, batch) >> transcribe, summaries] >> summarize(run, batch)

    plan = PlanWithApprovalOperator(
        task_id="plan", run_id=run, **PORTAL, priority_weight=WEIGHT["single"]
    )  # its output: the batches' numbers
    published = publish(run)

    preflight(run) >> list_calls(run) >> plan
    batch.partial(run=run).expand(batch=plan.output) >> published >> close_run(run)
    dag.get_task("batch.transcribe") >> published  # `summarize` may be skipped long before the texts are there

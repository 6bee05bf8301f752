"""
# Оценка звонков по картам: `callcenter_quality`

Оценивает тексты, у которых оценки ещё нет. Будят его новые тексты `call_export` и часы (каждые 15 минут); что делать, он
узнаёт из базы, а не из события. Один текст по одной карте покупается один раз.

| Шаг | Что делает |
|---|---|
| `open` | проверяет карты и период, заводит запуск |
| `plan` | тексты без оценки, прогноз, пачки; дороже бюджета запуска или дня — спрашивает |
| `score` | пачка: по запросу на текст, цитаты проверяются, балл считает код |
| `publish` | событие актива `callcenter/scores` |
| `close` | итог и цифры дней; единственный лист: красный, если оценено не всё |

| Параметр | По умолчанию | Что делает |
|---|---|---|
| `card` | `QUALITY_CARDS` | только эта карта |
| `date_from` | 60 дней назад | первый день звонков |
| `date_to` | сейчас | последний день, включительно |
| `call_ids` | все | только эти звонки, по их id; и те, что уже не раз не получились |
| `limit` | `0` | не больше текстов; 0 — все |
| `dry_run` | `false` | только прогноз |
| `rescore` | `false` | оценить ещё раз провайдером `provider`; прежняя оценка остаётся рядом |
| `provider` | по таблице маршрутов | чья оценка нужна, вместе с `rescore` |

**Если `plan` ждёт (awaiting_input).** Прогноз выше бюджета: вкладка Required Actions, Approve или Reject. Ответа нет 12 часов —
запуск отменён, ничего не потрачено. Пока вопрос открыт, следующие запуски ждут.

**Если красное.** Фраза — в Note и в логе; очистите (Clear) красную пачку вместе с Downstream: оценённое не покупается снова.
Runbook: `docs/runbooks/quality.md`.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable, Param, TriggerRule, task
from airflow.sdk import get_current_context as context

from include.call_centre.names import LLM_POOL, QUALITY_DAG_ID
from include.call_centre.schedule import IS_CONFIGURED, QUALITY_CRON, ZONE

if IS_CONFIGURED:
    from plugins.airflow_kit.retry import RECOGNITION_LADDER, TASK_RETRIES, LadderRetryPolicy
    from plugins.call_centre import tasks
    from plugins.call_centre.operators.plan_scores import PlanScoresOperator
    from plugins.call_centre.quality_assets import NEW_TEXTS, PUBLISHED

    WEIGHT = {"score": 10, "single": 30}  # absolute: what a whole run waits for weighs most
    RETRIES: dict[str, Any] = {
        "retries": TASK_RETRIES,
        "retry_delay": timedelta(seconds=10),
        "retry_policy": LadderRetryPolicy(10, RECOGNITION_LADDER),
        "weight_rule": "absolute",
    }

    with DAG(
        dag_id=QUALITY_DAG_ID,
        description="Оценка звонков по картам, с цитатами",
        doc_md=__doc__,
        schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable(QUALITY_CRON, timezone=ZONE), assets=[NEW_TEXTS]),
        catchup=False,
        max_active_runs=1,
        params={
            "card": Param(None, type=["null", "string"], title="карта", description="пусто — QUALITY_CARDS"),
            "date_from": Param(None, type=["null", "string"], format="date", title="первый день"),
            "date_to": Param(None, type=["null", "string"], format="date", title="последний день"),
            "call_ids": Param([], type="array", items={"type": "string"}, maxItems=1000, title="звонки"),
            "limit": Param(0, type="integer", minimum=0, title="не больше текстов", description="0 — все"),
            "dry_run": Param(False, type="boolean", title="только прогноз"),
            "rescore": Param(False, type="boolean", title="оценить ещё раз", description="провайдером ниже"),
            "provider": Param(None, type=["null", "string"], title="провайдер"),
        },
        tags=["callcenter"],
        default_args={"owner": "dataops", "execution_timeout": timedelta(hours=6)},
    ) as dag:

        @task(task_id="open", **RETRIES, priority_weight=WEIGHT["single"])
        def open_run() -> UUID:
            """Checks cards and period and registers the run; returns its run_id."""
            return tasks.open_run(context())

        @task(**RETRIES, priority_weight=WEIGHT["score"], pool=LLM_POOL)
        def score(run: UUID, batch: int) -> int:
            """Scores the texts of one batch; returns how many."""
            return tasks.score(context(), run, batch)

        @task(**RETRIES, priority_weight=WEIGHT["single"], trigger_rule=TriggerRule.ALL_DONE, outlets=[PUBLISHED])
        def publish(run: UUID | None) -> None:
            """The asset's event, whatever became of the batches."""
            tasks.publish(context(), run)

        @task(task_id="close", **RETRIES, priority_weight=WEIGHT["single"], trigger_rule=TriggerRule.ALL_DONE)
        def close_run(run: UUID | None) -> None:
            """The verdict. The DAG's only leaf."""
            tasks.close_run(context(), run)

        run = open_run()
        plan = PlanScoresOperator(task_id="plan", run_id=run, **RETRIES, priority_weight=WEIGHT["single"])
        score.partial(run=run).expand(batch=plan.output) >> publish(run) >> close_run(run)

"""
# Насколько модель согласна с людьми: `callcenter_calibrate`

Модель отвечает на набор калибровки, который люди оценили вслепую; затем считаются согласие, kappa, AC1 и интервалы по
каждому критерию. 1-го числа каждого месяца и вручную. Ответ на текст покупается один раз.

| Параметр | По умолчанию | Что делает |
|---|---|---|
| `card` | `QUALITY_CARDS` | только эта карта |
| `provider` | первый в таблице маршрутов | кого калибровать |
| `repeats` | `1` | сколько раз спросить об одном: видно, как часто ответ меняется |

Как собрать набор — `docs/quality.md`.
"""

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, Param, task
from airflow.sdk import get_current_context as context

from include.call_centre.names import CALIBRATE_DAG_ID, LLM_POOL
from include.call_centre.schedule import CALIBRATE_CRON, IS_CONFIGURED, ZONE

if IS_CONFIGURED:
    from plugins.airflow_kit.retry import RECOGNITION_LADDER, LadderRetryPolicy
    from plugins.call_centre import tasks

    with DAG(
        dag_id=CALIBRATE_DAG_ID,
        description="Согласие модели с людьми",
        doc_md=__doc__,
        schedule=CronTriggerTimetable(CALIBRATE_CRON, timezone=ZONE),
        catchup=False,
        max_active_runs=1,
        params={
            "card": Param(None, type=["null", "string"], title="карта", description="пусто — QUALITY_CARDS"),
            "provider": Param(None, type=["null", "string"], title="провайдер", description="пусто — первый"),
            "repeats": Param(1, type="integer", minimum=1, maximum=5, title="сколько раз спросить"),
        },
        tags=["callcenter"],
        default_args={
            "owner": "dataops",
            "execution_timeout": timedelta(hours=6),
            "retries": 10,
            "retry_delay": timedelta(seconds=10),
            "retry_policy": LadderRetryPolicy(10, RECOGNITION_LADDER),
        },
    ) as dag:

        @task(pool=LLM_POOL)
        def calibrate() -> dict[str, str]:
            """Asks for what was not answered yet and writes the figures; returns the status of each criterion."""
            return tasks.calibrate(context())

        calibrate()

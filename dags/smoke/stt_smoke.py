"""
# Проверка распознавателя: `stt_smoke`

Записи плейлиста с эталонными текстами проходят той же дорогой, что и звонки, и сравниваются с эталоном: стало ли хуже, сколько
стоило, на каких словах. Расписания нет: запускают перед сменой модели, нарезки или подсказки. То же без Airflow — `make stt-smoke`.

| Шаг | Что делает |
|---|---|
| `prepare` | читает плейлист, сверяет файлы, режет записи, считает прогноз; выше `STT_SMOKE_BUDGET_USD` — останавливается |
| `recognise` | распознаёт и сравнивает, по пачке записей на задачу, у каждого движка; сохранённые ответы не покупаются |
| `compare` | сводит итоги, сравнивает движки и прошлую хорошую проверку, пишет отчёт и историю (`stt_smoke_results`) |
| `report` | итог — в Slack; красный, если запись не прошла; в логе — где отчёт |

**Параметры**

| Параметр | По умолчанию | Что делает |
|---|---|---|
| `playlist` | `STT_SMOKE_PLAYLIST_PATH` | плейлист, путь от папки системы |
| `engines` | движок плейлиста | движки: default — распознаватель выгрузки, прочие — в include/smoke/policy.yaml; второй сравнивается с первым |
| `fresh` | `false` | распознать заново, не беря сохранённые ответы |
| `limit` | `0` | не больше записей, с начала плейлиста; 0 — все |

Коды ошибок — `docs/error_codes.md`, плейлисты и что считается — `docs/testing/stt_smoke.md`.
"""

from datetime import timedelta

from airflow.sdk import DAG, Param, task
from airflow.sdk import get_current_context as context

from include.common.names import RECOGNISER_POOL, RECOGNISER_QUEUE
from include.smoke.names import DAG_ID
from plugins.airflow_kit.queues import queue_of
from plugins.smoke import slack_messages, tasks

WEIGHT = {"recognise": 10, "single": 30}  # absolute, as in call_export: what a whole run waits for weighs most

with DAG(
    dag_id=DAG_ID,
    description="Проверка распознавателя плейлистом записей с эталонными текстами",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=2,
    params={
        "playlist": Param(None, type=["null", "string"], title="плейлист", description="путь от папки системы"),
        "engines": Param(
            [],
            type="array",
            items={"type": "string"},
            maxItems=2,
            title="движки",
            description="пусто — движок плейлиста; второй сравнивается с первым",
        ),
        "fresh": Param(False, type="boolean", title="распознать заново", description="сохранённые ответы не берутся"),
        "limit": Param(0, type="integer", minimum=0, title="не больше записей", description="0 — все"),
    },
    tags=["speech"],
    on_failure_callback=slack_messages.run_failed,
    default_args={
        "owner": "dataops",
        "execution_timeout": timedelta(hours=1),
        "retries": 1,
        "retry_delay": timedelta(seconds=30),
        "weight_rule": "absolute",
        "priority_weight": WEIGHT["single"],
    },
) as dag:

    @task
    def prepare() -> list[tasks.Batch]:
        """Cuts the recordings and checks the budget; returns the batches."""
        return tasks.prepare(context())

    @task(pool=RECOGNISER_POOL, priority_weight=WEIGHT["recognise"], **queue_of(RECOGNISER_QUEUE))
    def recognise(batch: tasks.Batch) -> int:
        """Judges the entries of one batch at its engine; returns how many failed."""
        return tasks.recognise(context(), batch)

    @task
    def compare() -> tasks.Compared:
        """Writes the report; returns where it is."""
        return tasks.compare(context())

    @task
    def report(found: tasks.Compared) -> str:
        """Tells Slack; fails if an entry failed or a threshold was missed."""
        return tasks.report(context(), found)

    compared = compare()
    recognise.expand(batch=prepare()) >> compared
    report(compared)

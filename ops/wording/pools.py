"""Descriptions of the pools in Airflow's UI, by the pool's name."""

POOLS = {
    "bitrix24": "Сколько задач сразу говорят с порталом",
    "whisper": "Сколько записей распознаётся сразу (TRANSCRIBE_CONCURRENCY)",
}

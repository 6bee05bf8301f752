"""Descriptions of the pools in Airflow's UI, by the pool's name."""

from include.calls.names import PORTAL_POOL
from include.common.names import RECOGNISER_POOL

POOLS = {
    PORTAL_POOL: "Сколько задач сразу говорят с порталом",
    RECOGNISER_POOL: "Сколько записей распознаётся сразу (TRANSCRIBE_CONCURRENCY)",
}

"""Ids of a run: one idempotency key is one DAG run, and one DAG run opens one run."""

import hashlib
import re
from uuid import UUID, uuid5

NAMESPACE = UUID("6f1c0f1e-7a53-5d5b-9a39-3c1d2c7b8a10")
LONGEST_KEY = 128
_PLAIN = re.compile(r"[A-Za-z0-9_.~:+-]{1,120}")


def dag_run_id_of(key: str) -> str:
    """One key, one DAG run: readable where Airflow's alphabet allows it, else its SHA-256; Airflow refuses `..` too."""
    plain = _PLAIN.fullmatch(key) and ".." not in key
    return f"key__{key if plain else hashlib.sha256(key.encode()).hexdigest()}"


def run_id_of(dag_run_id: str) -> UUID:
    """`call_exports.run_id`, known before the run is opened."""
    return uuid5(NAMESPACE, dag_run_id)

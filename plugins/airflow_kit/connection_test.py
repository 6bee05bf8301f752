"""The result of a hook's `test_connection()` in Airflow's form."""

from collections.abc import Callable

from airflow.sdk.exceptions import AirflowNotFoundException

from include.common.errors import ExportError
from include.common.wording import connections as texts
from include.common.wording.problems import sentence


def tested(conn_id: str, check: Callable[[], str]) -> tuple[bool, str]:
    """True and the sentence that `check` returns, or False and the sentence of the error that it raises."""
    try:
        return True, check()
    except AirflowNotFoundException:
        return False, texts.no_connection(conn_id)
    except ExportError as error:
        return False, sentence(error)

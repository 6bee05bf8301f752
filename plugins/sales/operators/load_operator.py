"""`load` as an operator that waits for a source's report without a worker's slot."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class LoadOperator(BaseOperator):
    """Loads one scope; returns how many rows. While a report is prepared the task is deferred.

    A source that prepares longer than the policy's `report_wait_minutes` fails the task as Temporary: it is retried,
    and asks for the same report.
    """

    template_fields = ("load_id",)

    def __init__(self, *, job: str, load_id: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.load_id = load_id

    def execute(self, context: "Context") -> int:
        return self._load(context, waited=0.0)

    def resume_after(self, context: "Context", event: Any = None, *, waited: float) -> int:  # noqa: ARG002 - Airflow's
        """Called when the wait is over; `waited` seconds in all."""
        return self._load(context, waited=waited)

    def _load(self, context: "Context", *, waited: float) -> int:
        from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

        from include.common.errors import NotReady, Temporary
        from plugins.hooks.sales_policy import load_run_sales_policy
        from plugins.sales import tasks

        try:
            return tasks.load(context, self.job, int(self.load_id))
        except NotReady as error:
            seconds = max(1.0, error.retry_after or 30.0)
            most = load_run_sales_policy().direct.report_wait_minutes * 60
            if waited + seconds > most:
                raise Temporary(f"the report is not ready after {waited:.0f} s", code=error.code) from None
            self.defer(
                trigger=TimeDeltaTrigger(timedelta(seconds=seconds)),
                method_name="resume_after",
                kwargs={"waited": waited + seconds},
            )
        raise AssertionError("defer raises")

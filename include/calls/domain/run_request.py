"""The parameters of a run, defined once: names, types, defaults, limits.

Airflow's form, `POST /call_export/runs`, the command line's options and the tables in the runbook and the DAG's manual
follow from `RunRequest`; their Russian words are in `include/calls/wording/run_parameters.py`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from include.calls.domain.run_ids import LONGEST_KEY
from include.common.errors import BadInput
from include.common.periods import Period, resolve_period

_INSTANT = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?"
# for forms: they refuse at once what `resolve_period` would refuse with a sentence
PERIOD_PATTERN = rf"^\s*(today(-\d{{1,4}}d)?|{_INSTANT})\s*$"

Moment = Annotated[str | None, Field(json_schema_extra={"pattern": PERIOD_PATTERN})]
IdempotencyKey = Annotated[str, Field(min_length=1, max_length=LONGEST_KEY)]


class RunRequest(BaseModel):
    """What a person, a program or the schedule asks for. A name that is not here is refused.

    `period_from` and `period_to` are days or instants, ISO 8601, or `today-60d`. `resume_run_id` continues that run in
    its own period; `replay_dlq` goes with it. `deliver_texts` None: yes, unless the schedule starts the run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    period_from: Moment = None
    period_to: Moment = None
    generate_summary: bool = False
    dry_run: bool = False
    low_rate: bool = False
    allow_long_period: bool = False
    limit_calls: Annotated[int, Field(ge=0)] = 0
    resume_run_id: Annotated[UUID | None, Field(strict=False)] = None
    replay_dlq: bool = False
    deliver_texts: bool | None = None
    deliver_audio: bool = False
    idempotency_key: IdempotencyKey | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any], called: Callable[[str], str] = str) -> "RunRequest":
        """Raises BadInput that names the first wrong parameter, as it is `called`, and never its value."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            first = error.errors()[0]
            name = called(str(first["loc"][0]))
            raise BadInput(f"{name}: {first['msg']}", problem="bad_parameter", name=name) from None

    def of_one_day(self, moment: datetime) -> "RunRequest":
        """The same for the day of `moment` in UTC, where no period is asked for.

        A backfill of 30 days is 30 runs: with the default period each of them would export two months, with one key
        29 of them would find it taken and end green without a text, and all would continue one and the same run.
        Raises BadInput for what names a single run.
        """
        if single := [name for name in ("resume_run_id", "replay_dlq", "idempotency_key") if getattr(self, name)]:
            raise BadInput(
                f"{single[0]} is about one run, and a backfill starts a run for each day: trigger it by itself",
                problem="backfill_of_one_run",
                name=single[0],
            )
        if (self.period_from or "").strip() or (self.period_to or "").strip():
            return self
        day = moment.astimezone(UTC).date().isoformat()
        return self.model_copy(update={"period_from": day, "period_to": day})

    def new_period(self, *, run_after: datetime, default_days: int, max_days: int) -> Period:
        """The period of a run that resumes no other one, due at `run_after`. Raises BadInput."""
        if self.replay_dlq:
            raise BadInput(
                "replay_dlq goes with resume_run_id: say which run's dead letters", problem="replay_of_no_run"
            )
        return resolve_period(
            self.period_from,
            self.period_to,
            run_after=run_after,
            allow_long=self.allow_long_period,
            default_days=default_days,
            max_days=max_days,
        )


def parameter_schemas() -> dict[str, dict[str, Any]]:
    """JSON schema of each parameter by name, in order; a parameter that may be empty has the type ["null", ...]."""
    return {name: _flat(schema) for name, schema in RunRequest.model_json_schema()["properties"].items()}


def _flat(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Airflow's form knows no `anyOf` of a type and null."""
    flat = {key: value for key, value in schema.items() if key not in ("anyOf", "title")}
    for choice in schema.get("anyOf", []):
        flat = {**choice, **flat}
    if "anyOf" in schema:
        flat["type"] = ["null", *(choice["type"] for choice in schema["anyOf"] if choice["type"] != "null")]
    return flat

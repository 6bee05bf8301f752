"""Sentences of the run's note: whole, Russian, with the numbers that an operator needs."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from include.calls.domain.report_figures import Estimate
from include.calls.domain.run_progress import Progress
from include.calls.domain.run_verdict import Cause, Verdict
from include.calls.domain.stages import Stage
from include.calls.domain.states import RunStatus
from include.calls.wording import approval, notes
from include.common.budget import Budget, Decision, PlannedSpending, Spending
from include.common.errors import NotConfigured
from include.common.russian_format import NBSP
from tests.unit.calls.reporting.report_samples import RUN

COUNTS = "тексты есть у 9 из 10 существующих записей (90,0 %), ошибок 1 (10,0 %), не закончено 0"
ESTIMATE = Estimate(
    run=RUN, calls=30, recordings=25, reused=4, to_buy=21, minutes=Decimal(60), billed_minutes=70, cost=Decimal("0.3")
)
AT = datetime(2025, 8, 1, tzinfo=UTC)


def planned(cost: str) -> PlannedSpending:
    budget = Budget(Decimal(54), Decimal("0.2"), Decimal("0.05"))
    return PlannedSpending(Decimal(cost), Spending(Decimal(0), Decimal(0), None), budget)


@pytest.mark.parametrize(
    ("cause", "detail", "sentence"),
    [
        (None, "", COUNTS),
        (Cause.STOPPED, "нет денег", f"остановлен: нет денег; {COUNTS}"),
        (Cause.STEP_FAILED, "list_calls", f"не выполнен шаг list_calls; {COUNTS}"),
        (Cause.REFUSED, "Анна отказала", f"Анна отказала; {COUNTS}"),
        (Cause.FORECAST_ONLY, "", "прогноз готов, ничего не скачано и не потрачено"),
    ],
)
def test_the_verdict_says_its_cause_first(cause: Cause | None, detail: str, sentence: str) -> None:
    verdict = Verdict(RunStatus.ERROR, completed=9, errors=1, unfinished=0, cause=cause, detail=detail)
    assert notes.verdict(verdict) == sentence
    assert notes.closed(RunStatus.ERROR, sentence) == f"Error: {sentence}."


def test_the_plan_says_what_is_bought() -> None:
    assert notes.planned(ESTIMATE, planned("0.3"), hours=0.25, batches=3) == (
        f"Прогноз: распознать 21{NBSP}запись, 60 мин, 0,30 USD, 0,2 ч; готовых текстов 4; пачек 3."
    )


def test_the_plan_that_asks_says_where_to_answer() -> None:
    said = notes.planned(ESTIMATE, planned("90"), hours=0.25, batches=3)
    assert said.startswith("Жду ответа на вкладке Required Actions. Прогноз: ")
    assert "нужно согласование расхода до 94,50 USD; пачек 3." in said


def test_a_dry_run_says_that_it_is_only_a_forecast() -> None:
    dry = replace(ESTIMATE, run=replace(RUN, dry_run=True))
    said = notes.planned(dry, planned("90"), hours=0.25, batches=0)
    assert said.startswith("Только прогноз: распознать")
    assert said.endswith("нужно согласование расхода до 94,50 USD.")


@pytest.mark.parametrize(
    ("decision", "sentence"),
    [
        (Decision(approved=True, by="Анна", at=AT), "расход до 94,50 USD согласован, решение: Анна"),
        (Decision(approved=False, by="Анна", at=AT), "расход до 94,50 USD не согласован, решение: Анна; больше ничего"),
        (Decision(approved=False, by=None, at=AT), "расход до 94,50 USD не согласован в срок; больше ничего"),
    ],
)
def test_a_decision_names_its_person_and_its_sum(decision: Decision, sentence: str) -> None:
    said = approval.decision(decision, Decimal("94.5"))
    assert said.startswith(sentence)
    assert notes.decided(said)[0].isupper()


def test_the_progress_is_counted() -> None:
    made = Progress(
        recordings=10, completed=7, reused=2, missing=1, errors=1, minutes=Decimal(12), spent=Decimal("0.5")
    )
    assert notes.progress(made) == (
        "готово 7 из 10 записей (взято из прошлых запусков 2), нет на портале 1, ошибок 1; 12 мин, потрачено 0,50 USD"
    )
    assert notes.in_progress(made) == f"Г{notes.progress(made)[1:]}."


def test_a_failure_names_step_phase_and_problem() -> None:
    error = NotConfigured("no recogniser is configured", problem="no_recogniser")
    said = notes.failed(Stage.PREFLIGHT, notes.PHASES[Stage.PREFLIGHT], error)
    assert said.startswith("preflight: проверяю доступы — распознаватель не настроен: задайте OPENAI_API_KEY")


@pytest.mark.parametrize(("recordings", "label"), [(1, "1 запись"), (3, "3 записи"), (25, "25 записей")])
def test_a_batch_is_named_by_number_and_size(recordings: int, label: str) -> None:
    said = notes.batch_label(7, recordings=recordings, minutes=Decimal(12))
    assert said.replace(NBSP, " ") == f"пачка 7: {label}, 12 мин"
    assert notes.batch_label(7) == "пачка 7"


def test_every_task_of_the_dag_has_a_phase() -> None:
    others = {
        Stage.REBUILD,
        Stage.REPLAY,
        Stage.QA,
        Stage.NOTIFY,
        Stage.PORTAL,
        Stage.DELIVER,
        Stage.RECONCILE,
        Stage.RETENTION,
        Stage.ERASE,
        Stage.BY_HAND,
    }
    assert notes.PHASES.keys() >= set(Stage) - others

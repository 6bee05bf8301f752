"""Nothing is bought above the budget before a person approves it, and nothing above the approved sum."""

import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.policy import load_policy
from include.calls.steps.spending import summary_forecast
from include.calls.steps.summarize import summarize_batch
from include.common.errors import BudgetSpent
from tests.kit.export_under_faults import events, exporting
from tests.kit.small_world import bought, by_sql, downloaded, statuses, world_of
from tests.kit.whole_export import FROM, TO, Export, Outcome

pytestmark = pytest.mark.postgres

S = RecordStatus
DOLLAR_A_CALL = {"WHISPER_RATE_PER_MIN_USD": "1", "BUDGET_USD": "3"}  # each recording lasts less than a minute


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    """Five recordings, five dollars: more than 3 and 20 %."""
    with exporting(world_of(5), database, tmp_path, **DOLLAR_A_CALL) as export:
        yield export


def approved_cost(export: Export) -> Decimal | None:
    ((cost,),) = by_sql(export.conninfo, "SELECT approved_cost FROM call_exports")
    return cost


def estimate(export: Export) -> str:
    return export.storage.get_bytes(f"exports/{FROM}_{TO}/reports/estimate_{FROM}_{TO}.md").decode().replace("\\", "")


def report(export: Export) -> str:
    return export.storage.get_bytes(f"exports/{FROM}_{TO}/reports/summary_{FROM}_{TO}.md").decode().replace("\\", "")


class LanguageModelThatMustNotBeAsked:
    model = "gpt-5-mini"

    def ask(self, **_: Any) -> None:
        raise AssertionError("bought above the budget")


class TestTheQuestion:
    def test_within_the_budget_and_its_tolerance_nobody_is_asked(self, export: Export) -> None:
        export.policy = load_policy(DOLLAR_A_CALL | {"BUDGET_USD": "4.17"})
        outcome = export.run()
        assert outcome.question is None
        assert outcome.verdict.status is RunStatus.COMPLETED
        assert events(export, "approval_wanted") == []
        assert "согласование не нужно" in estimate(export)

    def test_it_says_what_is_bought_and_what_each_decision_does(self, export: Export) -> None:
        outcome, batches = export.prepare()
        assert batches == []
        assert outcome.question is not None
        assert outcome.question.cost == Decimal("5.25")
        assert outcome.question.subject == "Потратить до 5,25 USD? Бюджет 3,00 USD"
        body = outcome.question.body.replace("\N{NO-BREAK SPACE}", " ")
        for words in (
            "| Период | 01.08.2025 — 02.08.2025 |",
            "| Записей к распознаванию | 5 |",
            "| Минут к оплате | 5 |",
            "| Прогноз | 5,00 USD, 500,00 ₽ |",
            "| Бюджет запуска | 3,00 USD, 300,00 ₽ |",
            "| Можно потратить без вопроса | 3,60 USD, 360,00 ₽ |",
            "**Approve** — запуск пойдёт дальше и потратит всего не больше 5,25 USD, 525,00 ₽",
            "**Reject** — запуск закончится со статусом cancelled, ничего не скачав и не потратив",
            f"make resume RUN_ID={outcome.run_id}",
        ):
            assert words in body
        assert events(export, "approval_wanted") == [{"asked": "5.25", "forecast": "5", "budget": "3"}]
        assert "Нужно согласование" in estimate(export)

    def test_summaries_asked_for_are_part_of_the_forecast(self, export: Export) -> None:
        with_summaries = {"CALL_SUMMARY_ENABLED": "true", "SUMMARY_MODEL": "gpt-5"}
        export.policy = load_policy(DOLLAR_A_CALL | {"BUDGET_USD": "4.17"} | with_summaries)
        outcome, _ = export.prepare(generate_summary=True)
        assert outcome.question is not None, "5 USD of recognition alone would pass"
        assert outcome.question.forecast == 5 + summary_forecast(export.policy.summary, 5, 5)

    def test_a_dry_run_only_says_that_it_would_ask(self, export: Export) -> None:
        outcome = export.run(dry_run=True)
        assert outcome.question is None
        assert outcome.verdict.status is RunStatus.COMPLETED
        assert "без dry_run запуск остановится и спросит" in estimate(export)

    def test_planned_again_before_the_answer_it_is_put_again(self, export: Export) -> None:
        """As after a task that died while it asked."""
        first, _ = export.prepare()
        again, batches = export.prepare(dag_run_id="test__1")
        assert (again.run_id, batches) == (first.run_id, [])
        assert again.question is not None


class TestTheAnswer:
    def test_approved_it_goes_on_and_the_person_is_on_record(self, export: Export) -> None:
        outcome, _ = export.prepare()
        export.work(outcome, export.answer(outcome, approved=True, by="finance"))
        export.close(outcome)
        assert outcome.verdict.status is RunStatus.COMPLETED
        assert statuses(export, outcome.run_id) == {S.COMPLETED: 5}
        assert approved_cost(export) == Decimal("5.25")
        (event,) = events(export, "approved")
        assert (event["by"], event["asked"], event["answered_at"]) == ("finance", "5.25", "2025-08-03T02:00:00+00:00")

    @pytest.mark.parametrize(
        ("by", "event", "says"),
        [
            ("director", "refused", "расход до 5,25 USD не согласован, решение: director"),
            (None, "approval_timed_out", "расход до 5,25 USD не согласован в срок"),
        ],
        ids=["refused", "nobody answered"],
    )
    def test_refused_it_ends_cancelled_and_nothing_is_spent(
        self, export: Export, by: str | None, event: str, says: str
    ) -> None:
        outcome, _ = export.prepare()
        assert export.answer(outcome, approved=False, by=by) == []
        export.close(outcome)
        assert outcome.verdict.status is RunStatus.CANCELLED
        assert says in outcome.verdict.sentence.replace("\N{NO-BREAK SPACE}", " ")
        assert downloaded(export) == bought(export) == 0
        assert [detail["by"] for detail in events(export, event)] == [by]
        assert export.registry().count(";pending;") == 5, "what there is, is written all the same"
        assert "Выгрузка отменена" in report(export)
        assert says in report(export).replace("\N{NO-BREAK SPACE}", " ")

    def test_resumed_after_a_refusal_it_asks_again(self, export: Export) -> None:
        outcome, _ = export.prepare()
        export.answer(outcome, approved=False)
        export.close(outcome)
        again, batches = export.prepare(resume_run_id=str(outcome.run_id))
        assert batches == []
        export.work(again, export.answer(again, approved=True))
        export.close(again)
        assert again.verdict.status is RunStatus.COMPLETED
        assert statuses(export, outcome.run_id) == {S.COMPLETED: 5}

    def test_resumed_with_a_bigger_budget_the_refusal_is_forgotten(self, export: Export) -> None:
        outcome, _ = export.prepare()
        export.answer(outcome, approved=False)
        export.close(outcome)
        export.policy = load_policy(DOLLAR_A_CALL | {"BUDGET_USD": "5"})
        resumed = export.run(resume_run_id=str(outcome.run_id))
        assert resumed.question is None
        assert resumed.verdict.status is RunStatus.COMPLETED

    def test_approved_once_it_is_not_asked_again_for_the_same(self, export: Export) -> None:
        outcome, _ = export.prepare()
        (batch, *_) = export.answer(outcome, approved=True)
        export.work(outcome, [batch])
        resumed = export.run(resume_run_id=str(outcome.run_id))
        assert resumed.question is None
        assert resumed.verdict.status is RunStatus.COMPLETED
        assert len(events(export, "approved")) == 1

    def test_the_same_answer_twice_is_one_approval(self, export: Export) -> None:
        """A worker may die between the row and Airflow's own record of the answer."""
        outcome, _ = export.prepare()
        assert export.answer(outcome, approved=True) == export.answer(outcome, approved=True)
        assert len(events(export, "approved")) == 1


class TestSpending:
    """Six recordings, six dollars, planned within a budget of 5 and its tolerance, which then is lowered to 3."""

    @pytest.fixture
    def export(self, database: str, tmp_path: Path) -> Iterator[Export]:
        five = DOLLAR_A_CALL | {"BUDGET_USD": "5"}
        with exporting(world_of(6), database, tmp_path, **five) as export:
            yield export

    def begun(self, export: Export) -> tuple[Outcome, list[int]]:
        outcome, batches = export.prepare()
        assert outcome.question is None
        export.policy = load_policy(DOLLAR_A_CALL)
        return outcome, batches

    def overspent(self, export: Export) -> Outcome:
        outcome, batches = self.begun(export)
        export.work(outcome, batches)
        return export.close(outcome)

    def test_it_stops_where_the_budget_is_spent(self, export: Export) -> None:
        export.workers = 1
        outcome = self.overspent(export)
        assert isinstance(outcome.red[0], BudgetSpent)
        assert "4.0000 USD paid and 0.0000 in work, of 3.6000" in str(outcome.red[0])
        assert f"make resume RUN_ID={outcome.run_id}" in str(outcome.red[0])
        assert statuses(export, outcome.run_id)[S.COMPLETED] == bought(export) == 4, "each costs a dollar; 3.60 allowed"
        assert outcome.verdict.status is RunStatus.ERROR
        assert "деньги запуска кончились: потрачено 4.00 USD" in outcome.verdict.sentence
        assert export.registry().count(";completed;") == 4

    def test_with_two_recordings_in_work_it_spends_no_more(self, export: Export) -> None:
        """The one that is not begun goes back; it may be the fourth."""
        outcome = self.overspent(export)
        assert isinstance(outcome.red[0], BudgetSpent)
        assert 3 <= bought(export) <= 4
        assert statuses(export, outcome.run_id)[S.COMPLETED] == bought(export)

    def test_a_cleared_batch_cannot_spend_more(self, export: Export) -> None:
        export.workers = 1
        outcome, batches = self.begun(export)
        export.work(outcome, batches)
        export.work(outcome, batches)
        assert bought(export) == 4

    def test_resumed_it_asks_for_the_rest_and_buys_it_once_approved(self, export: Export) -> None:
        export.workers = 1
        outcome = self.overspent(export)
        resumed, batches = export.prepare(resume_run_id=str(outcome.run_id))
        assert batches == []
        assert resumed.question is not None
        assert resumed.question.cost == Decimal("6.30"), "4 spent, 2 to buy, the reserve"
        assert "| Уже потрачено этим запуском | 4,00 USD" in resumed.question.body.replace("\N{NO-BREAK SPACE}", " ")
        assert "больше ничего не скачает и не потратит" in resumed.question.body
        export.work(resumed, export.answer(resumed, approved=True))
        export.close(resumed)
        assert resumed.verdict.status is RunStatus.COMPLETED
        assert bought(export) == 6, "nothing twice"

    def test_once_it_is_spent_no_summary_is_bought_either(self, export: Export) -> None:
        outcome = export.run()
        model = LanguageModelThatMustNotBeAsked()
        with export.state() as state, pytest.raises(BudgetSpent):
            summarize_batch(
                outcome.run_id,
                1,
                language_model=model,  # type: ignore[arg-type]
                storage=export.storage,
                state=state,
                policy=load_policy(DOLLAR_A_CALL),
                fresh=True,
            )

    def test_tasks_side_by_side_count_what_the_others_have_in_work(self, export: Export) -> None:
        """Otherwise ten tasks would overshoot by ten recordings. What is in work is finished."""
        outcome, batches = export.prepare()
        for batch in batches:
            export.download(outcome, batch)
        by_sql(export.conninfo, "UPDATE run_work SET batch_no = CASE recording_id WHEN 1 THEN 1 ELSE 2 END")
        export.policy = load_policy(DOLLAR_A_CALL | {"BUDGET_USD": "0.5"})
        export.recogniser.latency_per_minute = 60.0
        first = threading.Thread(target=export.transcribe, args=(outcome, 1))
        first.start()
        while S.TRANSCRIBING not in statuses(export, outcome.run_id):
            time.sleep(0.01)
        export.transcribe(outcome, 2)
        assert "0.0000 USD paid and 1.0000 in work, of 0.6000" in str(outcome.red[0])
        first.join()
        assert statuses(export, outcome.run_id) == {S.COMPLETED: 1, S.DOWNLOADED: 5}
        assert bought(export) == 1

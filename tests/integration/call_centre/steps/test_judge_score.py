"""A person outranks the judge, a dispute keeps a score out of figures, nothing of it is done twice."""

from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

import pytest

from include.call_centre.state.quality_people import QualityPeople, Scope, Wanted
from include.call_centre.state.state import QualityState
from include.call_centre.steps.judge_score import Person, give_verdict, open_dispute, resolve_dispute
from include.common.errors import BadInput
from tests.kit.scored_calls import NOW, Scored, judges, with_texts

pytestmark = pytest.mark.postgres

CHECKER, OTHER = Person("Оператор 1", Scope()), Person("Оператор 2", Scope())
EMPLOYEE, STRANGER = Person("Сотрудник 12", Scope(None, ["1269"])), Person("Сотрудник 13", Scope(None, ["7"]))


@pytest.fixture
def world(database: str) -> Iterator[Scored]:
    with judges(database) as found:
        with_texts(database, 1)
        found.run()
        yield found


@pytest.fixture
def state(world: Scored) -> Iterator[QualityState]:
    with QualityState.open(world.database) as state:
        yield state


def score_of(world: Scored) -> UUID:
    ((found,),) = world.rows("SELECT score_id FROM callcenter.quality_scores WHERE current")
    assert isinstance(found, UUID)
    return found


def final(world: Scored) -> tuple[object, ...]:
    return world.rows("SELECT score, final_score, open_disputes FROM callcenter.quality_scores")[0]


def test_a_verdict_takes_the_place_of_the_answer_and_the_judges_stays(world: Scored, state: QualityState) -> None:
    give_verdict(score_of(world), "answered", "no", t=12, comment="не ответил", by=CHECKER, state=state)
    assert final(world) == (Decimal(100), Decimal(70), 0)
    give_verdict(score_of(world), "answered", "yes", t=None, comment="", by=OTHER, state=state)
    assert final(world) == (Decimal(100), Decimal(100), 0)  # the last word counts
    assert world.rows("SELECT answer FROM callcenter.quality_answers WHERE criterion = 'answered'") == [("yes",)]


def test_a_failing_answer_fails_the_call_once_a_person_gave_it(world: Scored, state: QualityState) -> None:
    give_verdict(score_of(world), "polite", "no", t=None, comment="", by=CHECKER, state=state)
    assert final(world)[1] == Decimal(0)


def test_a_dispute_is_opened_once_and_decided_by_another_person(world: Scored, state: QualityState) -> None:
    score = score_of(world)
    dispute = open_dispute(score, "need", "выяснил", by=EMPLOYEE, state=state, policy=world.policy)
    assert final(world)[2] == 1
    for again in (EMPLOYEE, CHECKER):
        with pytest.raises(BadInput, match="already"):
            open_dispute(score, "need", "ещё раз", by=again, state=state, policy=world.policy)
    with pytest.raises(BadInput, match="opened"):
        resolve_dispute(dispute, answer=None, comment="", by=EMPLOYEE, state=state)
    resolve_dispute(dispute, answer="no", comment="не выяснил", by=CHECKER, state=state)
    assert final(world) == (Decimal(100), Decimal(80), 0)
    with pytest.raises(BadInput, match="decided"):
        resolve_dispute(dispute, answer=None, comment="", by=OTHER, state=state)


def test_a_score_outside_the_scope_is_not_there(world: Scored, state: QualityState) -> None:
    with pytest.raises(BadInput, match="no such score"):
        give_verdict(score_of(world), "polite", "no", t=None, comment="", by=STRANGER, state=state)
    people = QualityPeople(state.session)
    assert people.listed(Wanted(), STRANGER.scope) == []
    assert [one.employee_id for one in people.listed(Wanted(), EMPLOYEE.scope)] == ["1269"]


def test_the_scores_of_one_run_are_listed(world: Scored, state: QualityState) -> None:
    ((dag_run,),) = world.rows("SELECT dag_run_id FROM callcenter.quality_runs")
    people = QualityPeople(state.session)
    assert len(people.listed(Wanted(dag_run=dag_run), Scope())) == 1
    assert people.listed(Wanted(dag_run="another"), Scope()) == []


def test_an_uncalibrated_judge_has_no_part_in_averages(world: Scored, state: QualityState) -> None:
    """Grey until measured: shown, never ranked."""
    people = QualityPeople(state.session)
    (average,) = people.averages(NOW.replace(year=2025, month=8, day=1), NOW, Scope())
    assert (average.scores, average.counted, average.score) == (1, 0, None)


def test_an_answer_that_the_card_does_not_have_is_refused(world: Scored, state: QualityState) -> None:
    for criterion, answer in (("polite", "partly"), ("smiled", "yes")):
        with pytest.raises(BadInput):
            give_verdict(score_of(world), criterion, answer, t=None, comment="", by=CHECKER, state=state)

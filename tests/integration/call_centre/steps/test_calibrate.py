"""The set for calibration, blind verdicts of people, a judge's answers to it, the figures."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from include.call_centre.reporting.calibration_sheet import read_sheet, write_sheet
from include.call_centre.state.calibration_sets import CalibrationSets
from include.call_centre.steps.calibrate import Calibrated, calibrate, fill_set, take_verdicts
from include.call_centre.steps.load_cards import all_cards, newest_cards
from include.common.errors import BadInput
from simulators.openai.scorecard_judge import confused
from tests.kit.scored_calls import Scored, judges, with_texts

pytestmark = pytest.mark.postgres

SINCE, UNTIL = datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 9, 1, tzinfo=UTC)
(CARD,) = newest_cards(["operator_default"])
TEXTS = 60


@pytest.fixture
def world(database: str) -> Iterator[Scored]:
    with judges(database) as found:
        yield found


def truth(text: str, criterion: str) -> str:
    """Every fourth call is bad in everything."""
    number = int(text.split("звонок номер ")[1].split(".", maxsplit=1)[0])
    return "no" if number % 4 == 0 else "yes"


def run(world: Scored) -> Calibrated:
    with world.services("calibration") as (state, routing, router):
        return calibrate(CARD, state, routing, router, world.policy, repeats=1)


def test_a_set_is_judged_blind_answered_once_and_its_figures_decide(world: Scored) -> None:
    with_texts(world.database, TEXTS)
    certain = {one.id: {"yes": {"yes": 1.0}, "no": {"no": 1.0}} for one in CARD.asked}
    certain["need"] = {"yes": {"yes": 1.0}, "no": {"yes": 1.0}}  # this judge never sees what was not asked
    world.a.says = confused(truth, certain, seed=1)
    with world.services() as (state, _, _):
        state.runs.keep_cards(all_cards())
        items = fill_set(CARD, TEXTS, state, world.policy, since=SINCE, until=UNTIL, mask=str)
        sheet = write_sheet(CARD, items).decode("utf-8-sig")
        filled = []
        by_number = {str(one.item_no): one.body for one in items}
        for line in sheet.splitlines(keepends=False):
            filled.append(line)
        assert "answer" in filled[0]
        assert not {"yes;", "no;"} & set(filled[1:])  # nothing of a judge
        rows = read_sheet(_with_answers(sheet, by_number), CARD)
        assert len(rows) == TEXTS * len(CARD.asked)
        take_verdicts(CARD, rows, state, rater="Оператор 1")
    found = run(world)
    assert (found.items, found.bought, world.asked) == (TEXTS, TEXTS, (TEXTS, 0))
    assert found.criteria["answered"] == "pass"
    assert found.criteria["need"] == "fail"
    assert run(world).bought == 0  # each answer is bought once
    with world.services() as (state, _, _):
        (judge,) = CalibrationSets(state.session).judges()
    assert judge.figures["answered"]["kappa"] == 1.0
    assert judge.figures["need"]["recall"] == 0.0
    assert "need" not in judge.calibrated


def _with_answers(sheet: str, by_number: dict[str, str]) -> bytes:
    import csv
    import io

    rows = list(csv.DictReader(io.StringIO(sheet, newline=""), delimiter=";"))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), delimiter=";")
    writer.writeheader()
    for row in rows:
        row["answer"] = truth(by_number[row["item"]], row["criterion"])
        writer.writerow(row)
    return out.getvalue().encode("cp1251")  # as a spreadsheet of Windows saves it


def test_a_table_with_one_wrong_row_is_refused_whole(world: Scored) -> None:
    with_texts(world.database, 1)
    with world.services() as (state, _, _):
        state.runs.keep_cards(all_cards())
        items = fill_set(CARD, 1, state, world.policy, since=SINCE, until=UNTIL, mask=str)
    sheet = write_sheet(CARD, items).decode("utf-8-sig").replace(";;;\r\n", ";yes;;\r\n")
    with pytest.raises(BadInput, match="row 3"):
        read_sheet(sheet.replace(";need;", ";needs;").encode(), CARD)

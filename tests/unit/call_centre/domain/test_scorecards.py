"""Cards: what one may say, and by what it is known."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from include.call_centre.domain.scorecards import Scorecard
from tests.kit.paths import ROOT
from tests.unit.call_centre.domain.cards import card, criterion

FILES = sorted((ROOT / "include/call_centre/scorecards").rglob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_a_card_of_the_package_is_where_its_name_and_version_say(file: Path) -> None:
    found = Scorecard.of(yaml.safe_load(file.read_text(encoding="utf-8")))
    assert (found.card, f"v{found.version}") == (file.parent.name, file.stem)


def test_a_word_more_is_another_card() -> None:
    assert card(criterion(question="Поздоровался ли?")).hash != card(criterion()).hash


def test_the_order_of_keys_is_no_other_card() -> None:
    tree = card().model_dump(mode="json")
    assert Scorecard.of(dict(reversed(tree.items()))).hash == card().hash


def test_yes_and_no_of_yaml_are_answers() -> None:
    tree = yaml.safe_load("{yes: 100, no: 0}")
    text = criterion().model_dump(mode="json") | {"answers": tree, "evidence": {True: "quote", False: "span"}}
    found = Scorecard.of(card().model_dump(mode="json") | {"criteria": [text]})
    assert list(found.criteria[0].answers) == ["yes", "no"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"answers": {"yes": 100}},
        {"answers": {"yes": 0, "no": 0}, "evidence": {"yes": "none", "no": "none"}},
        {"answers": {"yes": 100, "unknown": 0}, "evidence": {"yes": "none", "unknown": "none"}},
        {"evidence": {"yes": "quote"}},
        {"auto_fail": ["never"]},
        {"weight": 0},
        {"rule": {"name": "first_words_within"}},
        {"points": 3},
    ],
)
def test_a_criterion_that_cannot_be_scored_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        criterion(**wrong)


def test_two_criteria_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError):
        card(criterion(), criterion())

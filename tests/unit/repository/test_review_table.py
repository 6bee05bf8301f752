"""docs/review_flags.md shows the flags' present results, on enough bad and good responses."""

from tests.kit.review_cases import KINDS, PAGE, judged, rendered


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == rendered(), "run: python -m tests.kit.review_cases"


def test_there_are_enough_bad_and_good_responses() -> None:
    """At least 40 of each, and every kind of failure."""
    cases = list(judged())
    assert sum(case.bad for case in cases) >= 40
    assert sum(not case.bad for case in cases) >= 40
    assert {case.kind for case in cases} == KINDS.keys()
    assert len({(case.text, case.kind) for case in cases}) >= len(cases) - 3, "the responses differ"


def test_failures_are_flagged_and_good_texts_are_not() -> None:
    """The bar for changes of rules and thresholds: 90 % of the failures flagged, at most one false alarm."""
    cases = list(judged())
    hits = [bool(case.reasons) for case in cases if case.bad]
    alarms = [case.text for case in cases if not case.bad and case.reasons]
    assert sum(hits) / len(hits) >= 0.9
    assert len(alarms) <= 1, alarms


def test_every_failure_is_flagged_for_its_own_reason() -> None:
    own = {"silence": "known_phrase", "loop": "loop", "language": "unexpected_language", "pace": "speech_rate",
           "empty": "empty_text"}  # fmt: skip
    for case in judged():
        if case.bad and case.reasons:
            assert own[case.kind] in case.reasons, case.text

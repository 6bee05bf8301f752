"""docs/review_flags.md says what the flags do today, on enough answers of either kind."""

from tests.kit.review_cases import KINDS, PAGE, judged, rendered


def test_the_page_is_what_the_rules_say_today() -> None:
    assert PAGE.read_text(encoding="utf-8") == rendered(), "run: python -m tests.kit.review_cases"


def test_there_are_enough_answers_of_every_known_failure_and_enough_honest_ones() -> None:
    cases = list(judged())
    assert sum(case.bad for case in cases) >= 40
    assert sum(not case.bad for case in cases) >= 40
    assert {case.kind for case in cases} == KINDS.keys()
    assert len({(case.text, case.kind) for case in cases}) >= len(cases) - 3, "not one answer many times"


def test_nine_of_ten_failures_are_hit_and_hardly_an_honest_text_is_doubted() -> None:
    """A bar for changes of the rules or thresholds; the page shows what is missed."""
    cases = list(judged())
    hits = [bool(case.reasons) for case in cases if case.bad]
    alarms = [case.text for case in cases if not case.bad and case.reasons]
    assert sum(hits) / len(hits) >= 0.9
    assert len(alarms) <= 1, alarms


def test_every_failure_is_hit_for_its_own_reason() -> None:
    own = {"silence": "known_phrase", "loop": "loop", "language": "unexpected_language", "pace": "speech_rate",
           "empty": "empty_text"}  # fmt: skip
    for case in judged():
        if case.bad and case.reasons:
            assert own[case.kind] in case.reasons, case.text

"""Criteria that code answers from the text, for nothing."""

from collections.abc import Callable, Mapping
from itertools import pairwise

from include.call_centre.domain.evidence import Evidence, words_of
from include.call_centre.domain.scorecards import UNKNOWN, Criterion, Rule, RuleName
from include.call_centre.domain.scores import Answer
from include.call_centre.domain.spoken_call import SpokenCall, by_role

_TRANSFER = ("перевожу вас", "переведу вас", "соединю вас", "соединяю вас", "переключу вас", "переключаю вас")
# True: holds; False: does not; None: the text does not show it. With the place that shows it.
Found = tuple[bool | None, tuple[Evidence, ...]]


def rule_answer(criterion: Criterion, call: SpokenCall) -> Answer:
    """The first choice of the card if the rule holds, the last one if not."""
    rule = criterion.rule
    assert rule is not None
    holds, evidence = _RULES[rule.name](rule, criterion.speaker, call)
    choices = list(criterion.answers)
    answer = UNKNOWN if holds is None else choices[0] if holds else choices[-1]
    return Answer(criterion.id, answer, "", evidence, "rule")


def _first_words(rule: Rule, speaker: str, call: SpokenCall) -> Found:
    own = by_role(call.turns, speaker)
    assert rule.seconds is not None
    return (own[0].start <= rule.seconds, (_at(own[0].start, speaker),)) if own else (None, ())


def _talk_share(rule: Rule, speaker: str, call: SpokenCall) -> Found:
    own = call.words_of(speaker)
    assert rule.least is not None
    assert rule.most is not None
    return (rule.least <= own / call.words <= rule.most, ()) if own and own < call.words else (None, ())


def _phrase(rule: Rule, speaker: str, call: SpokenCall) -> Evidence | None:
    for turn in by_role(call.turns, speaker):
        said = f" {' '.join(words_of(turn.text))} "
        for phrase in rule.phrases:
            if f" {' '.join(words_of(phrase))} " in said:
                return Evidence(float(turn.start), turn.role, phrase, "found")
    return None


def _required(rule: Rule, speaker: str, call: SpokenCall) -> Found:
    found = _phrase(rule, speaker, call)
    if found is None and not by_role(call.turns, speaker):
        return None, ()
    return found is not None, (found,) if found else ()


def _forbidden(rule: Rule, speaker: str, call: SpokenCall) -> Found:
    holds, evidence = _required(rule, speaker, call)
    return (None if holds is None else not holds), evidence


def _pace(rule: Rule, speaker: str, call: SpokenCall) -> Found:
    assert rule.most is not None
    words = call.words_of(speaker) if speaker != "any" else call.words
    share = words / call.words if call.words else 0
    minutes = call.seconds * share / 60
    return (words / minutes <= rule.most, ()) if minutes else (None, ())


def _pause(rule: Rule, _speaker: str, call: SpokenCall) -> Found:
    """A turn has no end in the stored text: it is taken to last as long as its words do at an ordinary pace."""
    assert rule.seconds is not None
    gaps = [
        (after.start - before.start - len(before.text.split()) / 2.2, before) for before, after in pairwise(call.turns)
    ]
    if not gaps:
        return None, ()
    longest, before = max(gaps, key=lambda gap: gap[0])
    return longest <= rule.seconds, (_at(before.start, before.role),)


def _not_transferred(rule: Rule, speaker: str, call: SpokenCall) -> Found:
    return _forbidden(rule.model_copy(update={"phrases": _TRANSFER}), speaker, call)


def _at(t: float, speaker: str) -> Evidence:
    return Evidence(float(t), speaker, "", "found")


_RULES: Mapping[RuleName, Callable[[Rule, str, SpokenCall], Found]] = {
    "first_words_within": _first_words,
    "talk_share_between": _talk_share,
    "required_phrases": _required,
    "forbidden_phrases": _forbidden,
    "pace_at_most": _pace,
    "longest_pause_at_most": _pause,
    "not_transferred": _not_transferred,
}

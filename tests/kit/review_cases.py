"""The flags on written answers: how many known failures they hit, how many honest texts they doubt.

`python -m tests.kit.review_cases` writes docs/review_flags.md; a test holds it equal to what the rules say today.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from include.calls.policy import load_policy
from include.calls.steps.build_transcript import review_of
from include.speech.cuts import AudioInfo, ChannelLayout, Cut, Piece
from include.speech.quality_flags import ReviewReason
from include.speech.recognition import RecognitionResponse
from tests.kit.paths import DATA, ROOT

CASES = DATA / "recogniser/review_cases.yaml"
PAGE = ROOT / "docs/review_flags.md"
KINDS = {
    "silence": "придумано поверх тишины",
    "loop": "зацикливание",
    "language": "не тот язык",
    "pace": "невозможный темп",
    "empty": "речь без текста",
    "greeting": "приветствия",
    "short": "короткие реплики",
    "numbers": "числа и адреса",
    "long": "обычные длинные реплики",
    "fast": "быстрая речь",
    "slow": "медленная речь с паузами",
    "foreign_words": "иностранные слова",
    "said_for_real": "«придуманные» фразы, сказанные людьми",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One written answer and what the flags say of it."""

    bad: bool
    kind: str
    text: str
    reasons: tuple[ReviewReason, ...]


def judged() -> Iterator[Judged]:
    """Each answer as the only piece, or as each of `pieces`, of a recording, by the thresholds of policy.yaml."""
    policy = load_policy({})
    review = review_of(policy.stt, policy.review)
    for side, kinds in yaml.safe_load(CASES.read_text(encoding="utf-8")).items():
        for kind, cases in kinds.items():
            for case in cases:
                text = case["text"] * case.get("repeat", 1)
                yield Judged(side == "bad", kind, text, review.reasons(*_heard(text, case)))


def _heard(text: str, case: dict[str, Any]) -> tuple[Cut, dict[Piece, RecognitionResponse]]:
    seconds = float(case["speech"])
    each = seconds + 0.4
    pieces = tuple(Piece(None, each * n, each * (n + 1), seconds) for n in range(case.get("pieces", 1)))
    cut = Cut(AudioInfo("mp3", "mp3", 1, 8000, each * len(pieces)), ChannelLayout.MONO, pieces, (1.0,), 0)
    return cut, dict.fromkeys(pieces, RecognitionResponse(text, (), case.get("language"), {}, "m", None, {}))


def rendered() -> str:
    """The page, in Russian."""
    cases = list(judged())
    bad, clean = [case for case in cases if case.bad], [case for case in cases if not case.bad]
    hits, alarms = sum(bool(case.reasons) for case in bad), sum(bool(case.reasons) for case in clean)
    lines = [
        "# Пометки needs_review: попадания и ложные тревоги",
        "",
        "Ответы распознавателя из `tests/data/recogniser/review_cases.yaml`:",
        f"{len(bad)} с известными ошибками моделей и {len(clean)} обычных.",
        "Пороги — из `include/calls/policy.yaml`, раздел `review`. Таблицу пишет",
        "`python -m tests.kit.review_cases`, тест держит её равной правилам.",
        "",
        f"**Ошибки: помечено {hits} из {len(bad)}. Обычные тексты: ложных тревог {alarms} из {len(clean)}.**",
        "",
        "| ошибка | ответов | помечено | по каким причинам |",
        "|---|---|---|---|",
        *_table(bad),
        "",
        "| обычные тексты | ответов | ложных тревог | по каким причинам |",
        "|---|---|---|---|",
        *_table(clean),
        "",
        "## Пропущено",
        "",
        *(_listed([case for case in bad if not case.reasons]) or ["нет"]),
        "",
        "## Ложные тревоги",
        "",
        *(_listed([case for case in clean if case.reasons]) or ["нет"]),
        "",
        "Ответы написаны руками по описаниям ошибок, это не выборка из живых звонков: доли говорят,",
        "какие ошибки правила знают, а не сколько их будет. О живых звонках говорит выборка QA в отчёте.",
    ]
    return "\n".join(lines) + "\n"


def _table(cases: list[Judged]) -> Iterator[str]:
    for kind in dict.fromkeys(case.kind for case in cases):
        of_kind = [case for case in cases if case.kind == kind]
        flagged = [case for case in of_kind if case.reasons]
        reasons = Counter(str(reason) for case in flagged for reason in case.reasons)
        named = ", ".join(f"`{reason}` {count}" for reason, count in sorted(reasons.items())) or "—"
        yield f"| {KINDS[kind]} | {len(of_kind)} | {len(flagged)} | {named} |"


def _listed(cases: list[Judged]) -> list[str]:
    return [f"- {KINDS[case.kind]}: «{case.text.strip()[:90]}»{_named(case)}" for case in cases]


def _named(case: Judged) -> str:
    return f" — {', '.join(f'`{reason}`' for reason in case.reasons)}" if case.reasons else ""


if __name__ == "__main__":
    PAGE.write_text(rendered(), encoding="utf-8")

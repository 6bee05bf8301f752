"""Slack messages: one short message for each occasion, with the run, its period, numbers and a link.

They hold no personal data: texts come from our own sentences and counts, and what looks like a phone number is masked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from include.calls.wording import approval
from include.calls.wording import slack as words
from include.common.masking import mask_phones


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What every message about a run shows. `run_id` and the period are None where the run was never opened.

    Times are UTC; `progress` is the sentence of counts and money; `link` leads to the run in Airflow's UI.
    """

    run_id: str | None
    period_from: datetime | None
    period_to: datetime | None
    progress: str
    link: str


def run_failed(run: RunSummary, reason: str) -> str:
    return _message(":x:", words.RUN_FAILED, run, [reason, run.progress])


def deadline_missed(run: RunSummary, deadline: str) -> str:
    return _message(":alarm_clock:", words.deadline_missed(deadline), run, [run.progress])


def report_ready(run: RunSummary, verdict: str) -> str:
    return _message(":white_check_mark:", words.REPORT_READY, run, [verdict, run.progress])


def cancelled(run: RunSummary, verdict: str) -> str:
    return _message(":no_entry:", words.CANCELLED, run, [verdict, run.progress])


def dlq_grew(run: RunSummary, moved: int) -> str:
    return _message(":inbox_tray:", words.DLQ_GREW, run, [words.moved_to_dlq(moved), run.progress])


def low_rate_on(run: RunSummary, until: datetime | None, refusals: int, *, forced: bool) -> str:
    why = words.low_rate(refusals, until, forced=forced)
    return _message(":snail:", words.LOW_RATE, run, [why, run.progress])


def approval_wanted(run: RunSummary, question: str) -> str:
    """`question` is the headline of the question in Airflow, with the sum and the budget."""
    return _message(":moneybag:", words.APPROVAL_WANTED, run, [question, approval.NOTHING_HAPPENS_MEANWHILE])


def _message(icon: str, headline: str, run: RunSummary, sentences: Sequence[str]) -> str:
    """Slack's mrkdwn; three characters have a meaning in it and are escaped, except in the link."""
    lines = [f"{icon} *{_plain(headline)}*"]
    if run.period_from and run.period_to:
        lines.append(words.period(run.period_from, run.period_to))
    lines += [_plain(mask_phones(sentence)) for sentence in sentences if sentence]
    name = f" · run_id {run.run_id}" if run.run_id else ""
    lines.append(f"<{_plain(run.link)}|{words.OPEN_IN_AIRFLOW}>{name}")
    return "\n".join(lines)


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

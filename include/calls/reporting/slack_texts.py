"""Messages about runs: one short message for each occasion, with the run, its period, numbers and a link.

They hold no personal data: texts come from our own sentences and counts, and what looks like a phone number is masked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from include.calls.wording import approval
from include.calls.wording import slack as words
from include.common.masking import mask_phones
from include.common.notice import Notice


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What every message about a run shows. `run_id` and the period are None where the run was never opened.

    Times are UTC; `progress` is the sentence of counts and money; `link` leads to the run in Airflow's UI, `calls_link`
    to its calls in the call browser.
    """

    run_id: str | None
    period_from: datetime | None
    period_to: datetime | None
    progress: str
    link: str
    calls_link: str | None = None


def run_failed(run: RunSummary, reason: str) -> Notice:
    return _message(":x:", words.RUN_FAILED, run, [reason, run.progress])


def deadline_missed(run: RunSummary, deadline: str) -> Notice:
    return _message(":alarm_clock:", words.deadline_missed(deadline), run, [run.progress])


def report_ready(run: RunSummary, verdict: str) -> Notice:
    return _message(":white_check_mark:", words.REPORT_READY, run, [verdict, run.progress])


def cancelled(run: RunSummary, verdict: str) -> Notice:
    return _message(":no_entry:", words.CANCELLED, run, [verdict, run.progress])


def dlq_grew(run: RunSummary, moved: int) -> Notice:
    return _message(":inbox_tray:", words.DLQ_GREW, run, [words.moved_to_dlq(moved), run.progress])


def low_rate_on(run: RunSummary, until: datetime | None, refusals: int, *, forced: bool) -> Notice:
    why = words.low_rate(refusals, until, forced=forced)
    return _message(":snail:", words.LOW_RATE, run, [why, run.progress])


def approval_wanted(run: RunSummary, question: str) -> Notice:
    """`question` is the headline of the question in Airflow, with the sum and the budget."""
    return _message(":moneybag:", words.APPROVAL_WANTED, run, [question, approval.NOTHING_HAPPENS_MEANWHILE])


def _message(icon: str, headline: str, run: RunSummary, sentences: Sequence[str]) -> Notice:
    period = [words.period(run.period_from, run.period_to)] if run.period_from and run.period_to else []
    said = [*period, *(mask_phones(sentence) for sentence in sentences if sentence)]
    name = f"run_id {run.run_id}" if run.run_id else ""
    calls = [(run.calls_link, words.OPEN_CALLS)] if run.calls_link else []
    return Notice(icon, headline, said, run.link, words.OPEN_IN_AIRFLOW, name, calls)

"""What is said in Slack: one short message per occasion, in Russian, with the run, its period, numbers and a link.

Never personal data: texts come from our own sentences and counts, and what looks like a phone number in them is masked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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
    return _message(":x:", "Выгрузка не удалась", run, [reason, run.progress])


def deadline_missed(run: RunSummary, deadline: str) -> str:
    return _message(":alarm_clock:", f"Выгрузка не закончилась к сроку {deadline}", run, [run.progress])


def report_ready(run: RunSummary, verdict: str) -> str:
    return _message(":white_check_mark:", "Отчёт и реестр готовы", run, [verdict, run.progress])


def cancelled(run: RunSummary, verdict: str) -> str:
    return _message(":no_entry:", "Выгрузка отменена", run, [verdict, run.progress])


def dlq_grew(run: RunSummary, moved: int) -> str:
    text = f"Отложено в DLQ записей: {moved}. Они не удавались дольше суток, сами больше не повторяются"
    return _message(":inbox_tray:", "DLQ выросла", run, [text, run.progress])


def low_rate_on(run: RunSummary, until: datetime | None, refusals: int, *, forced: bool) -> str:
    why = "включён параметром low_rate" if forced else f"отказов портала за 15 минут: {refusals}"
    end = f", до {until:%H:%M} UTC" if until else ""
    return _message(":snail:", "Щадящий режим портала", run, [f"{why}{end}", run.progress])


def approval_wanted(run: RunSummary, question: str) -> str:
    """`question` is the headline of what a person is asked in Airflow, with the sum and the budget."""
    text = "До ответа ничего не скачивается и не тратится"
    return _message(":moneybag:", "Нужно согласование расхода", run, [question, text])


def _message(icon: str, headline: str, run: RunSummary, sentences: Sequence[str]) -> str:
    """Slack's mrkdwn; three characters have a meaning in it and are escaped, the link's own excepted."""
    lines = [f"{icon} *{_plain(headline)}*"]
    if run.period_from and run.period_to:
        lines.append(f"Период {run.period_from:%Y-%m-%d %H:%M} — {run.period_to:%Y-%m-%d %H:%M} UTC")
    lines += [_plain(mask_phones(sentence)) for sentence in sentences if sentence]
    name = f" · run_id {run.run_id}" if run.run_id else ""
    lines.append(f"<{_plain(run.link)}|Открыть в Airflow>{name}")
    return "\n".join(lines)


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

"""What a survey of the telephony system found, as lines for a terminal."""

from decimal import Decimal

from include.calls.domain.portal_survey import LineFigures, Survey, together
from include.calls.policy import Policy
from include.calls.wording import survey as words
from include.common import russian_format as ru
from include.common.budget import PlannedSpending
from include.common.money import in_roubles
from include.common.text_table import text_table

MONTH_DAYS = 30
MOST_LINES = 20  # of a table; the rest is one row


def survey_text(survey: Survey, policy: Policy, rate: Decimal) -> str:
    """Lines of the company, calls, recordings and minutes a day, and what a month would cost at `rate` USD a minute."""
    parts = [words.heading(survey.period.start, survey.period.end, survey.total), *_remarks(survey)]
    if not survey.rows:
        return "\n".join([*parts, words.NO_CALLS])
    whole = survey.whole
    parts.append(_table(survey, whole, rate))
    if not whole.recordings:
        return "\n".join([*parts, words.NO_RECORDINGS])
    minutes, cost = survey.a_day(whole.minutes) * MONTH_DAYS, _month(survey, whole, rate)
    parts.append(words.month(minutes, rate, cost, in_roubles(cost, policy.money.usd_rub_rate)))
    return "\n".join(parts)


def first_night_text(survey: Survey, policy: Policy, planned: PlannedSpending) -> str:
    """What a night that begins with nothing would buy of the survey's period."""
    whole = survey.whole
    seconds = float(survey.of_period(whole.seconds)) / 60 * policy.stt.seconds_per_minute / policy.batches.slots
    minutes, recordings = survey.of_period(whole.minutes), survey.of_period(whole.recordings)
    roubles = in_roubles(planned.forecast, policy.money.usd_rub_rate)
    about_budget = words.above_budget if planned.needs_approval else words.within_budget
    return "\n".join(
        [
            words.first_night(policy.period.default_days, recordings, minutes, planned.forecast, roubles),
            *_remarks(survey),
            words.duration(seconds, policy.batches.slots),
            about_budget(planned.budget.usd),
        ]
    )


def _remarks(survey: Survey) -> list[str]:
    found = []
    if survey.is_sample:
        found.append(words.sample(survey.read.start, survey.rows))
    if survey.unreadable:
        found.append(words.unreadable(survey.unreadable))
    return found


def _table(survey: Survey, whole: LineFigures, rate: Decimal) -> str:
    lines = sorted(survey.lines.items(), key=lambda item: (-item[1].calls, item[0]))
    shown = [(name or words.NO_LINE, figures) for name, figures in lines[:MOST_LINES]]
    if rest := lines[MOST_LINES:]:
        shown.append((words.OTHER_LINES, together(figures for _, figures in rest)))
    if len(lines) > 1:
        shown.append((words.ALL_LINES, whole))
    return text_table(words.COLUMNS, [_row(name, figures, survey, rate) for name, figures in shown], numbers_from=1)


def _row(name: str, figures: LineFigures, survey: Survey, rate: Decimal) -> list[str]:
    share = Decimal(figures.recordings) / figures.calls if figures.calls else Decimal(0)
    return [
        name,
        ru.number(survey.a_day(figures.calls), 1),
        ru.percent(share, 0),
        ru.number(survey.a_day(figures.minutes), 1),
        ru.number(_month(survey, figures, rate), 2),
    ]


def _month(survey: Survey, figures: LineFigures, rate: Decimal) -> Decimal:
    return survey.a_day(figures.minutes) * MONTH_DAYS * rate

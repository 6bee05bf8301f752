"""Looks at a telephony system before anything is exported; stores and buys nothing.

A portal of any size costs it some ten requests: where the period has too many calls, its last days stand for it.
"""

from datetime import timedelta

from include.calls.domain.portal_survey import Survey
from include.common.periods import Period
from include.common.telephony import TelephonySystem

_SECOND = timedelta(seconds=1)
MOST_CALLS = 20_000  # eight requests for rows at a portal that chains fifty pages


def survey_portal(telephony: TelephonySystem, period: Period, *, most: int = MOST_CALLS) -> Survey:
    """Raises what the telephony system's listing raises."""
    total = telephony.count_calls(period)
    read, expected, days = period, total, len(period.days)
    while expected > most and days > 1:
        # a portal that grows has more calls in its last days than their share: then once more
        days = min(days - 1, max(1, days * most // expected))
        read = Period(period.end + _SECOND - timedelta(days=days), period.end)
        expected = telephony.count_calls(read)
    survey = Survey(period, total, read)
    for rows in telephony.list_calls(read, total=expected):
        survey.add(rows)
        if survey.rows >= most:
            break
    return survey

"""Tokens that a person has given: an alert before the known life of one is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.sales.domain.scopes import Source
from include.sales.state.state import SalesState
from include.sales.wording import alerts as words

_JOB = "alerts"


@dataclass(frozen=True, slots=True)
class GivenToken:
    """`digest` stands for the token; `settings`: the variables that hold it; `lives`: from its issue, which was when it
    was seen first, or before.
    """

    source: Source
    digest: str
    lives: timedelta
    settings: str


def watch_tokens(state: SalesState, tokens: Sequence[GivenToken], now: datetime, *, warning: timedelta) -> None:
    """`tokens`: of the sources that have one; an alert about a source that has none any more is closed."""
    for token in tokens:
        ends = state.given_tokens.seen(token.source, token.digest, token.lives)
        if ends - now < warning:
            text = words.EXPIRES if ends > now else words.EXPIRED
            message = text.format(settings=token.settings, ends=ends)
            state.alerts.see("token_expiring", "warning", job=_JOB, source=token.source, message=message)
        else:
            state.alerts.resolve("token_expiring", job=_JOB, source=token.source)
    with_token = {token.source for token in tokens}
    for source in Source:
        if source not in with_token:
            state.given_tokens.forget(source)
            state.alerts.resolve("token_expiring", job=_JOB, source=source)

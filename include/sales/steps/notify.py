"""One digest of what is new, worse, over, or without an answer for a day; through every channel that is there."""

import logging
from collections.abc import Callable, Mapping, Sequence

from include.sales.state.sales_alerts import Alert
from include.sales.state.state import SalesState
from include.sales.wording import alerts as words

log = logging.getLogger(__name__)
Send = Callable[[str, str], bool]  # subject, text; False if the channel did not accept it


def notify(state: SalesState, channels: Mapping[str, Send]) -> int:
    """Sends the digest; returns how many alerts it has. They count as sent once one channel has accepted it.

    A channel that fails while another works opens `mail_send_failed`; if none works, the next run sends the same.
    """
    due = state.alerts.due()
    if not due or not channels:
        return 0
    subject, text = digest(due)
    accepted = {name: send(subject, text) for name, send in channels.items()}
    for name, was_accepted in accepted.items():
        if was_accepted:
            state.alerts.resolve("mail_send_failed", job="alerts", source=name)
        else:
            log.warning("the channel %s did not accept the digest", name)
            state.alerts.see("mail_send_failed", "error", job="alerts", source=name, message=words.NOT_SENT)
    if any(accepted.values()):
        state.alerts.notified(due)
        return len(due)
    return 0


def digest(alerts: Sequence[Alert]) -> tuple[str, str]:
    """Subject and plain text, in Russian; each alert with the command that helps."""
    standing = [alert for alert in alerts if alert.resolved_at is None]
    over = [alert for alert in alerts if alert.resolved_at is not None]
    lines = [_line(alert) for alert in standing]
    if over:
        lines += ["", f"{words.OVER}:", *(f"- {words.TITLES.get(alert.code, alert.code)}" for alert in over)]
    subject = words.SUBJECT_OPEN.format(count=len(standing)) if standing else words.SUBJECT_OVER
    return subject, "\n".join(lines)


def _line(alert: Alert) -> str:
    title = words.TITLES.get(alert.code, alert.code)
    where = " / ".join(part for part in (alert.job, alert.source, alert.account) if part)
    found = f"[{alert.alert_type}] {title} ({where}): {alert.message}"
    if alert.occurrences > 1:
        found += f" — {words.REPEATED.format(times=alert.occurrences, last=f'{alert.last_seen_at:%d.%m %H:%M}')}"
    if help_text := words.HELP.get(alert.code):
        found += f"\n    {help_text.format(job=alert.job, source=alert.source or alert.job)}"
    return f"{found}\n    make sales-alerts ACK={alert.alert_id} BY=..."

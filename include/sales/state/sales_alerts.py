"""Alerts of the area: opened, counted, worsened and resolved in PostgreSQL, so that they work with ClickHouse down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.types.json import Jsonb

from include.common.postgres_session import Session, storable, storable_detail

_FILE = "sales_alerts"
REMIND_HOURS = 24
AlertType = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Alert:
    """A row of `sales.alerts`."""

    alert_id: int
    fingerprint: str
    created_at: datetime
    job: str
    alert_type: AlertType
    code: str
    source: str
    account: str
    message: str
    details: dict[str, Any]
    occurrences: int
    last_seen_at: datetime
    notified_at: datetime | None
    notified_type: str | None
    resolved_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    revision: int


def fingerprint(code: str, job: str, source: str = "", account: str = "") -> str:
    """What makes two occurrences one alert."""
    return "|".join((code, job, source, account))


class SalesAlerts:
    """Rows of `sales.alerts`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def see(
        self,
        code: str,
        alert_type: AlertType,
        *,
        job: str,
        message: str,
        source: str = "",
        account: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> int:
        """Opens the alert or counts one more occurrence; returns its id."""
        return int(
            self._session.value(
                _FILE,
                "see",
                fingerprint=fingerprint(code, job, source, account),
                job=job,
                alert_type=alert_type,
                code=code,
                source=source,
                account=account,
                message=storable(message)[:1000],
                details=Jsonb(storable_detail(details or {})),
            )
        )

    def resolve(self, code: str, *, job: str, source: str = "", account: str = "") -> bool:
        """False if no such alert is open."""
        return bool(self._session.count(_FILE, "resolve", fingerprint=fingerprint(code, job, source, account)))

    def acknowledge(self, alert_id: int, by: str) -> bool:
        """A person has seen it: no reminders any more. False if there is no such alert, or it is acknowledged."""
        return bool(self._session.count(_FILE, "acknowledge", alert_id=alert_id, by=storable(by)))

    def open(self) -> list[Alert]:
        return self._session.rows(_FILE, "open_alerts", Alert)

    def due(self) -> list[Alert]:
        """What a digest of now says: new, worse, unanswered for a day, over."""
        return self._session.rows(_FILE, "due", Alert, remind_hours=REMIND_HOURS)

    def notified(self, alerts: Sequence[Alert]) -> None:
        self._session.count(_FILE, "notified", alert_ids=[alert.alert_id for alert in alerts])

    def uncopied(self) -> list[Alert]:
        return self._session.rows(_FILE, "uncopied", Alert)

    def copied(self, alert: Alert) -> None:
        self._session.count(_FILE, "copied", alert_id=alert.alert_id, revision=alert.revision)

"""Figures of the report and the estimate."""

from include.common.postgres_session import Session

_FILE = "report_figures"


class ReportFigures:
    """Figures of the report and the estimate."""

    def __init__(self, session: Session) -> None:
        self._session = session

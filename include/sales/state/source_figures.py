"""What the metrics say of each source."""

from dataclasses import dataclass
from typing import Any

from include.common.postgres_session import Session

_FILE = "source_figures"


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """All loads of a source that ended well; `seconds` and the quotas are those of the newest one."""

    source: str
    rows: int
    requests: int | None
    seconds: float
    quota_left: dict[str, Any] | None
    quota_limits: dict[str, Any] | None


def figures(session: Session) -> list[SourceFigures]:
    return session.rows(_FILE, "figures", SourceFigures)


def refusals(session: Session) -> dict[str, int]:
    """How often each source has asked us to slow down."""
    return {str(source): int(count) for source, count in session.values(_FILE, "refusals")}

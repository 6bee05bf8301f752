"""The jobs of the area: what people call them, what each loads, how often it should succeed."""

from dataclasses import dataclass
from datetime import timedelta

from include.sales.domain.scopes import Source


@dataclass(frozen=True, slots=True)
class Job:
    """A DAG that runs by a schedule. `source` is None for jobs that load nothing."""

    name: str
    every: timedelta
    source: Source | None = None


QTICKETS = Job("qtickets", timedelta(minutes=15), Source.QTICKETS)
QTICKETS_DAYS = Job("qtickets_days", timedelta(days=1), Source.QTICKETS)
VK_ADS = Job("vk_ads", timedelta(days=1), Source.VK_ADS)
DIRECT = Job("direct", timedelta(days=1), Source.DIRECT)
GMAIL = Job("gmail", timedelta(hours=4), Source.GMAIL)
ALERTS = Job("alerts", timedelta(hours=2))
BACKUP = Job("backup", timedelta(hours=4))
RESTORE_CHECK = Job("restore_check", timedelta(days=7))
RESTORE = Job("restore", timedelta())  # a person starts it: it is never late
JOBS = {job.name: job for job in (QTICKETS, QTICKETS_DAYS, VK_ADS, DIRECT, GMAIL, ALERTS, BACKUP, RESTORE_CHECK)}

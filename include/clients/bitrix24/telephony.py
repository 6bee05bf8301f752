"""Bitrix24 as a `TelephonySystem`, and how one is opened: the only module of this folder that the product imports."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, Self
from uuid import UUID

from include.clients.bitrix24 import access_check, call_listing, employees, links, portal_transcripts, recording_file
from include.clients.bitrix24.pace import LowRate, OwnPace, PortalPace
from include.clients.bitrix24.portal import BATCH_SIZE, Portal
from include.clients.bitrix24.statistics_row import call_from_row
from include.clients.bitrix24.webhook import Webhook
from include.common.errors import BadRow, ExportError
from include.common.periods import Period
from include.common.telephony import DownloadedFile, Listed, RecordingKey, RecordingLink, RecordingRequest


class PortalLimits(Protocol):
    """The section `portal` of a policy."""

    @property
    def rate_limit_rps(self) -> float: ...
    @property
    def burst(self) -> int: ...
    @property
    def low_rate_rps(self) -> float: ...
    @property
    def refusals_before_low_rate(self) -> int: ...
    @property
    def refusals_window_minutes(self) -> int: ...
    @property
    def low_rate_minutes(self) -> int: ...
    @property
    def backoff_seconds(self) -> float: ...
    @property
    def recording_hosts(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class PortalSettings:
    """How the portal is treated: requests a second, unused requests made up for at once, and when to slow down."""

    rate: float = 2.0
    burst: int = 0
    low_rate: LowRate = field(default_factory=LowRate)
    recording_hosts: Sequence[str] = ()
    backoff: float = 5.0
    max_wait: float = 60.0
    ca_bundle: str | None = None  # of a self-hosted portal under a private certificate authority

    @classmethod
    def of(cls, limits: PortalLimits, *, ca_bundle: str | None) -> Self:
        return cls(
            rate=limits.rate_limit_rps,
            burst=limits.burst,
            low_rate=LowRate(
                rps=limits.low_rate_rps,
                refusals=limits.refusals_before_low_rate,
                window_sec=limits.refusals_window_minutes * 60,
                seconds=limits.low_rate_minutes * 60,
            ),
            recording_hosts=limits.recording_hosts,
            backoff=limits.backoff_seconds,
            ca_bundle=ca_bundle,
        )


@contextmanager
def open_telephony(
    webhook: Webhook,
    conninfo: str,
    settings: PortalSettings,
    *,
    run_id: UUID | None = None,
    force_low_rate: bool = False,
) -> "Iterator[Bitrix24Telephony]":
    """A client whose every request is paced by one row of the state database, in whatever process it runs."""
    pace = PortalPace(
        conninfo, webhook.host, rate=settings.rate, burst=settings.burst, run_id=run_id, low_rate=settings.low_rate
    )
    portal = Portal(
        webhook,
        pace,
        recording_hosts=settings.recording_hosts,
        backoff=settings.backoff,
        max_wait=settings.max_wait,
        ca_bundle=settings.ca_bundle,
    )
    try:
        if force_low_rate:
            pace.force_low_rate(settings.low_rate.seconds)  # each task of such a run renews it
        yield Bitrix24Telephony(portal)
    finally:
        portal.close()
        pace.close()


@contextmanager
def open_alone(webhook: Webhook, settings: PortalSettings) -> "Iterator[Bitrix24Telephony]":
    """A client for a process that has no state database: before the first start, where no task talks to the portal."""
    portal = Portal(
        webhook,
        OwnPace(rate=settings.rate),
        recording_hosts=settings.recording_hosts,
        backoff=settings.backoff,
        max_wait=settings.max_wait,
        ca_bundle=settings.ca_bundle,
    )
    try:
        yield Bitrix24Telephony(portal)
    finally:
        portal.close()


class Bitrix24Telephony:
    """The calls and recordings of one portal; see `TelephonySystem` for what each method promises."""

    name = "bitrix24"
    links_at_once = BATCH_SIZE

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    @property
    def host(self) -> str:
        return self._portal.webhook.host

    @property
    def server_seconds(self) -> Mapping[str, float]:
        return self._portal.operating

    @property
    def clock_offset_sec(self) -> float | None:
        return self._portal.clock_offset_sec

    def check_access(self, now: datetime, *, transcripts: bool = False) -> None:
        access_check.check_access(self._portal, now, transcripts=transcripts)

    def count_calls(self, period: Period) -> int:
        return call_listing.count_rows(self._portal, period)

    def list_calls(self, period: Period, *, total: int | None = None) -> Iterator[list[Listed]]:
        for rows in call_listing.list_rows(self._portal, period, total=total):
            yield [_listed(row) for row in rows]

    def employee_names(self, ids: Iterable[str]) -> dict[str, str]:
        return employees.employee_names(self._portal, ids)

    def links(self, requests: Sequence[RecordingRequest]) -> dict[RecordingKey, RecordingLink | ExportError]:
        return links.links_of(self._portal, requests)

    def download(self, link: RecordingLink, target: Path) -> DownloadedFile:
        return recording_file.download(self._portal, link, target)

    def transcripts(self, statistics_ids: Sequence[int]) -> dict[int, str]:
        return portal_transcripts.transcripts_of(self._portal, statistics_ids)


def _listed(row: call_listing.Row) -> Listed:
    try:
        return call_from_row(row)
    except BadRow as error:
        return error

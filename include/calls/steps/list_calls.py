"""Registers every call of the period: none is filtered away, none is merged with another one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from include.calls.domain.erasure_hashes import ErasedCalls, ErasureKey
from include.calls.domain.stages import Stage
from include.calls.state.erasures import Erasures
from include.calls.state.state import State
from include.calls.state.types import Run
from include.common.errors import BadRow
from include.common.periods import Period
from include.common.postgres_session import storable
from include.common.telephony import Call, Listed, TelephonySystem

ROWS_AT_ONCE = 2_500  # one transaction and one request for new employees
CLOCK_MAY_DIFFER_SEC = 300.0
REASONS_KEPT = 5  # of the rows of a chunk that were read in part
MANY_NEW = 1_000  # new rows after which PostgreSQL's statistics are brought up to date


def list_calls(
    run_id: UUID,
    telephony: TelephonySystem,
    state: State,
    *,
    erasure_key: ErasureKey | None = None,
    clock_may_differ_sec: float = CLOCK_MAY_DIFFER_SEC,
) -> int:
    """Registers the period's calls and notes the figures that prove the listing complete; returns the listed rows.

    Calls that were erased on a person's demand are counted among them and not stored; `erasure_key` knows them.

    A resumed run whose listing had ended is not listed again.
    """
    run = state.runs.get(run_id)
    if run.metadata.get("listed") is not None:
        return int(run.metadata["listed"])
    began_at = state.recordings.now()
    portal_id = portal_of(telephony, state)
    state.runs.set_portal(run_id, portal_id)
    total = telephony.count_calls(run.period)
    most = int(run.metadata.get("limit_calls") or 0)
    listing = _Listing(run, portal_id, telephony, state, erasure_key)
    for rows in gathered(limited(telephony.list_calls(run.period, total=total), most)):
        listing.save(rows)
    if listing.new > MANY_NEW:
        state.listing.analyze()
    if listing.listed != total and not most:  # calls came or went during the listing
        total = telephony.count_calls(run.period)
    found = {
        "portal_total": total, "bad_rows": listing.bad, "partly_read": listing.partly_read, "shared": listing.shared,
        "erased": listing.erased,
    }  # fmt: skip
    if most:
        state.runs.set_trial_end(run_id, max(listing.statistics_ids, default=0))
    else:
        found["registered"] = state.listing.note_gone(run, portal_id, listing.statistics_ids, began_at=began_at)
    _note_clock(run_id, telephony.clock_offset_sec, state, most_sec=clock_may_differ_sec)
    state.runs.note(run_id, {"listed": listing.listed, "listing_began_at": began_at.isoformat(), **found})
    state.runs.note_server_seconds(run_id, telephony.server_seconds)
    state.events.add(run_id, stage=Stage.LIST_CALLS, event="listed", detail={"rows": listing.listed, **found})
    return listing.listed


def _note_clock(run_id: UUID, offset_sec: float | None, state: State, *, most_sec: float) -> None:
    """The times of calls are the system's own: what a wrong clock moves is the border of the period."""
    if offset_sec is not None:
        state.runs.note(run_id, {"clock_offset_sec": round(offset_sec)})
        if abs(offset_sec) > most_sec:
            detail = {"offset_sec": round(offset_sec)}
            state.events.add(run_id, stage=Stage.LIST_CALLS, event="portal_clock_differs", detail=detail)


def portal_of(telephony: TelephonySystem, state: State) -> int:
    """The number of the portal behind this address.

    A new address may be that of a known portal that was renamed: then it lists the newest known call under the same
    number. Otherwise every text of its period would be bought again.
    """
    rows: list[Listed] = []
    if not state.portals.is_known(telephony.host):
        for at in state.portals.newest_calls():
            for page in telephony.list_calls(Period(at, at)):
                rows += page
    sample = [(row.statistics_id, storable(row.call_id)) for row in rows if isinstance(row, Call)]  # as they are stored
    return state.portals.of(telephony.host, sample)


@dataclass(slots=True)
class _Listing:
    """Saves the listed rows and counts them. `statistics_ids` are the numbers of rows that could be read."""

    run: Run
    portal_id: int
    telephony: TelephonySystem
    state: State
    erasure_key: ErasureKey | None
    names: dict[str, str] = field(default_factory=dict)
    statistics_ids: list[int] = field(default_factory=list)
    listed: int = 0
    new: int = 0
    bad: int = 0
    partly_read: int = 0
    shared: int = 0
    erased: int = 0

    def save(self, rows: list[Listed]) -> None:
        calls = [row for row in rows if isinstance(row, Call)]
        bad_rows = [row for row in rows if isinstance(row, BadRow)]
        if calls:
            self._learn_names(calls)
            saved = self.state.listing.save(self.run, self.portal_id, calls, self.names, erased=self._erased)
            self.new += saved.new
            self.shared += saved.shared
            self.erased += saved.erased
        self.statistics_ids += [call.statistics_id for call in calls]
        self.listed += len(rows)
        self.bad += len(bad_rows)
        self._note_partly_read([call for call in calls if call.unread])
        for error in bad_rows:
            self.state.events.add(
                self.run.run_id,
                stage=Stage.LIST_CALLS,
                event="bad_row",
                error_code=error.code,
                detail={"reason": str(error)},
            )

    def _erased(self) -> ErasedCalls:
        return Erasures(self.state.session).erased(self.erasure_key)

    def _note_partly_read(self, calls: list[Call]) -> None:
        """One event for a chunk: a new kind of call may be half of all rows."""
        self.partly_read += len(calls)
        if calls:
            reasons = [reason for call in calls[:REASONS_KEPT] for reason in call.unread]
            detail = {"rows": len(calls), "reasons": reasons}
            self.state.events.add(self.run.run_id, stage=Stage.LIST_CALLS, event="rows_read_in_part", detail=detail)

    def _learn_names(self, calls: list[Call]) -> None:
        unknown = {call.employee_id for call in calls if call.employee_id} - self.names.keys()
        if unknown:
            found = self.telephony.employee_names(unknown)
            self.names.update({employee: found.get(employee, "") for employee in unknown})


def limited(pages: Iterable[list[Listed]], recordings: int) -> Iterator[list[Listed]]:
    """All pages, or rows up to the N-th one with a recording: a trial of five calls should give five texts."""
    left = recordings
    for page in pages:
        if not recordings:
            yield page
            continue
        kept: list[Listed] = []
        for row in page:
            kept.append(row)
            left -= isinstance(row, Call) and row.has_recording
            if left <= 0:
                break
        yield kept
        if left <= 0:
            return


def gathered(pages: Iterable[list[Listed]], most: int = ROWS_AT_ONCE) -> Iterator[list[Listed]]:
    """Pages put together until they hold `most` rows or more."""
    rows: list[Listed] = []
    for page in pages:
        rows += page
        if len(rows) >= most:
            yield rows
            rows = []
    if rows:
        yield rows

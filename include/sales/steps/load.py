"""`load`: one scope is fetched whole, written under its number, verified, and its days are covered.

Nothing is written before the answer is complete and checked. A process may die between any two statements: the next
attempt takes a new number, and its rows and tombstones win. Until then readers see each key once, old or new.
"""

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from include.common.errors import ContractBroken, ExportError, LoadCode, NotReady, StopRun, Temporary, Throttled
from include.sales.domain.rows import Table
from include.sales.domain.scopes import Counters, Fetched, Kind, SalesSource, Scope
from include.sales.domain.window_checks import is_suspect
from include.sales.state.loads import Load
from include.sales.state.state import SalesState
from include.sales.state.warehouse_rows import BLOCK_ROWS, WarehouseRows
from include.sales.steps.spool import Spool

log = logging.getLogger(__name__)
_RENEW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class LoadServices:
    """What a load works on. `spool_folder` is for the rows on their way; None is the system's own."""

    state: SalesState
    warehouse: WarehouseRows
    source: SalesSource
    spool_folder: Path | None = None


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """`shrink_share` and `shrink_keys`: from which loss of keys on a window is not written unless `accept_shrink`."""

    shrink_share: float
    shrink_keys: int
    accept_shrink: bool = False
    backfill: bool = False


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one load did; `amount` by day is the source's own account of it."""

    load_id: int
    rows: int
    tombstones: int
    amount: Decimal
    content_hash: str
    by_day: dict[date, Decimal] = field(default_factory=dict)
    findings: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)


def load(load_id: int, services: LoadServices, options: LoadOptions) -> Loaded:
    """Raises what the source raises, and besides ContractBroken (`shrunk_window`, `verify_mismatch`), Temporary.

    A load that is not ready or throttled keeps its number and the name of its report; any other failure while it
    writes ends the number.
    """
    state = services.state
    found = state.loads.current(load_id)
    if found.status == "loaded":
        return _again(found)
    if found.status != "fetching":
        found = state.loads.anew(found)
    state.leases.renew(found.source, found.account, found.dag_run_id)
    try:
        with Spool(services.spool_folder) as spool:
            counters = _fetch(
                lambda: services.source.fetch(found.of, report_name=found.report_name, backfill=options.backfill),
                spool,
                _renewing(found, state),
            )
            return _write(found, counters, services, options, spool)
    except (NotReady, Throttled):
        raise
    except Temporary as error:
        if state.loads.current(found.load_id).status == "writing":
            state.loads.fail(found, error.code)
        raise
    except ExportError as error:
        state.loads.fail(found, error.code)
        raise


def preview(scope: Scope, source: SalesSource, spool_folder: Path | None = None) -> Loaded:
    """Fetches and projects the scope and writes nothing: what a dry run prints."""
    with Spool(spool_folder) as spool:
        counters = _fetch(lambda: source.fetch(scope, report_name="dry-run"), spool, lambda: None)
        return Loaded(
            load_id=0,
            rows=sum(spool.counts.values()),
            tombstones=0,
            amount=sum((spool.amount(table) for table in spool.tables()), Decimal(0)),
            content_hash="",
            by_day=dict(counters.amount),
            findings=dict(counters.findings),
            examples=dict(counters.examples),
        )


def _fetch(answer: Callable[[], Fetched], spool: Spool, renew: Callable[[], None]) -> Counters:
    """The whole answer into the spool. Pages that do not fit together are fetched anew once, at once.

    If they do not fit again, it is no accident, and more tries would only keep the source busy: ContractBroken.
    """
    try:
        return _fetch_once(answer, spool, renew)
    except Temporary as error:
        if error.code != LoadCode.PAGING_UNSTABLE:
            raise
        log.warning("%s: fetched anew once", error)
    spool.empty()
    try:
        return _fetch_once(answer, spool, renew)
    except Temporary as error:
        if error.code != LoadCode.PAGING_UNSTABLE:
            raise
        failure = ContractBroken(
            f"{error}, also when fetched anew",
            code=error.code,
            problem=error.problem or "pages_do_not_fit",
            **error.facts,
        )
    raise failure


def _fetch_once(answer: Callable[[], Fetched], spool: Spool, renew: Callable[[], None]) -> Counters:
    fetched = answer()
    for batch in fetched.batches:
        spool.add(batch)
        renew()
    spool.refuse_repeated_keys()
    return fetched.counters


def _write(found: Load, counters: Counters, services: LoadServices, options: LoadOptions, spool: Spool) -> Loaded:
    state, warehouse, scope = services.state, services.warehouse, found.of
    if scope.table is not None:
        _refuse_shrunk(scope, warehouse, spool, options)
    state.leases.renew(found.source, found.account, found.dag_run_id)
    state.loads.begin_writing(found)
    _write_rows(found, services, spool)
    tombstones = 0
    if scope.table is not None:
        tombstones += warehouse.tombstone_absent(scope, found.load_id)
    if spool.orders and scope.kind is Kind.DELTA:
        tombstones += warehouse.tombstone_orders(spool.orders, found.load_id)
    content_hash, amount = _verified(found, warehouse, spool)
    if counters.covered_until is None:
        raise ContractBroken(
            "the source does not say until when its answer is complete",
            code=LoadCode.SOURCE_BAD_ANSWER,
            problem="no_coverage",
            source=found.source,
        )
    covered = counters.covered_until
    warehouse.cover(scope, found.load_id, covered_until=covered.replace(microsecond=0), now=_now())
    rows = sum(spool.counts.values())
    with state.transaction():
        state.loads.finish(
            found,
            rows=rows,
            tombstones=tombstones,
            amount=amount,
            content_hash=content_hash,
            counters=_facts(counters),
        )
        if scope.kind is Kind.DELTA:
            state.loads.advance_watermark(found, counters.watermark or covered)
        elif scope.corrected_until is not None:
            state.loads.advance_watermark(found, scope.corrected_until)
    return Loaded(
        load_id=found.load_id,
        rows=rows,
        tombstones=tombstones,
        amount=amount,
        content_hash=content_hash,
        by_day=dict(counters.amount),
        findings=dict(counters.findings),
        examples=dict(counters.examples),
    )


def _refuse_shrunk(scope: Scope, warehouse: WarehouseRows, spool: Spool, options: LoadOptions) -> None:
    """A source that lost much at once is suspected, not believed: a person says that it is so."""
    assert scope.table is not None
    if options.accept_shrink:
        return
    shown, missing = spool.missing(scope.table, iter(warehouse.keys(scope)))
    came = spool.counts[scope.table]
    if is_suspect(shown, missing, came, share=options.shrink_share, keys=options.shrink_keys):
        raise StopRun(
            f"{missing} of {shown} keys of the window are not in the answer: nothing was written",
            code=LoadCode.SHRUNK_WINDOW,
            problem="shrunk_window",
            missing=missing,
            shown=shown,
        )


def _write_rows(found: Load, services: LoadServices, spool: Spool) -> None:
    """In blocks, whatever the sizes of the source's pages: each INSERT makes a part that must be merged."""
    renew = _renewing(found, services.state)
    waiting: dict[Table, dict[tuple[int, int], list[bytes]]] = defaultdict(lambda: defaultdict(list))
    counts: Counter[Table] = Counter()

    def write(table: Table) -> None:
        for texts in waiting.pop(table).values():
            services.warehouse.insert_text(table, b"".join(texts), found.load_id)
            renew()
        counts[table] = 0

    for part in spool.parts():
        waiting[part.table][part.month].append(part.text)
        counts[part.table] += part.rows
        if counts[part.table] >= BLOCK_ROWS:
            write(part.table)
    for table in list(waiting):
        write(table)


def _verified(found: Load, warehouse: WarehouseRows, spool: Spool) -> tuple[str, Decimal]:
    """The hash and the money of what FINAL shows now; raises where it is not what was written.

    A window must show the load's rows and no others, so one look at the window is a look at both.
    """
    scope, parts, money = found.of, [], Decimal(0)
    for table in (one for one in Table if spool.counts[one] or one is scope.table):
        if table is scope.table:
            sums, own = warehouse.sums_of_window(scope, found.load_id)
        else:
            sums = warehouse.sums(table, found.load_id, spool.bounds(table))
            own = sums.rows
        if (sums.rows, own, sums.amount) != (spool.counts[table], spool.counts[table], spool.amount(table)):
            _refuse_mismatch(found, warehouse, f"{table}: {sums.rows} rows, {own} of this load, {sums.amount}")
        if sums.rows:
            parts.append(f"{table}:{sums.rows}:{sums.digest}")
        money += sums.amount
    return " ".join(parts), money


def _refuse_mismatch(found: Load, warehouse: WarehouseRows, shown: str) -> None:
    scope = found.of
    if scope.table is not None and warehouse.newer_than(scope, found.load_id):
        raise Temporary(f"a later load has written in the scope of load {found.load_id}", code=LoadCode.LOAD_SUPERSEDED)
    raise ContractBroken(
        f"what load {found.load_id} wrote is not what the warehouse shows ({shown})",
        code=LoadCode.VERIFY_MISMATCH,
        problem="verify_mismatch",
        shown=shown,
    )


def _renewing(found: Load, state: SalesState) -> Callable[[], None]:
    """Renews the lease, at most once a minute. Raises Temporary if another run has taken it."""
    last = time.monotonic()

    def renew() -> None:
        nonlocal last
        if time.monotonic() - last > _RENEW_SECONDS:
            state.leases.renew(found.source, found.account, found.dag_run_id)
            last = time.monotonic()

    return renew


def _facts(counters: Counters) -> Mapping[str, Any]:
    """What the row keeps of the counters, as JSON values."""
    return {
        "requests": counters.requests,
        "source_rows": counters.source_rows,
        "bad_rows": counters.bad_rows,
        "rows": {str(table): count for table, count in counters.rows.items()},
        "amount": {day.isoformat(): str(amount) for day, amount in counters.amount.items()},
        "findings": dict(counters.findings),
        "examples": dict(counters.examples),
        "quota_left": dict(counters.quota_left),
        "quota_limits": dict(counters.quota_limits),
        "preliminary": sorted(day.isoformat() for day in counters.preliminary),
        "covered_until": counters.covered_until and counters.covered_until.isoformat(),
    }


def _again(found: Load) -> Loaded:
    """A load that ended well already: its task was repeated after it had finished."""
    facts = found.counters
    return Loaded(
        load_id=found.load_id,
        rows=found.rows,
        tombstones=found.tombstones,
        amount=found.amount,
        content_hash=found.content_hash or "",
        by_day={date.fromisoformat(day): Decimal(amount) for day, amount in facts.get("amount", {}).items()},
        findings=facts.get("findings", {}),
        examples=facts.get("examples", {}),
    )


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)

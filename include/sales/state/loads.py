"""Loads: their numbers, their moves, how far deltas have read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from psycopg.types.json import Jsonb

from include.common.errors import LoadCode, Temporary
from include.common.postgres_session import Session, storable_detail
from include.sales.domain.scopes import Kind, Scope, Source, Stream

_FILE = "loads"
LoadStatus = Literal["fetching", "writing", "loaded", "failed", "superseded"]


@dataclass(frozen=True, slots=True)
class Load:
    """A row of `sales.loads`; `load_id` is `_ver` of its rows in ClickHouse."""

    load_id: int
    source: str
    stream: str
    account: str
    scope: dict[str, Any]
    kind: str
    status: LoadStatus
    report_name: str
    dag_run_id: str
    rows: int
    tombstones: int
    amount: Decimal
    counters: dict[str, Any]
    content_hash: str | None
    error_code: str | None
    opened_at: datetime
    finished_at: datetime | None

    @property
    def of(self) -> Scope:
        """The scope, as the source takes it."""
        return scope_of(self.scope)


class Loads:
    """Rows of `sales.loads`. Every move names the status that it expects and leaves an event."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def open(self, scope: Scope, dag_run_id: str, *, report_name: str, at_least: int = 0) -> int:
        """A new load, or the one that this DAG run has for the scope already; returns its number.

        `at_least`: the highest number that the warehouse has; the new one is above it.
        """
        named = {"source": scope.source, "stream": scope.stream, "account": scope.account}
        stored = Jsonb(scope_json(scope))
        with self._session.transaction():
            same = self._session.value(_FILE, "same_load", dag_run_id=dag_run_id, scope=stored, **named)
            if same is not None:
                return int(same)
            number = int(self._session.value(_FILE, "next_number", at_least=at_least))
            self._session.count(
                _FILE,
                "open_load",
                load_id=number,
                scope=stored,
                kind=scope.kind,
                report_name=f"{report_name}-{number}",
                dag_run_id=dag_run_id,
                **named,
            )
            self._event(number, scope.source, scope.account, "load_opened", scope_json(scope))
            return number

    def current(self, load_id: int) -> Load:
        """The load, or the one that took its place after a killed attempt."""
        return self._session.rows(_FILE, "current", Load, load_id=load_id)[0]

    def of_run(self, dag_run_id: str) -> list[Load]:
        return self._session.rows(_FILE, "of_run", Load, dag_run_id=dag_run_id)

    def last_loaded(self, source: Source, stream: Stream) -> Load | None:
        found = self._session.rows(_FILE, "last_loaded", Load, source=source, stream=stream)
        return found[0] if found else None

    def anew(self, load: Load) -> Load:
        """A load of the same scope under a new number, for one that died while it wrote, or failed.

        Rows that the old number left are beaten by the new ones, or by their tombstones.
        """
        with self._session.transaction():
            number = int(self._session.value(_FILE, "next_number", at_least=load.load_id))
            self._session.count(
                _FILE,
                "open_load",
                load_id=number,
                source=load.source,
                stream=load.stream,
                account=load.account,
                scope=Jsonb(load.scope),
                kind=load.kind,
                report_name=f"{load.report_name.rpartition('-')[0]}-{number}",
                dag_run_id=load.dag_run_id,
            )
            if self._session.count(_FILE, "replace", load_id=load.load_id, new_id=number) != 1:
                raise Temporary(f"load {load.load_id} was replaced by another task", code=LoadCode.LOAD_SUPERSEDED)
            self._event(number, load.source, load.account, "load_again", {"after": load.load_id, "was": load.status})
        return self.current(number)

    def begin_writing(self, load: Load) -> None:
        """Raises Temporary (`load_superseded`) if the load is not being fetched any more."""
        with self._session.transaction():
            if self._session.count(_FILE, "begin_writing", load_id=load.load_id) != 1:
                raise Temporary(f"load {load.load_id} is not being fetched", code=LoadCode.LOAD_SUPERSEDED)
            self._event(load.load_id, load.source, load.account, "load_writing", {})

    def finish(
        self,
        load: Load,
        *,
        rows: int,
        tombstones: int,
        amount: Decimal,
        content_hash: str,
        counters: Mapping[str, Any],
    ) -> None:
        """Raises Temporary (`load_superseded`) if the load is not being written any more."""
        with self._session.transaction():
            moved = self._session.count(
                _FILE,
                "finish",
                load_id=load.load_id,
                rows=rows,
                tombstones=tombstones,
                amount=amount,
                content_hash=content_hash,
                counters=Jsonb(storable_detail(counters)),
            )
            if moved != 1:
                raise Temporary(f"load {load.load_id} is not being written", code=LoadCode.LOAD_SUPERSEDED)
            detail = {"rows": rows, "tombstones": tombstones, "content_hash": content_hash}
            self._event(load.load_id, load.source, load.account, "load_finished", detail)

    def fail(self, load: Load, error_code: str) -> None:
        """Ends a load that is being fetched or written; one that has ended stays as it is."""
        with self._session.transaction():
            moved = self._session.count(
                _FILE, "end_badly", load_id=load.load_id, status="failed", error_code=error_code
            )
            if moved:
                self._event(load.load_id, load.source, load.account, "load_failed", {"error_code": error_code})

    def raise_numbers(self, at_least: int) -> bool:
        """True if the numbers given so far were below what the warehouse has: a restored database; an event says so."""
        with self._session.transaction():
            moved = self._session.count(_FILE, "raise_number", at_least=at_least)
            if moved:
                self._event(None, "", "", "load_numbers_raised", {"to": at_least})
            return bool(moved)

    def watermark(self, source: Source, stream: Stream, account: str = "") -> datetime | None:
        found: datetime | None = self._session.value(_FILE, "watermark", source=source, stream=stream, account=account)
        return found

    def advance_watermark(self, load: Load, watermark: datetime) -> None:
        """Rises only: an older delta that ends late changes nothing."""
        self._session.count(
            _FILE,
            "advance_watermark",
            source=load.source,
            stream=load.stream,
            account=load.account,
            watermark=watermark,
            load_id=load.load_id,
        )

    def rewind_watermarks(self, until: datetime) -> None:
        """The next delta reads again what changed since `until`."""
        with self._session.transaction():
            if self._session.count(_FILE, "rewind_watermarks", until=until):
                self._event(None, "", "", "watermarks_rewound", {"until": until.isoformat()})

    def accounts(self) -> list[tuple[str, str]]:
        """Source and account of all that was ever loaded."""
        return [(str(source), str(account)) for source, account in self._session.values(_FILE, "accounts")]

    def first_opened_at(self) -> datetime | None:
        """When the first load was opened: how long the system has been loading."""
        found: datetime | None = self._session.value(_FILE, "first_opened_at")
        return found

    def _event(self, load_id: int | None, source: str, account: str, event: str, detail: Mapping[str, Any]) -> None:
        self._session.count(
            _FILE,
            "log_event",
            load_id=load_id,
            source=source,
            account=account,
            event=event,
            detail=Jsonb(storable_detail(detail)),
        )


def scope_json(scope: Scope) -> dict[str, Any]:
    """The scope as JSON values; dates and instants in ISO."""
    asked = {"query": scope.query, "limit": scope.limit}
    return {name: value for name, value in asked.items() if value} | {
        "source": scope.source.value,
        "stream": scope.stream.value,
        "kind": scope.kind.value,
        "account": scope.account,
        "first": scope.first and scope.first.isoformat(),
        "last": scope.last and scope.last.isoformat(),
        "changed_since": scope.changed_since and scope.changed_since.isoformat(),
        "corrected_until": scope.corrected_until and scope.corrected_until.isoformat(),
    }


def scope_of(stored: Mapping[str, Any]) -> Scope:
    """What `scope_json` made."""
    first, last, since, until = (stored.get(one) for one in ("first", "last", "changed_since", "corrected_until"))
    return Scope(
        source=Source(stored["source"]),
        stream=Stream(stored["stream"]),
        kind=Kind(stored["kind"]),
        account=stored["account"],
        first=date.fromisoformat(first) if first else None,
        last=date.fromisoformat(last) if last else None,
        changed_since=datetime.fromisoformat(since) if since else None,
        corrected_until=datetime.fromisoformat(until) if until else None,
        query=str(stored.get("query") or ""),
        limit=stored.get("limit"),
    )

"""Made-up runs, a sample, the audit log and the settings for `fake_calls`."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fastapi import FastAPI, HTTPException

from include.calls.domain.audit_chain import Action
from plugins.web.calls.browser_api.models import IndexState
from plugins.web.calls.browser_api.run_models import (
    AuditAsked,
    AuditPage,
    AuditRow,
    DayShown,
    QaQueue,
    RunCounts,
    RunFile,
    RunRow,
    RunsPage,
    RunTimes,
    SampledCall,
    Series,
    SettingsShown,
)
from plugins.web.calls.browser_api.take_models import (
    BundleAsked,
    BundleRow,
    Decision,
    ErasureAsked,
    ErasureRow,
    ErasuresPage,
    ErasureStarted,
)

if TYPE_CHECKING:
    from tests.browser.fake_calls import FakeCalls

RUN = UUID("5f0c1e9a-3a53-4d5b-9a39-3c1d2c7b8a10")
SAMPLE = range(13, 18)
NIGHT = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)


def run_row(number: int) -> dict[str, Any]:
    begin = NIGHT - timedelta(days=number + 1, hours=2)
    waits = number == 1
    return {
        "run_id": RUN if number == 0 else UUID(int=number),
        "dag_run_id": f"manual__2026-11-{27 - number}T20:00:00+00:00",
        "worked_by": f"manual__2026-11-{27 - number}T20:00:00+00:00",
        "period_from": begin,
        "period_to": begin + timedelta(days=1, seconds=-1),
        "status": ("completed", "running", "error")[number % 3],
        "actor": "analyst",
        "trigger": "manual",
        "dry_run": number == 4,
        "started_at": NIGHT - timedelta(days=number),
        "finished_at": None if waits else NIGHT - timedelta(days=number, minutes=-73),
        "recordings": 120 + number,
        "existing": 110,
        "completed": 108 - number,
        "errors": number,
        "minutes": Decimal("431.5"),
        "spent_usd": Decimal("0") if waits else Decimal("2.589"),
        "forecast_usd": Decimal("99.23") if waits else Decimal("2.7"),
        "approved_usd": None if waits else Decimal("3"),
        "verdict": "Текст есть у 108 записей из 110: 98,2 %.",
    }


def erasure(number: int) -> ErasureRow:
    """One that waits for this reader, one of the reader's own, a refused one, a settled one."""
    status: Any = ("asked", "asked", "refused", "settled")[number]
    return ErasureRow(
        id=UUID(int=number + 1),
        kind="number" if number % 2 else "call",
        subject="+7 999 *** ** 67" if number % 2 else "***438",
        reason="обращение 12",
        asked_by="сам человек",
        triggered_by="analyst" if number == 1 else "operator",
        demanded_at=NIGHT - timedelta(days=number),
        status=status,
        decided_by="analyst" if number > 1 else None,
        decided_at=NIGHT if number > 1 else None,
        settled_at=NIGHT if number == 3 else None,
        left={"texts": 0, "files": 0} if number == 3 else None,
        may_decide=number < 2,
        may_approve=number == 0,
    )


def add_to(api: FastAPI, fake: "FakeCalls") -> None:
    @api.get("/runs")
    def runs(limit: int = 50, cursor: UUID | None = None, dag_run_id: str | None = None) -> RunsPage:
        shown = range(6, 9) if cursor else range(6) if fake.runs else ()
        rows = [RunRow(**run_row(number)) for number in shown]
        return RunsPage(items=rows, cursor=None if cursor or not fake.runs else str(UUID(int=5)))

    @api.get("/runs/series")
    def series(days: int = 90) -> Series:
        if not fake.runs:
            return Series(days=[], runs=[])
        return Series(
            days=[
                DayShown(
                    day=date(2026, 11, 1) + timedelta(days=n),
                    completed=100 + 13 * (n % 7),
                    errors=n % 4,
                    missing=n % 3,
                    waiting=20 if n == 26 else 0,
                    no_recording=9,
                    minutes=Decimal(400 + 37 * (n % 7)),
                )
                for n in range(27)
            ],
            runs=[
                RunTimes(
                    run_id=run_row(n)["run_id"],
                    at=run_row(n)["started_at"],
                    forecast_usd=Decimal("2.7"),
                    approved_usd=None,
                    spent_usd=Decimal("2.589") - n,
                    seconds={"list_calls": 40, "download": 700 + n, "transcribe": 1900, "publish": 12},
                )
                for n in (2, 1, 0)
            ],
        )

    @api.get("/runs/{run_id}")
    def run(run_id: UUID) -> RunCounts:
        if run_id != RUN:
            raise HTTPException(404, "Такого запуска нет.")
        return RunCounts(
            **run_row(0),
            statuses=[("completed", 108), ("error", 2)],
            error_codes=[("stt_timeout", 2)],
            flags=[("loop", 3)],
            verdicts=[("ok", 4)],
            files=[RunFile(what=what, written_at=NIGHT) for what in ("report", "registry")],
            grafana_url="https://company.ru/grafana/d/mastermobile-call-export?from=1&to=2",
        )

    @api.get("/qa/{run_id}")
    def sample(run_id: UUID) -> QaQueue:
        rows = [
            SampledCall.model_validate(
                fake.row(call)
                | {"result": given.result if (given := fake.verdicts.get(call)) else None, "by": given and given.by}
            )
            for call in (SAMPLE if fake.runs else ())
        ]
        waiting = [row.id for row in rows if row.result is None]
        return QaQueue(
            run_id=run_id,
            items=rows,
            checked=len(rows) - len(waiting),
            issues=sum(row.result == "issue" for row in rows),
            next=waiting[0] if waiting else None,
        )

    @api.post("/audit")
    def audit(asked: AuditAsked) -> AuditPage:
        from tests.browser.fake_calls import hostile_texts

        fake.asked.append(("POST", "audit", asked))
        if asked.actor == "никто":
            return AuditPage(items=[], cursor=None)
        texts = hostile_texts()
        rows = [
            AuditRow(
                entry_no=100 - n,
                at=NIGHT - timedelta(minutes=n),
                action=(Action.CALL_HEARD, Action.TEXT_READ, Action.ACCESS_DENIED)[n % 3],
                text="",
                actor="analyst" if n else texts[0],
                call=1 if n else None,
                run_id=RUN,
                reason=texts[n] if n < len(texts) else "",
                detail={"call": 1, "request": "7f", "words": "возврат"},
            )
            for n in range(8)
        ]
        return AuditPage(items=rows, cursor=None if asked.cursor else 93)

    @api.get("/bundles")
    def bundles() -> list[BundleRow]:
        return fake.bundles

    @api.post("/bundles", status_code=201)
    def bundle(asked: BundleAsked) -> BundleRow:
        fake.asked.append(("POST", "bundles", asked))
        made = BundleRow(
            id="7f" * 8, asked_at=NIGHT, expires_at=NIGHT + timedelta(days=1), what=asked.what, calls=60, taken_at=None
        )
        fake.bundles.append(made)
        return made

    @api.get("/erasures")
    def erasures() -> ErasuresPage:
        return ErasuresPage(items=[erasure(number) for number in range(4 if fake.runs else 0)], cursor=None)

    @api.post("/erasures", status_code=202)
    def ask_erasure(asked: ErasureAsked) -> ErasureStarted:
        fake.asked.append(("POST", "erasures", asked))
        return ErasureStarted(dag_run_id="browser__1")

    @api.post("/erasures/{erasure_id}/decision")
    def decide(erasure_id: UUID, asked: Decision) -> ErasureRow:
        fake.asked.append(("POST", "decision", (erasure_id, asked)))
        return erasure(0)

    @api.get("/settings")
    def settings() -> SettingsShown:
        return SettingsShown(
            version=fake.version,
            policy={
                "stt": {"model": "gpt-transcribe", "channel_map": {"+7495***10": "right"}},
                "retention_days": {"audio": 90},
            },
            connections={"call_export_db": True, "call_export_search": False},
            index=IndexState(done=812_345, of=1_000_000),
        )

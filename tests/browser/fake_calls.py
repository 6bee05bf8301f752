"""A server with the real files of the call browser and made-up calls: the answers are the endpoints' own models.

One call for each state that a page must show; the numbers below name them.
"""

import io
import json
import math
import struct
import wave
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from include.calls.domain.states import RecordStatus
from plugins.web.calls import react_apps, static_files
from plugins.web.calls.browser_api.models import (
    AudioShown,
    Card,
    CopyShown,
    EventShown,
    Facets,
    FileShown,
    Found,
    IndexState,
    Me,
    NewVerdict,
    Numbers,
    RolesShown,
    RunShown,
    ScopeShown,
    Search,
    SharedSearch,
    Snippet,
    SnippetsAsked,
    SummarySection,
    SummaryShown,
    TextShown,
    Total,
    TurnShown,
    Verdict,
    WantedRoles,
)
from plugins.web.calls.browser_api.reader_rights import Right
from plugins.web.calls.browser_api.take_models import BundleRow
from tests.browser import fake_runs
from tests.kit.paths import DATA

RUN, SAMPLE = fake_runs.RUN, fake_runs.SAMPLE
PORTAL = timezone(timedelta(hours=3))
NEWEST = datetime(2026, 11, 27, 14, 5, 10, tzinfo=PORTAL)
SECONDS = 60.0
RATE = 8000
PAGE = 25
PART_SECONDS = 4.0

ORDINARY, FAILED, WITHOUT_AUDIO, ERASED, HELD, HOSTILE, STORAGE_DOWN, BROKEN, MONO, LONG, UNPLAYABLE, TEXT_ENDED = (
    range(1, 13)
)
CALLS = 60
TALK = (
    ("operator", "Здравствуйте! Вы позвонили в отдел заказов. Чем могу помочь?"),
    ("client", "Добрый день. Я хочу вернуть товар, он не подошёл по размеру. Возможен ли возврат денег?"),
    ("operator", "Да, конечно. Возврат оформим в течение трёх рабочих дней, деньги придут на карту."),
    ("client", "Хорошо, а сколько времени это займёт, если курьер заберёт его завтра?"),
    ("operator", "Курьер позвонит вам за час до приезда. Возврат начнётся с этого дня."),
    ("client", "Спасибо за помощь, до свидания."),
)
STATUS = {
    FAILED: RecordStatus.ERROR,
    WITHOUT_AUDIO: RecordStatus.MISSING_AUDIO,
    ERASED: RecordStatus.ERASED,
}
FLAGS = {ORDINARY: ["loop"], MONO: ["low_confidence", "known_phrase"]}


def hostile_texts() -> list[str]:
    found = json.loads((DATA / "hostile_texts.json").read_text(encoding="utf-8"))
    return [text for text in _strings(found) if text and not any("\ud800" <= unit <= "\udfff" for unit in text)]


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in inside for text in _strings(part)]


@dataclass
class FakeCalls:
    """What the server knows; a test changes it and reads what was asked."""

    sound: Path
    rights: list[Right] = field(default_factory=lambda: list(Right))
    version: str = react_apps.VERSION
    calls: int = CALLS
    fails_with: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    edits: dict[int, int] = field(default_factory=dict)
    fixed: dict[int, Literal["left", "right"]] = field(default_factory=dict)
    runs: bool = True
    bundles: list[BundleRow] = field(default_factory=list)
    newest: datetime | None = None
    copy_made_sec: float | None = None  # of every call's copy; None where it is there

    def row(self, call: int) -> dict[str, Any]:
        at = NEWEST - timedelta(hours=5 * (call - 1), minutes=7 * call)
        status = STATUS.get(call, RecordStatus.COMPLETED)
        employee = hostile_texts()[0] if call == HOSTILE else ("Сотрудник 12", "Сотрудник 34", "Вера Лунина")[call % 3]
        erased = call == ERASED
        given = self.verdicts.get(call)
        direction = ("inbound", "outbound", "callback", "unknown")[call % 4 if call > 3 else 0]
        outside = f"+7 999 *** ** {call:02}"
        return {
            "id": call,
            "at": at,
            "direction": direction,
            "line": "" if erased else "+7495***10",
            "from": "" if erased else outside if direction != "outbound" else "+7495***10",
            "to": "" if erased else "+7495***10" if direction != "outbound" else outside,
            "employee": None if erased else employee,
            "duration_sec": 10_800 if call == LONG else 60 + 37 * call,
            "status": status,
            "error_code": "stt_timeout" if call == FAILED else None,
            "flags": FLAGS.get(call, []),
            "verdict": given.result if given else None,
            "tags": hostile_texts()[1:3] if call == HOSTILE else (["возврат"] if call % 5 == 1 else []),
            "cost_usd": None if status != RecordStatus.COMPLETED else Decimal("0.036000"),
        }

    def turns(self, call: int) -> list[TurnShown]:
        if call == LONG:
            return [
                TurnShown(i=n, start=n * 2.16, end=n * 2.16 + 1.9, role=TALK[n % 6][0], text=f"{n}: {TALK[n % 6][1]}")
                for n in range(5000)
            ]
        if call == HOSTILE:
            texts = hostile_texts()
            return [
                TurnShown(i=n, start=float(n), end=n + 0.9, role=("operator", "client")[n % 2], text=text)
                for n, text in enumerate(texts)
            ]
        return [
            TurnShown(
                i=n,
                start=1.0 + 9 * n,
                end=None if call == MONO else 6.0 + 9 * n,
                role="unknown" if call == MONO else role,
                text=text,
                doubt="loop" if call == ORDINARY and n == 2 else None,
            )
            for n, (role, text) in enumerate(TALK)
        ]

    def roles(self, call: int) -> RolesShown | None:
        if call in (MONO, FAILED, ERASED, WITHOUT_AUDIO, TEXT_ENDED):
            return None
        fixed = self.fixed.get(call)
        return RolesShown(
            operator_channel=fixed or "left",
            of_policy="left",
            corrected_by="analyst" if fixed else None,
            corrected_at=datetime(2026, 11, 28, 9, 0, tzinfo=UTC) if fixed else None,
            on_line=4,
            may_change=True,
        )

    def text_state(self, call: int) -> str:
        return {FAILED: "none", WITHOUT_AUDIO: "none", ERASED: "erased", TEXT_ENDED: "ended"}.get(call, "ok")

    def card(self, call: int) -> Card:
        audio = {WITHOUT_AUDIO: "absent", ERASED: "erased", TEXT_ENDED: "absent"}.get(call, "ok")
        row = self.row(call)
        files = (
            []
            if call == ERASED
            else [FileShown(what="text", key=f"transcripts/2026/11/27/call_{call}.txt", checksum="9f" * 32)]
        )
        if call == ORDINARY:
            files.append(FileShown(what="summary", key=f"summary/2026/11/27/call_{call}.md", checksum=None))
        if audio == "ok":
            files.append(FileShown(what="audio", key=f"raw/2026/11/27/call_{call}.mp3", checksum="3c" * 32))
        return Card.model_validate(
            {
                **row,
                "audio": AudioShown(state=audio, type="audio/wav", seconds=SECONDS, channels=1 if call == MONO else 2),
                "text_state": self.text_state(call),
                "text_sha256": f"{call:064}" if call not in self.fixed else "f" * 64,
                "language": "ru",
                "roles": "none" if call == MONO else "channels",
                "model": "gpt-transcribe",
                "source": "recogniser",
                "error": "Распознаватель не ответил вовремя: продолжите запуск позже." if call == FAILED else None,
                "outcome": None,
                "run": RunShown(run_id=RUN, dag_run_id="manual__2026-11-27T20:00:00+00:00", status="completed"),
                "dag_run_id": "manual__2026-11-27T20:00:00+00:00",
                "verdict_detail": self.verdicts.get(call),
                "role_fix": self.roles(call),
                "held": call == HELD,
                "files": files,
                "etag": f'"{call}-{self.edits.get(call, 0)}"',
            }
        )


def write_sound(path: Path) -> Path:
    """A stereo WAV: the left side hums in the operator's turns, the right side in the client's."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(_frame(n / RATE) for n in range(int(SECONDS * RATE))))
    return path


def part_of(sound: Path, second: float) -> bytes:
    """PART_SECONDS of the sound as a file of its own."""
    made = io.BytesIO()
    with wave.open(str(sound)) as whole, wave.open(made, "wb") as part:
        part.setparams(whole.getparams())
        whole.setpos(round(second * RATE))
        part.writeframes(whole.readframes(round(PART_SECONDS * RATE)))
    return made.getvalue()


def _speaks(at: float) -> int | None:
    """0 left, 1 right, None in a pause."""
    turn, inside = divmod(at - 1.0, 9)
    return int(turn) % 2 if 0 <= inside < 5 and 0 <= turn < len(TALK) else None


def _frame(at: float) -> bytes:
    value = int(6000 * math.sin(2 * math.pi * 330 * at))
    side = _speaks(at)
    return struct.pack("<hh", value if side == 0 else 0, value if side == 1 else 0)


def peaks_file(channels: int = 2) -> bytes:
    values = bytes(
        90 + int(80 * abs(math.sin(n * 1.7))) if _speaks(n / 10) == channel else 4
        for n in range(int(SECONDS * 10))
        for channel in range(channels)
    )
    return struct.pack("<IIIf", 1, channels, 10, SECONDS) + values


def app_of(fake: FakeCalls) -> FastAPI:
    app = FastAPI()
    api = FastAPI()

    @app.middleware("http")
    async def failing(request: Request, call_next: Any) -> Response:
        for path, (status, headers) in fake.fails_with.items():
            if request.url.path.endswith(path):
                return JSONResponse({"detail": "the server's own sentence"}, status, headers)
        return await call_next(request)

    @api.get("/me")
    def me() -> Me:
        return Me(
            name="analyst",
            rights=fake.rights,
            scope=ScopeShown(),
            label_lang="ru",
            version=fake.version,
            index=IndexState(done=60, of=60),
            quality=False,
        )

    @api.post("/searches", status_code=201)
    def share(asked: Search) -> SharedSearch:
        fake.asked.append(("POST", "searches", asked))
        return SharedSearch(s="7f3a7f3a")

    @api.get("/searches/{s}")
    def shared(s: str) -> Search:
        return Search(q="возврат")

    @api.post("/search")
    def search(asked: Search) -> Found:
        fake.asked.append(("POST", "search", asked))
        rows = [fake.row(call) for call in range(1, fake.calls + 1)]
        if asked.statuses:
            rows = [row for row in rows if row["status"] in asked.statuses]
        if asked.flags:
            rows = [row for row in rows if set(row["flags"]) & set(asked.flags)]
        if asked.q == "ничего":
            rows = []
        first = int(asked.cursor or 0)
        shown = rows[first : first + PAGE]
        return Found.model_validate(
            {
                "items": shown,
                "cursor": str(first + PAGE) if len(rows) > first + PAGE else None,
                "total": Total(value=len(rows), more=False),
                "facets": Facets(
                    statuses=[("completed", 57), ("error", 1)],
                    flags=[("loop", 1), ("low_confidence", 1)],
                    directions=[("inbound", 16), ("outbound", 15)],
                    lines=[("+7495***10", 59)],
                    employees=[("Сотрудник 12", 20), ("Сотрудник 34", 20)],
                    verdicts=[("none", 60)],
                    tags=[("возврат", 12)],
                )
                if asked.facets and rows
                else None,
                "as_of": datetime.now(UTC),
                "newest_at": fake.newest if not rows else None,
            }
        )

    @api.post("/search/snippets")
    def snippets(asked: SnippetsAsked) -> dict[int, list[Snippet]]:
        fake.asked.append(("POST", "snippets", asked))
        found = Snippet(t=10.0, parts=[("Возможен ли ", 0), ("возврат", 1), (" денег?", 0)])
        return {number: [found] for number in asked.ids}

    @api.get("/calls/{call}")
    def card(call: int) -> Card:
        if call == BROKEN:
            raise HTTPException(500, None)
        if not 1 <= call <= CALLS:
            raise HTTPException(404, "Такого звонка нет.")
        return fake.card(call)

    @api.get("/calls/{call}/text")
    def text(call: int) -> TextShown:
        return text_of(call, swapped=call in fake.fixed)

    def text_of(call: int, *, swapped: bool) -> TextShown:
        other = {"operator": "client", "client": "operator"}
        turns = [
            turn.model_copy(update={"role": other.get(turn.role, turn.role)} if swapped else {})
            for turn in fake.turns(call)
        ]
        sha256 = "f" * 64 if swapped else f"{call:064}"
        return TextShown(sha256=sha256, language="ru", model="gpt-transcribe", roles="channels", turns=turns)

    @api.post("/calls/{call}/roles/preview")
    def roles_preview(call: int, asked: WantedRoles) -> TextShown:
        return text_of(call, swapped=asked.operator_channel == "right")

    @api.put("/calls/{call}/roles")
    def roles(call: int, asked: WantedRoles) -> Card:
        fake.asked.append(("PUT", "roles", asked))
        if asked.operator_channel:
            fake.fixed[call] = asked.operator_channel
        else:
            fake.fixed.pop(call)
        return fake.card(call)

    @api.get("/calls/{call}/peaks")
    def peaks(call: int) -> Response:
        return Response(peaks_file(1 if call == MONO else 2), media_type="application/octet-stream")

    @api.get("/calls/{call}/summary")
    def summary(call: int) -> SummaryShown:
        fake.asked.append(("GET", "summary", call))
        topics = SummarySection(title="Темы", lines=["возврат", "размер"])
        return SummaryShown(sections=[SummarySection(title="Кратко", lines=["Клиент возвращает товар."]), topics])

    @api.api_route("/calls/{call}/audio", methods=["GET", "HEAD"])
    def audio(call: int) -> Response:
        fake.asked.append(("GET", "audio", call))
        if fake.copy_made_sec is not None:
            raise HTTPException(503, "a copy is made", {"Retry-After": "5"})
        if call == STORAGE_DOWN:
            raise HTTPException(503, "storage", {"Retry-After": "1"})
        if call == UNPLAYABLE:
            return Response(b"no recording", media_type="audio/x-unknown")
        return FileResponse(fake.sound, media_type="audio/wav")

    @api.get("/calls/{call}/audio/copy")
    def copy(call: int) -> CopyShown:
        fake.asked.append(("GET", "copy", call))
        made = fake.copy_made_sec
        return CopyShown(state="ready" if made is None else "making", made_sec=made)

    @api.get("/calls/{call}/audio/part")
    def part(call: int, second: float) -> Response:
        fake.asked.append(("GET", "part", second))
        if call == STORAGE_DOWN:
            raise HTTPException(503, "storage", {"Retry-After": "1"})
        return Response(part_of(fake.sound, second), media_type="audio/wav")

    @api.get("/calls/{call}/events")
    def events(call: int) -> list[EventShown]:
        at = datetime(2026, 11, 28, 2, 0, 5, tzinfo=UTC)
        return [
            EventShown(at=at, stage="download", event="downloaded", text="Звук скачан", ms=1250, usd=None, by=None),
            EventShown(
                at=at + timedelta(minutes=2),
                stage="transcribe",
                event="completed",
                text="Текст готов",
                ms=7800,
                usd=Decimal("0.036"),
                by=None,
            ),
        ]

    @api.post("/calls/{call}/number")
    def number(call: int) -> Numbers:
        fake.asked.append(("POST", "number", call))
        return Numbers.model_validate({"from": "+7 999 123-45-67", "to": "+74951234510"})

    @api.put("/calls/{call}/verdict")
    def verdict(call: int, asked: NewVerdict, request: Request) -> Card:
        if request.headers["if-match"] != fake.card(call).etag:
            raise HTTPException(412, "Другой человек успел раньше.")
        fake.asked.append(("PUT", "verdict", (call, asked)))
        fake.edits[call] = fake.edits.get(call, 0) + 1
        fake.verdicts[call] = Verdict(
            result=asked.result,
            comment=asked.comment,
            by="analyst",
            at=datetime(2026, 11, 28, 9, 0, tzinfo=UTC),
            of_present_text=True,
        )
        return fake.card(call)

    fake_runs.add_to(api, fake)
    app.mount("/call_export/ui/api", api)
    app.include_router(static_files.router, prefix="/call_export")
    return app

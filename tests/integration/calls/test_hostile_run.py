"""A whole run with hostile names, numbers and words: files show them as text, and no program executes them."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle, pairwise
from types import SimpleNamespace

import psycopg
import pytest
from markdown_it import MarkdownIt

from include.calls.domain.registry_row import COLUMNS, KEYS
from include.calls.domain.storage_keys import registry_key, report_key
from include.calls.state.migrate import migrate
from include.common.periods import Period
from include.common.spreadsheet_cells import without_mark
from simulators.bitrix24.world import Audio, Call, PortalWorld, default_users, employee
from simulators.sound.dialogues import record_briefly
from tests.integration.calls.reporting.test_registry_readers import frictionless_rows, opened_in_libreoffice
from tests.kit.whole_export import export_over

pytestmark = [pytest.mark.postgres, pytest.mark.long]

PERIOD = Period(datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 2, 23, 59, 59, tzinfo=UTC))
FIRST = datetime(2025, 8, 1, 9, tzinfo=UTC)
HOSTILE = [
    "=cmd|' /c calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "x\t=1+1",
    "x\r=1+1",
    "x\n=1+1;y",
    '"кавычки";"и ; разделитель"',
    '=HYPERLINK("https://evil.example";"нажми")',
    "😀 日本 \u202eмотэ",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "[ссылка](https://evil.example) ![](https://evil.example/x.png) **b** | a | b |",
    "javascript:alert(1) https://evil.example www.evil.example mail@evil.example",
    '#import "x.typ": * #link("https://evil.example")[x] $x^2$ @ref <label>',
    "'в кавычке",
    "007",
    "1E5",
    "# заголовок\n- пункт\n1. один\n> цитата\n---\n```",
]


def hostile_world():
    """Each text is a CALL_ID, a phone number and a name; every fourth call was missed, every seventh recording lost."""
    world = PortalWorld(users=[*default_users()])
    for number, text in enumerate(HOSTILE, start=1):
        call = Call(
            number, FIRST + timedelta(minutes=number), call_id=text, phone_number=text, user_id=str(100 + number)
        )
        world.users[str(100 + number)] = employee(100 + number, name=text, last_name="")
        if number % 4 == 0:
            call.failed_code, call.duration = text, 0
        else:
            call.file_id = 9000 + number
        world.add(call, Audio(partial(record_briefly, number)) if call.file_id else None)
        if number % 7 == 0 and call.file_id:
            world.delete_file(call.file_id)
    return world


@pytest.fixture(scope="module")
def published(pg_server, tmp_path_factory):
    folder, database = tmp_path_factory.mktemp("storage"), pg_server.get_uri(database="hostile")
    with psycopg.connect(pg_server.get_uri(database="postgres"), autocommit=True) as conn:
        conn.execute("CREATE DATABASE hostile")
    migrate(database)
    world = hostile_world()
    with export_over(world, database, folder, drawn=True) as export:
        said = cycle(HOSTILE)
        export.recogniser.says = lambda _model: next(said)
        outcome = export.run(actor='<b>=1+1</b> [я](https://evil.example) #panic("x")')
        with psycopg.connect(database) as conn:
            conn.execute(
                """INSERT INTO call_qa_checks (recording_id, transcript_id, run_id, result, comment, checked_by)
                   SELECT recording_id, transcript_id, run_id, 'issue', call_id, call_id
                     FROM call_records WHERE status = 'completed'"""
            )
        export.close(outcome)
        yield SimpleNamespace(
            registry=folder / registry_key(PERIOD),
            markdown=export.storage.get_bytes(report_key(PERIOD, ".md")).decode(),
            pdf=export.storage.get_bytes(report_key(PERIOD, ".pdf")),
            log=next(folder.glob("exports/*/logs/*.jsonl")).read_text(encoding="utf-8"),
            texts=[path.read_text(encoding="utf-8") for path in sorted(folder.glob("transcripts/*/*/*/*"))],
            rows=list(csv.DictReader(io.StringIO(export.registry()), delimiter=";")),
        )


def one_line(text):
    return " ".join(text.split())


def words(text):
    """Normalisation may move blanks and drop invisible marks; words stay."""
    return re.findall(r"\w+", text)


def test_every_name_number_and_id_is_in_the_registry_as_it_was(published):
    assert len(published.rows) == len(HOSTILE)
    for row, text in zip(published.rows, HOSTILE, strict=True):
        assert one_line(row["call_id"]) == one_line(text), "a key is never changed"
        assert one_line(without_mark(row["from"])) == one_line(text)
        assert one_line(text) in one_line(without_mark(row["employee"]))
    said = [words(text) for text in HOSTILE]
    heard = [words(without_mark(row["text_preview"])) for row in published.rows if row["status"] == "completed"]
    assert len(heard) > 10
    assert all(who == "Собеседник" and text in said for who, *text in heard)


def test_pandas_reads_equal_cells(published):
    import pandas

    table = pandas.read_csv(published.registry, sep=";", dtype=str, keep_default_na=False)
    assert table.to_dict("records") == published.rows


def test_frictionless_reads_equal_cells_and_finds_nothing_wrong(published):
    errors, rows = frictionless_rows(published.registry)
    assert errors == []
    texts = [name for name in COLUMNS if name not in ("duration_sec", "retry_count", "needs_review", "datetime_start")]
    for got, wanted in zip(rows, published.rows, strict=True):
        cells = {name: str(got[name]) if got[name] is not None else "" for name in texts}
        money = cells.pop("transcription_cost"), wanted["transcription_cost"]
        assert cells == {name: wanted[name] for name in cells}
        assert float(money[0] or 0) == float(money[1] or 0)


def without_cr(text):
    return text.replace("\r", "\n")


@pytest.mark.libreoffice
def test_libreoffice_opens_equal_cells_and_computes_nothing(published, tmp_path):
    """The CSV with its columns as text, the XLSX as it is."""
    for file in (published.registry, published.registry.with_suffix(".xlsx")):
        opened = opened_in_libreoffice(file, tmp_path)
        for number, (got, wanted) in enumerate(zip(opened, published.rows, strict=True), start=2):
            mark = without_mark if file.suffix == ".xlsx" else str
            same = set(got) & set(wanted) - {"transcription_cost", "needs_review"}
            changed = {
                name: (wanted[name], got[name])
                for name in same
                if without_cr(got[name]) != without_cr(wanted[name] if name in KEYS else mark(wanted[name]))
            }
            assert changed == {}, f"{file.suffix}, line {number}"


def test_in_the_markdown_nothing_is_a_link_a_picture_or_html(published):
    tokens = [
        token
        for block in MarkdownIt("gfm-like", {"html": True}).parse(published.markdown)
        for token in (block, *(block.children or []))
    ]
    assert {token.type for token in tokens if token.type.startswith("html")} == set()
    assert [token.attrGet("href") for token in tokens if token.type == "link_open"] == []
    pictures = [token.attrGet("src") for token in tokens if token.type == "image"]
    assert [re.sub(r".*_", "", str(picture)) for picture in pictures] == ["minutes.png", "money.png", "statuses.png"]
    headings = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
    assert "заголовок" not in headings


def test_in_the_pdf_nothing_can_be_clicked_or_run(published):
    """The streams are compressed, annotations and actions are not: they would stand in the file by these names."""
    assert published.pdf.startswith(b"%PDF")
    for action in (b"/URI", b"/JavaScript", b"/JS", b"/Launch", b"/OpenAction", b"/EmbeddedFile", b"/GoToR"):
        assert action not in published.pdf


def test_a_transcript_keeps_its_head_whatever_the_names_hold(published):
    head = ["CALL_ID", "RECORD_ID", "START", "DIRECTION", "FROM", "TO", "EMPLOYEE", "DURATION_SEC", "LANGUAGE", "MODEL"]
    assert len(published.texts) > 10
    for text in published.texts:
        names = [line.partition(":")[0] for line in text.partition("\n---\n")[0].splitlines()]
        assert names == [*head, "ROLES"]


def test_the_log_is_one_object_a_line(published):
    events = [json.loads(line) for line in published.log.splitlines()]
    assert {
        "timestamp",
        "level",
        "event",
        "stage",
        "run_id",
        "correlation_id",
        "call_id",
        "duration_ms",
        "error_code",
    } <= set(events[0])
    assert {event["correlation_id"] for event in events} == {events[0]["run_id"]}
    assert {one_line(event["call_id"]) for event in events if event["call_id"]} <= {one_line(text) for text in HOSTILE}

"""The registry, read by the programs that people open it with: hostile texts come back as the text they were."""

import csv
import shutil
import subprocess
from dataclasses import replace

import psycopg
import pytest
import yaml

from include.calls.domain.registry_row import COLUMNS, original_text
from include.calls.reporting.registry_file import write_registry
from include.calls.state.report_queries import registry_rows
from tests.integration.calls.state.test_report_queries import RUN_ID, add_run
from tests.kit.paths import ROOT
from tests.unit.calls.domain.test_registry_row import FOLDER, FORMULAS, REWRITTEN, ROW

SCHEMA = ROOT / "docs/specs/call_registry_schema.yaml"
NASTY = [
    *FORMULAS,
    *REWRITTEN,
    "'в кавычке",
    '";"',
    "а;б",
    "две\nстроки",
    "\ufeffbom",
    "日本 😀",
    "true",
    "NULL",
    "None",
    "nan",
]
TEXTS = ("call_id", "from", "to", "employee", "text_preview")


def hostile_rows():
    for number, text in enumerate(NASTY):
        yield replace(
            ROW, call_id=text, record_id=str(number), from_number=text, to_number=text, employee_id=None,
            employee_name=text, text_preview=text, tags=[text],
        )  # fmt: skip
    nothing = dict.fromkeys(
        ("transcript_path", "text_preview", "cost", "language", "checksum", "roles", "recording_url", "employee_id",
         "employee_name")
    )  # fmt: skip
    yield replace(ROW, call_id="missed", record_id="none-7", status="no_recording", from_number="", tags=[], **nothing)
    yield replace(ROW, call_id="broken", status="error", error_code="stt_timeout", portal_offset_sec=-12600)


@pytest.fixture
def registry(tmp_path):
    path = tmp_path / "calls.csv"
    with path.open("wb") as out:
        write_registry(hostile_rows(), out, folder=FOLDER)
    return path


def expected():
    """What a careful reader gets: the cells of Python's own reader."""

    def stored(text):
        return text.replace("\r\n", "\n").replace("\r", "\n")

    return [{name: stored(text) for name in TEXTS} for text in NASTY]


def restored(rows):
    # an employee without an id is stripped like any joined text; the others keep their blanks
    return [{name: original_text(row[name]) for name in TEXTS} for row in rows[: len(NASTY)]]


def same(found):
    for got, wanted in zip(found, expected(), strict=True):
        wanted["employee"] = wanted["employee"].strip()
        assert got == wanted


def test_pythons_own_reader_gives_everything_back(registry):
    with registry.open(encoding="utf-8-sig", newline="") as file:
        same(restored(list(csv.DictReader(file, delimiter=";"))))


def test_pandas_gives_everything_back_without_being_told_types(registry):
    import pandas

    table = pandas.read_csv(registry, sep=";", keep_default_na=False, na_values={"transcription_cost": [""]})
    assert list(table.columns) == list(COLUMNS)
    same(restored(table.to_dict("records")))
    assert table["duration_sec"].dtype == "int64"
    assert table["transcription_cost"].dtype == "float64"
    assert str(pandas.to_datetime(table["datetime_start"], utc=True)[0]) == "2025-08-31 21:23:45+00:00"


def described(registry):
    """The file as its Frictionless schema describes it."""
    from frictionless import Dialect, Resource, Schema

    description = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    return Resource(
        path=registry.name,
        basepath=str(registry.parent),
        schema=Schema.from_descriptor(description),  # by path, frictionless wants it below the data's folder
        dialect=Dialect.from_descriptor(description["dialect"]),
        encoding=description["encoding"],
    )


def frictionless_report(registry):
    return described(registry).validate()


def frictionless_rows(registry):
    """What validation finds wrong, and the cells as a program gets them."""
    return frictionless_report(registry).flatten(["rowNumber", "fieldName", "type", "note"]), described(
        registry
    ).read_rows()


def test_the_file_keeps_to_its_frictionless_schema(registry):
    report = frictionless_report(registry)
    assert report.flatten(["rowNumber", "fieldName", "type", "note"]) == []
    assert report.tasks[0].stats["rows"] == len(NASTY) + 2


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("status", "done"),
        ("direction", "sideways"),
        ("checksum", "abc"),
        ("duration_sec", "-1"),
        ("from", "=1+1"),
        ("run_id", "7"),
    ],
)
def test_the_schema_refuses_what_the_format_does_not_allow(registry, column, value):
    """Otherwise the test above could not fail."""
    from frictionless import Schema

    schema = Schema.from_descriptor(str(SCHEMA))
    cells, errors = schema.get_field(column).create_cell_reader()(value)
    assert errors, cells


def opened_in_libreoffice(registry, tmp_path):
    """Opened as a person would: types detected, separator `;`, and saved with what the cells then hold."""
    soffice = shutil.which("soffice")
    if soffice is None:
        pytest.skip("needs the Debian package libreoffice-calc-nogui")
    # 59 = ;  34 = "  76 = UTF-8; from row 1, columns by themselves, language en-US, no quoted-as-text, detect numbers
    options = "59,34,76,1,,1033,false,true,false"
    subprocess.run(
        [soffice, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", f"--infilter=CSV:{options}",
         "--convert-to", "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,true,false",
         "--outdir", tmp_path / "out", registry],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    with (tmp_path / "out" / registry.name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


@pytest.mark.libreoffice
def test_libreoffice_computes_nothing_and_rewrites_nothing(registry, tmp_path):
    rows = opened_in_libreoffice(registry, tmp_path)
    same(restored(rows))
    with registry.open(encoding="utf-8-sig", newline="") as file:
        before = list(csv.DictReader(file, delimiter=";"))
    assert [row["from"] for row in rows] == [row["from"] for row in before]


@pytest.mark.postgres
def test_more_calls_than_one_fetch_stream_into_the_file(database, tmp_path):
    with psycopg.connect(database) as conn:
        add_run(conn, RUN_ID)
        conn.execute(
            """INSERT INTO call_records (run_id, call_id, record_id, statistics_id, status, direction, from_number,
                                         to_number, call_started_at, duration_sec, text_preview, cost)
               SELECT %s, 'call.' || n, n, n, 'completed', 'inbound', '+79990000001',
                      '101', now() + n * interval '1 s', 60, repeat('текст ', 80), 0.0045
                 FROM generate_series(1, 10000) AS n""",
            [RUN_ID],
        )
        with (tmp_path / "calls.csv").open("wb") as out:
            assert write_registry(registry_rows(conn, RUN_ID), out, folder=FOLDER) == 10_000

"""The registry, read by the programs that people open it with: hostile texts come back as the text they were."""

import csv
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta, timezone
from urllib.parse import unquote

import psycopg
import pytest
import yaml

from include.calls.domain.registry_row import COLUMNS, KEYS
from include.calls.reporting.registry_file import LINK, write_registry
from include.calls.state.registry import Registry
from include.calls.state.state import State
from include.common.spreadsheet_cells import without_mark
from tests.integration.calls.state.test_figures import RUN_ID
from tests.integration.calls.state.test_registry import SCOPE
from tests.kit.paths import ROOT
from tests.unit.calls.domain.test_registry_row import FOLDER, ROW
from tests.unit.common.test_spreadsheet_cells import FORMULAS, REWRITTEN

SCHEMA = ROOT / "docs/specs/call_registry_schema.yaml"
MOSCOW = timezone(timedelta(hours=3))
START = "datetime_start (UTC+03:00)"
NASTY = [
    *FORMULAS,
    *REWRITTEN,
    "'в кавычке",
    "'=1+1",
    "''",
    '";"',
    "а;б",
    "две\nстроки",
    "\ufeffbom",
    "日本 😀",
    "true",
    "NULL",
    "None",
    "nan",
    "_x0041_",
    "#REF!",
]
TEXTS = ("from", "to", "employee", "text_preview")


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
    """The CSV form; the XLSX form is beside it."""
    path = tmp_path / "calls.csv"
    with path.open("wb") as out:
        write_registry(hostile_rows(), out, path.with_suffix(".xlsx"), folder=FOLDER, zone=MOSCOW)
    return path


def expected():
    """What a careful reader gets of each nasty text, by column."""

    def stored(text):
        return text.replace("\r\n", "\n").replace("\r", "\n")

    # an employee without an id is stripped like any joined text; the others keep their blanks
    return [{"call_id": text} | {name: stored(text) for name in TEXTS} | {"employee": stored(text.strip())}
            for text in NASTY]  # fmt: skip


def restored(rows):
    names = ("call_id", *TEXTS)
    return [
        {name: row[name] if name in KEYS else without_mark(row[name]) for name in names} for row in rows[: len(NASTY)]
    ]


def same(found):
    for got, wanted in zip(found, expected(), strict=True):
        assert got == wanted


def lines_of(registry):
    with registry.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def test_pythons_own_reader_gives_everything_back(registry):
    same(restored(lines_of(registry)))


def test_pandas_gives_the_csv_back(registry):
    """The rule stands in the schema's description: types as text, one regular expression."""
    import pandas

    description = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))["description"]
    (rule,) = re.findall(r"column\.str\.replace\(r\"(.+?)\", \"\", regex=True\)", description)
    table = pandas.read_csv(registry, sep=";", dtype=str, keep_default_na=False)
    assert list(table.columns) == list(COLUMNS)
    for name in TEXTS:
        table[name] = table[name].str.replace(rule, "", regex=True)
    for got, wanted in zip(table.head(len(NASTY)).to_dict("records"), expected(), strict=True):
        assert {name: got[name] for name in wanted} == wanted
    assert str(pandas.to_datetime(table["datetime_start"], utc=True)[0]) == "2025-08-31 21:23:45+00:00"


def test_pandas_finds_the_types_of_the_xlsx(registry):
    import pandas

    table = pandas.read_excel(
        registry.with_suffix(".xlsx"), keep_default_na=False, na_values={"transcription_cost": [""]}
    )
    assert list(table.columns) == [*(START if name == "datetime_start" else name for name in COLUMNS), LINK]
    assert table["duration_sec"].dtype == "int64"
    assert table["transcription_cost"].dtype == "float64"
    assert table["needs_review"].dtype == bool
    assert str(table[START].dtype).startswith("datetime64")
    assert str(table[START][0]) == "2025-09-01 00:23:45"


def test_the_xlsx_has_the_cells_of_the_csv_key_by_key(registry):
    """Excel escapes control characters and `_x0041_`; its own readers undo that, openpyxl does not."""
    from openpyxl import load_workbook
    from openpyxl.utils.escape import unescape

    head, *rows = load_workbook(registry.with_suffix(".xlsx")).active.iter_rows(values_only=True)
    lines = lines_of(registry)
    assert len(rows) == len(lines)
    for values, line in zip(rows, lines, strict=True):
        found = dict(zip(head, values, strict=True))
        assert (float(line["transcription_cost"] or 0), int(line["duration_sec"])) == (
            found["transcription_cost"] or 0, found["duration_sec"],
        )  # fmt: skip
        for name in ("run_id", "call_id", "record_id", "checksum", *TEXTS, "status", "tags", "transcript_path"):
            text = unescape(found[name] or "").replace("\r\n", "\n").replace("\r", "\n")
            wanted = line[name] if name in KEYS else without_mark(line[name])
            assert text == wanted.replace("\r\n", "\n").replace("\r", "\n"), name


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
def test_the_schema_refuses_other_values(registry, column, value):
    """Otherwise the test above could not fail."""
    from frictionless import Schema

    schema = Schema.from_descriptor(str(SCHEMA))
    cells, errors = schema.get_field(column).create_cell_reader()(value)
    assert errors, cells


# Options of LibreOffice's CSV filter: 59 = `;`, 34 = `"`, 76 = UTF-8, from row 1, formats of the columns (2 = text),
# language en-US, quoted cells are no text by that alone, numbers are detected.
AS_TEXT = "/".join(f"{column}/2" for column in range(1, len(COLUMNS) + 1))
CSV_OUT = "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,true,false"


def opened_in_libreoffice(registry, tmp_path, formats=AS_TEXT):
    """Opened, and saved with what the cells then hold. `formats` is empty where LibreOffice decides by itself."""
    soffice = shutil.which("soffice")
    if soffice is None:
        pytest.skip("needs the Debian package libreoffice-calc-nogui")
    options = [f"--infilter=CSV:59,34,76,1,{formats},1033,false,true,false"] if registry.suffix == ".csv" else []
    subprocess.run(
        [soffice, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", *options, "--convert-to", CSV_OUT,
         "--outdir", tmp_path / "out", registry],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    return lines_of(tmp_path / "out" / f"{registry.stem}.csv")


@pytest.mark.libreoffice
def test_libreoffice_gives_the_csv_back_as_text(registry, tmp_path):
    assert opened_in_libreoffice(registry, tmp_path) == [
        {name: cell.replace("\r", "\n") for name, cell in line.items()} for line in lines_of(registry)
    ]


@pytest.mark.libreoffice
def test_libreoffice_computes_no_text_of_the_csv(registry, tmp_path):
    """By itself it rewrites 007 and 1E5, and computes a hostile key: people get the XLSX form."""
    rows = opened_in_libreoffice(registry, tmp_path, formats="")
    for row, text in zip(rows, FORMULAS, strict=False):
        for name in TEXTS:
            wanted = (text.strip() if name == "employee" else text).replace("\r", "\n")
            assert without_mark(row[name]) == wanted, name


@pytest.mark.libreoffice
def test_libreoffice_changes_nothing_of_the_xlsx(registry, tmp_path):
    """Nothing but our link."""
    rows = opened_in_libreoffice(registry.with_suffix(".xlsx"), tmp_path)
    for row, line in zip(rows, lines_of(registry), strict=True):
        for name in ("run_id", "call_id", "record_id", "checksum", *TEXTS, "status", "tags", "transcript_path"):
            wanted = line[name] if name in KEYS else without_mark(line[name])
            assert row[name].replace("\r", "\n") == wanted.replace("\r", "\n"), name
        assert row[LINK] == ("открыть" if line["transcript_path"] else "")
    assert rows[0][START] in ("01.09.2025 00:23:45", "09/01/2025 00:23:45")


@pytest.mark.libreoffice
def test_the_link_of_the_xlsx_leads_to_the_text(tmp_path):
    """Also to a name with a percent sign. LibreOffice writes the links of the sheet into a PDF."""
    folder = tmp_path / "exports" / FOLDER
    for name in ("registry", "transcripts"):
        (folder / name).mkdir(parents=True)
    keys = [f"exports/{FOLDER}/transcripts/call_a%2Fb.txt", "transcripts/2025/08/31/call_1.txt"]
    rows = [replace(ROW, transcript_path=key) for key in keys]
    sheet = folder / "registry/calls.xlsx"
    with (folder / "registry/calls.csv").open("wb") as out:
        write_registry(rows, out, sheet, folder=FOLDER, zone=MOSCOW)
    if not (shutil.which("soffice") and shutil.which("pdfinfo")):
        pytest.skip("needs the Debian packages libreoffice-calc-nogui and poppler-utils")
    subprocess.run(
        ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "pdf",
         "--outdir", tmp_path, sheet],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    links = subprocess.run(["pdfinfo", "-url", tmp_path / "calls.pdf"], check=True, capture_output=True, text=True)
    found = re.findall(r"\S+call_\S+\.txt", links.stdout)
    assert [(sheet.parent / unquote(link)).resolve() for link in found] == [tmp_path / key for key in keys]


@pytest.mark.postgres
def test_more_calls_than_one_fetch_stream_into_the_file(database, tmp_path):
    with psycopg.connect(database) as conn:
        conn.execute("INSERT INTO portals (host) VALUES ('portal.example')")
        conn.execute(
            """INSERT INTO recordings (portal_id, call_id, record_id, statistics_id, status, direction, from_number,
                                       to_number, call_started_at, duration_sec, employee_name)
               SELECT portal_id, 'call.' || n, n, n, 'error', 'inbound', '+79990000001',
                      '101', %s + n * interval '1 s', 60, repeat('имя ', 80)
                 FROM portals, generate_series(1, 10000) AS n""",
            [SCOPE.period_from],
        )
    with State.open(database) as state, (tmp_path / "calls.csv").open("wb") as out:
        rows = Registry(state.session).rows(SCOPE, RUN_ID)
        sheet = tmp_path / "calls.xlsx"
        assert write_registry(rows, out, sheet, folder=FOLDER, zone=MOSCOW) == 10_000

"""The registry's two files: written in one pass, in constant memory, with the same rows."""

import csv
import io
import tracemalloc
import zipfile
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from include.calls.domain.registry_row import COLUMNS, Masks
from include.calls.reporting import registry_file
from include.calls.reporting.registry_file import LINK, write_registry
from tests.unit.calls.domain.test_registry_row import FOLDER, ROW

MOSCOW = timezone(timedelta(hours=3))
START = "datetime_start (UTC+03:00)"


class Files:
    """Both forms of one registry, as they are read again."""

    def __init__(self, folder, *rows, zone=MOSCOW, **options):
        out, sheet = io.BytesIO(), folder / "calls.xlsx"
        self.count = write_registry(iter(rows), out, sheet, folder=FOLDER, zone=zone, **options)
        self.csv = out.getvalue()
        self.sheet = load_workbook(sheet).active
        self.xml = zipfile.ZipFile(sheet).read("xl/worksheets/sheet1.xml").decode()

    def lines(self):
        text = self.csv.decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))

    def cells(self):
        """The sheet's rows by column."""
        head, *rows = self.sheet.iter_rows()
        names = [cell.value for cell in head]
        return [dict(zip(names, row, strict=True)) for row in rows]


def test_the_csv_is_what_excel_needs(tmp_path):
    """BOM, semicolons, CRLF, and the agreed columns."""
    data = Files(tmp_path, ROW).csv
    assert data.startswith(b"\xef\xbb\xbf")
    header = data.decode("utf-8-sig").split("\r\n")[0]
    assert header == (
        "run_id;call_id;record_id;datetime_start;direction;from;to;employee;duration_sec;recording_url;transcript_path;"
        "summary_path;text_preview;transcription_cost;currency_code;language;status;error_code;retry_count;checksum;tags;"
        "roles;needs_review;confidence;role_signs"
    )
    assert data.count(b"\r\n") == 2
    assert data.count(b"\n") == 2


def test_text_of_strangers_stays_in_its_cell(tmp_path):
    hostile = replace(ROW, employee_name='";"\r\n=1;"', text_preview='строка\r\nдругая;"третья"\x00\x07')
    (found,) = Files(tmp_path, hostile).lines()
    assert found["employee"] == '1269 ";"\n=1;"'
    assert found["text_preview"] == 'строка\nдругая;"третья"'


def test_the_sheet_has_the_columns_of_the_csv_and_a_link(tmp_path):
    names = [START if name == "datetime_start" else name for name in COLUMNS]
    assert list(Files(tmp_path, ROW).cells()[0]) == [*names, LINK]


def test_the_header_is_frozen_and_the_filter_is_on(tmp_path):
    sheet = Files(tmp_path, ROW, ROW).sheet
    assert sheet.title == "Звонки"
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:Z3"


def test_each_cell_has_its_type(tmp_path):
    """Numbers are numbers, times are times, ids and phones are text."""
    (cells,) = Files(tmp_path, replace(ROW, call_id="11018129443E80", record_id="007")).cells()
    assert (cells["duration_sec"].value, cells["duration_sec"].data_type) == (420, "n")
    assert (cells["transcription_cost"].value, cells["transcription_cost"].data_type) == (0.0315, "n")
    assert (cells["retry_count"].value, cells["needs_review"].value) == (0, False)
    assert str(cells[START].value) == "2025-09-01 00:23:45"
    assert cells[START].number_format == "dd.mm.yyyy hh:mm:ss"
    texts = {name: cells[name].value for name in ("call_id", "record_id", "from", "to")}
    assert texts == {"call_id": "11018129443E80", "record_id": "007", "from": "+79990000001", "to": "74950000002"}
    assert {cells[name].data_type for name in texts} <= {"s", "inlineStr"}
    assert {cells[name].number_format for name in texts} == {"@"}, "text it stays when a person edits the cell"


def test_the_sheets_times_are_in_one_named_zone(tmp_path):
    """The CSV keeps the portal's offset of each call."""
    other = replace(ROW, portal_offset_sec=7 * 3600)
    found = Files(tmp_path, ROW, other, zone=UTC)
    assert {str(cells["datetime_start (UTC)"].value) for cells in found.cells()} == {"2025-08-31 21:23:45"}
    assert [line["datetime_start"] for line in found.lines()] == [
        "2025-09-01T00:23:45+03:00",
        "2025-09-01T04:23:45+07:00",
    ]


@pytest.mark.parametrize("text", ["=1+1", "+7", "-2", "@SUM(A1)", '=HYPERLINK("https://evil.example")', "{row}"])
def test_no_text_of_strangers_becomes_a_formula(tmp_path, text):
    """The only formula of a row is our link."""
    hostile = replace(ROW, call_id=text, from_number=text, employee_id=None, employee_name=text, text_preview=text)
    found = Files(tmp_path, hostile)
    (cells,) = found.cells()
    assert [cells[name].value for name in ("call_id", "from", "employee", "text_preview")] == [text] * 4
    assert found.xml.count("<f>") == 1


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (f"exports/{FOLDER}/transcripts/call_1.txt", "transcripts/call_1.txt"),
        ("transcripts/2025/08/31/call_1.txt", "../../transcripts/2025/08/31/call_1.txt"),
        (None, None),
    ],
)
def test_the_link_starts_at_the_registrys_folder(tmp_path, key, shown):
    (cells,) = Files(tmp_path, replace(ROW, transcript_path=key)).cells()
    assert cells["transcript_path"].value == shown
    assert cells[LINK].value == ('=IF(OR(K2="",LEN(K2)>240),"",HYPERLINK("../"&SUBSTITUTE(K2,"%","%25"),"открыть"))')


def test_both_files_have_the_same_masks(tmp_path):
    masks = Masks(number=lambda _: "***", text=lambda text: text.replace("79990000001", "***"))
    found = Files(tmp_path, replace(ROW, text_preview="звоните 79990000001"), masks=masks)
    assert "79990000001" not in found.csv.decode() + found.xml


def test_a_registry_without_calls_has_its_header(tmp_path):
    found = Files(tmp_path)
    assert (found.count, found.lines()) == (0, [])
    assert list(found.cells()[0])[:2] == ["run_id", "call_id"]


def test_a_text_that_excel_would_refuse_is_cut(tmp_path):
    (cells,) = Files(tmp_path, replace(ROW, employee_name="😀" * 40_000)).cells()
    assert len(cells["employee"].value) == 16_000


def test_a_full_sheet_says_so_and_the_csv_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(registry_file, "_SHEET_ROWS", 5)  # header, three rows, the sentence
    found = Files(tmp_path, *[replace(ROW, call_id=f"call.{number}") for number in range(9)])
    assert found.count == len(found.lines()) == 9
    rows = [cells["call_id"].value for cells in found.cells()]
    assert rows == ["call.0", "call.1", "call.2", None]
    assert found.cells()[-1]["run_id"].value == (
        "Здесь первые 3 строк: больше в лист Excel не помещается. Все строки — в файле CSV рядом."
    )


def test_during_the_run_the_csv_is_written_alone():
    out = io.BytesIO()
    assert write_registry([ROW, ROW], out, None, folder=FOLDER, zone=UTC) == 2
    assert out.getvalue().count(b"\r\n") == 3


def test_a_failure_of_the_rows_leaves_no_sheet_behind(tmp_path):
    def rows():
        yield ROW
        raise ConnectionError("the database went away")

    with pytest.raises(ConnectionError):
        write_registry(rows(), io.BytesIO(), tmp_path / "calls.xlsx", folder=FOLDER, zone=UTC)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sheet", ["calls.xlsx", None])
def test_memory_does_not_grow_with_the_number_of_rows(tmp_path, sheet):
    class Nowhere(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            return len(data)

    file = tmp_path / sheet if sheet else None
    tracemalloc.start()
    try:
        write_registry((ROW for _ in range(5_000)), io.BufferedWriter(Nowhere()), file, folder=FOLDER, zone=UTC)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def test_the_cost_is_no_float_before_it_is_in_the_sheet(tmp_path):
    (cells,) = Files(tmp_path, replace(ROW, cost=Decimal("0.000001"))).cells()
    assert cells["transcription_cost"].value == 0.000001
    assert cells["transcription_cost"].number_format == "0.0000##"


def test_every_column_of_the_sheet_has_a_width():
    """The start's width follows from its header, which names the zone."""
    assert registry_file._WIDTHS.keys() == {*COLUMNS, LINK} - {"datetime_start"}

"""The registry's row: order, types, formats, masks, and the schema that describes them."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from include.calls.domain.registry_row import (
    COLUMNS,
    Masks,
    RegistryRow,
    csv_cells,
    money_cell,
    registry_values,
    relative_path,
)
from include.calls.domain.states import RecordStatus
from include.common.errors import ErrorCode
from include.common.masking import mask_number, mask_phones
from tests.kit.paths import ROOT

SCHEMA = ROOT / "docs/specs/call_registry_schema.yaml"
FOLDER = "2025-08-01_2025-08-31"
ROW = RegistryRow(
    run_id=UUID("0b0e7a3e-3f5c-4a53-9a0c-6d6a3c1c7b11"),
    call_id="11018129443EB80D.1754478570.11438214",
    record_id="9079",
    call_started_at=datetime(2025, 8, 31, 21, 23, 45, tzinfo=UTC),
    portal_offset_sec=10800,
    direction="inbound",
    from_number="+79990000001",
    to_number="74950000002",
    employee_id="1269",
    employee_name="Оператор 12",
    duration_sec=420,
    recording_url="https://portal.example/disk/showFile/9079/",
    transcript_path=f"exports/{FOLDER}/transcripts/call_1.txt",
    summary_path=None,
    text_at=None,
    text_preview="[Оператор]: Здравствуйте!",
    cost=Decimal("0.031500"),
    currency_code="USD",
    language="ru",
    status="completed",
    error_code=None,
    retry_count=0,
    checksum="a" * 64,
    tags=["доставка", "оплата"],
    roles="channels",
    needs_review=False,
    confidence=None,
    role_signs=None,
)


def cells(row=ROW, **options):
    return dict(zip(COLUMNS, csv_cells(registry_values(row, FOLDER, **options)), strict=True))


def test_values_keep_types_and_order():
    values = registry_values(ROW, FOLDER)
    assert tuple(values) == COLUMNS
    assert values["duration_sec"] == 420
    assert values["transcription_cost"] == Decimal("0.0315")
    assert values["needs_review"] is False
    assert values["datetime_start"] == ROW.call_started_at
    assert str(values["datetime_start"]) == "2025-09-01 00:23:45+03:00", "with the portal's offset"


@pytest.mark.parametrize("key", ["11018129443E80", "007", "=1+1", "'x", " a ", "a\r\nb", "1E5"])
def test_a_key_is_never_changed(key):
    """Programs join by it; a spreadsheet is given the XLSX form."""
    found = cells(replace(ROW, call_id=key, record_id=key, checksum=key))
    assert {found["call_id"], found["record_id"], found["checksum"]} == {key}


def test_a_phone_with_a_plus_is_no_sum():
    found = cells(replace(ROW, from_number="+79990000001", to_number="74950000002"))
    assert (found["from"], found["to"]) == ("'+79990000001", "74950000002")


def test_a_row_reads_as_the_format_promises():
    assert cells() == {
        "run_id": "0b0e7a3e-3f5c-4a53-9a0c-6d6a3c1c7b11",
        "call_id": "11018129443EB80D.1754478570.11438214",
        "record_id": "9079",
        "datetime_start": "2025-09-01T00:23:45+03:00",
        "direction": "inbound",
        "from": "'+79990000001",
        "to": "74950000002",
        "employee": "1269 Оператор 12",
        "duration_sec": "420",
        "recording_url": "https://portal.example/disk/showFile/9079/",
        "transcript_path": "transcripts/call_1.txt",
        "summary_path": "",
        "text_preview": "[Оператор]: Здравствуйте!",
        "transcription_cost": "0.0315",
        "currency_code": "USD",
        "language": "ru",
        "status": "completed",
        "error_code": "",
        "retry_count": "0",
        "checksum": "a" * 64,
        "tags": "доставка|оплата",
        "roles": "channels",
        "needs_review": "false",
        "confidence": "",
        "role_signs": "",
    }


@given(st.text(max_size=2000))
def test_the_preview_keeps_to_its_bytes_whatever_is_said(value):
    row = replace(ROW, text_preview=value.encode(errors="replace").decode())
    preview = cells(row)["text_preview"]
    assert len(preview.encode()) <= 1024


@pytest.mark.parametrize(
    ("amount", "cell"),
    [("0.0045", "0.0045"), ("0.00612", "0.00612"), ("0", "0.0000"), ("12", "12.0000"), ("0.000001", "0.000001")],
)
def test_money_has_four_decimals_at_least_and_no_exponent(amount, cell):
    assert money_cell(Decimal(amount)) == cell


def test_paths_are_relative_to_the_periods_folder():
    assert relative_path(f"exports/{FOLDER}/transcripts/call_1.txt", FOLDER) == "transcripts/call_1.txt"
    stored = "transcripts/2025/08/31/call_1.txt"
    assert relative_path(stored, FOLDER) == "../../transcripts/2025/08/31/call_1.txt"
    other = "exports/2025-07-01_2025-07-31/transcripts/call_1.txt"
    assert relative_path(other, FOLDER) == "../2025-07-01_2025-07-31/transcripts/call_1.txt"
    assert relative_path(None, FOLDER) == ""


def test_masks_reach_every_column_with_numbers():
    masks = Masks(number=lambda _: "+7 999 *** ** 01", text=lambda text: text.replace("79990000001", "***"))
    row = replace(ROW, text_preview="звоните 79990000001", recording_url="https://pbx.example/79990000001.mp3")
    found = cells(row, masks=masks)
    assert "79990000001" not in ";".join(found.values())
    assert found["from"] == "'+7 999 *** ** 01"
    assert found["recording_url"] == ""


def test_a_number_cut_by_the_preview_is_hidden():
    text = "x" * 1013 + "+7999000000"
    assert len(text.encode()) == 1024
    masks = Masks(number=mask_number, text=mask_phones)
    assert cells(replace(ROW, text_preview=text), masks=masks)["text_preview"] == "x" * 1013
    assert cells(replace(ROW, text_preview="заказ 123456"), masks=masks)["text_preview"] == "заказ 123456"


def test_the_masks_of_the_product_leave_no_number_whole():
    masks = Masks(number=mask_number, text=mask_phones)
    row = replace(ROW, text_preview="звоните 8 (999) 000-00-01", from_number="89990000001", to_number="+79990000001")
    line = ";".join(cells(row, masks=masks).values())
    assert not any(number in line for number in ("9990000001", "000-00-01"))


def test_a_tag_cannot_pose_as_two():
    assert cells(replace(ROW, tags=["a|b", "c"]))["tags"] == "a/b|c"


def test_the_schema_has_the_columns_in_order():
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    assert [field["name"] for field in schema["fields"]] == list(COLUMNS)
    assert all(field["title"] and field["description"] for field in schema["fields"])


def test_the_schema_knows_every_status_and_code():
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    enums = {field["name"]: field.get("constraints", {}).get("enum") for field in schema["fields"]}
    assert enums["status"] == [str(status) for status in RecordStatus if status is not RecordStatus.ERASED]
    assert enums["error_code"] == [str(code) for code in ErrorCode]


def test_every_column_of_the_row_reaches_the_file():
    """A field that is not written would be a lost column; `text_at` tells which copy of a text is fresh."""
    names = {field.name for field in fields(RegistryRow)} - {"text_at"}
    source = (ROOT / "include/calls/domain/registry_row.py").read_text(encoding="utf-8")
    assert [name for name in names if f"row.{name}" not in source] == []

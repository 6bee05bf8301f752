"""Scores as a table: ids as they are, no cell computes."""

import csv
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from include.call_centre.domain.exported_score import ExportedScore
from include.call_centre.reporting.score_table import COLUMNS, write_scores

ROW = ExportedScore(
    call_id="=1+1", record_id="007", started_at=datetime(2025, 8, 6, 9, tzinfo=UTC), employee_id="12",
    employee_name="=HYPERLINK()", card="c", card_version=1, status="scored", score=Decimal("80.00"),
    judged_score=Decimal("90.00"), coverage=Decimal("1.000"), passed=True, calibration="none", needs_review=False,
    review_reasons=[], open_disputes=0, error_code=None, provider="a", model="m", cost=Decimal("0.001"),
    answers={"b": "no", "a": "yes"},
)  # fmt: skip


def test_ids_are_never_changed_and_other_cells_never_compute(tmp_path: Path) -> None:
    file = tmp_path / "scores.csv"
    assert write_scores([ROW], file, ZoneInfo("Europe/Kyiv")) == 1
    with file.open(encoding="utf-8-sig", newline="") as data:
        (row,) = csv.DictReader(data, delimiter=";")
    assert tuple(row) == COLUMNS
    assert (row["call_id"], row["record_id"], row["employee"]) == ("=1+1", "007", "'=HYPERLINK()")
    assert (row["score"], row["calibrated"], row["answers"]) == ("80.00", "false", "a=yes; b=no")


def test_the_sheet_has_the_same_row_with_local_times(tmp_path: Path) -> None:
    import openpyxl

    file = tmp_path / "scores.xlsx"
    write_scores([ROW], file, ZoneInfo("Europe/Kyiv"))
    head, row = openpyxl.load_workbook(file).active.iter_rows(values_only=True)
    cells = dict(zip(head, row, strict=True))
    assert (cells["record_id"], str(cells["datetime_start"]), cells["score"]) == ("007", "2025-08-06 12:00:00", 80.0)

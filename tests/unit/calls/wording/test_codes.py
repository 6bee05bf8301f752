"""`docs/error_codes.md` and the report's own words explain every code, and no code that does not exist."""

import re

from include.calls.domain.states import RecordStatus
from include.calls.wording import codes as wording
from include.common.errors import ErrorCode
from include.speech.quality_flags import ReviewReason
from tests.kit.paths import ROOT

PAGE = ROOT / "docs/error_codes.md"


def test_the_page_lists_every_error_code_once():
    rows = re.findall(r"^\| `(\w+)` \|(.+)\|(.+)\|(.+)\|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert [row[0] for row in rows] == [str(code) for code in ErrorCode]
    assert all(cell.strip() for row in rows for cell in row)


def test_every_code_status_and_reason_has_words():
    assert set(wording.ERRORS) == set(ErrorCode)
    assert set(wording.STATUSES) == set(RecordStatus)
    assert set(wording.REVIEW_REASONS) == set(ReviewReason)

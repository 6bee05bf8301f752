"""`docs/error_codes.md` and the report's own words explain every code, and no code that does not exist."""

import json
import re

from include.calls.domain.states import RecordStatus
from include.calls.wording import codes as wording
from include.common.errors import ErrorCode, LoadCode
from include.common.wording.error_catalogue import PACKAGE
from include.smoke.domain.judgement import SmokeCode
from include.speech.quality_flags import ReviewReason
from tests.kit.error_catalogue import CATALOGUE_FILE, PAGE, catalogue, page


def test_the_page_lists_every_error_code_once():
    rows = re.findall(r"^\| `(\w+)` \|(.+)\|(.+)\|(.+)\|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert [row[0] for row in rows] == [str(code) for code in (*ErrorCode, *SmokeCode, *LoadCode)]
    assert all(cell.strip() for row in rows for cell in row)


def test_the_pages_are_those_of_the_catalogue():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.kit.error_catalogue"
    assert CATALOGUE_FILE.read_text(encoding="utf-8") == catalogue(), "run: python -m tests.kit.error_catalogue"


def test_the_catalogue_says_all_that_programs_read():
    wanted = {"code", "title", "category", "severity", "user_message", "developer_message", "recommended_checks"}
    entries = json.loads(catalogue())
    assert all(wanted <= entry.keys() and all(entry[name] for name in wanted) for entry in entries)


def test_a_code_has_one_short_name():
    assert {code: explained.title for code, explained in PACKAGE.items()} == {
        code: title for code, (title, _advice) in wording.ERRORS.items()
    }


def test_every_code_status_and_reason_has_words():
    assert set(wording.ERRORS) == set(ErrorCode)
    assert set(wording.STATUSES) == set(RecordStatus)
    assert set(wording.REVIEW_REASONS) == set(ReviewReason)

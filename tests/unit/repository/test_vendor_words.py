"""A telephony system is replaced in its client's folder alone, so nothing above the clients speaks its language."""

import json
import re

import pytest

from tests.kit.paths import DATA, ROOT

FOLDERS = ("include/calls", "include/speech", "include/common", "plugins/calls", "plugins/airflow_kit", "dags")
SUFFIXES = (".py", ".sql", ".yaml", ".j2", ".typ", ".md")
OUR_OWN = {"CALL_ID"}  # also the name that people know: a transcript's header, the report's column, the command line
ROW = json.loads((DATA / "bitrix24/voximplant_statistic_get.json").read_text(encoding="utf-8"))["result"][0]
FIELDS = {name for name in ROW if "_" in name} - OUR_OWN | {"DOWNLOAD_URL", "DELETED_TYPE"}
METHODS = {"voximplant", "disk.file", "user.get", "crm.activity", "telephony.call", "telephony.externalCall"}
SPOKEN = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(FIELDS | METHODS)))})\b")
FILES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")) if path.suffix in SUFFIXES]
MAY_SAY_CALL_ID = (
    "include/calls/domain/transcript_file.py",
    "include/calls/reporting/templates",
    "include/calls/wording",
    "include/common/wording/error_catalogue.py",
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_vendor_field_or_method_above_the_clients(path) -> None:
    """Field names of the vendor's official row and its method names occur in the client's folder only."""
    assert SPOKEN.findall(path.read_text(encoding="utf-8")) == []


def test_call_id_in_capitals_is_what_people_read() -> None:
    """The vendor's field has a name that people read in transcripts, in the report and at the command line."""
    saying = {path for path in FILES if re.search(r"\bCALL_ID\b", path.read_text(encoding="utf-8"))}
    names = {str(path.relative_to(ROOT)) for path in saying}
    assert {name for name in names if not name.startswith(MAY_SAY_CALL_ID)} == set()


def test_the_words_are_found_where_they_belong() -> None:
    """Otherwise the tests above would hold for any tree."""
    client = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "include/clients/bitrix24").glob("*.py"))
    assert {"RECORD_FILE_ID", "CALL_FAILED_CODE", "voximplant", "disk.file"} <= set(SPOKEN.findall(client))

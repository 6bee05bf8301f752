"""What an analyst says of a text he has listened to, checked before anything is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from include.calls.domain.spreadsheet_cells import original_text
from include.common.errors import BadInput

MOST_COMMENT_CHARS = 2000
# as people type it: the second letter of each pair is Cyrillic in half of the files
_RESULTS = {"ok": "ok", "ок": "ok", "issue": "issue", "замечание": "issue"}
_NEEDED = ("run_id", "call_id", "record_id", "result", "comment")


@dataclass(frozen=True, slots=True)
class QaCheck:
    """`result` is `ok` or `issue`; `where` names the check's place in what a person gave us, for error messages."""

    call_id: str
    record_id: str
    result: str
    comment: str
    where: str


def qa_check(call_id: str, record_id: str, result: str, comment: str, *, where: str) -> QaCheck:
    """Raises BadInput: one sentence that begins with `where`."""
    known = _RESULTS.get(result.strip().lower())
    said = comment.strip()
    if known is None:
        raise BadInput(f"{where}: result {result.strip()!r} is neither ok nor issue")
    if known == "issue" and not said:
        raise BadInput(f"{where}: an issue needs a comment that says what is wrong")
    if len(said) > MOST_COMMENT_CHARS:
        raise BadInput(f"{where}: the comment has {len(said)} characters, at most {MOST_COMMENT_CHARS} are kept")
    return QaCheck(call_id, record_id, known, said, where)


def filled_in(rows: Sequence[Mapping[str, str]]) -> tuple[UUID, list[QaCheck]]:
    """The checks of a sample's table, rows that nobody filled in passed over; and the run that they are about.

    Raises BadInput naming the row, counted as a spreadsheet does: the head is row 1.
    """
    if not rows or (missing := [name for name in _NEEDED if name not in rows[0]]):
        raise BadInput(f"the table needs the columns {', '.join(_NEEDED)}" + (f", no {missing[0]}" if rows else ""))
    run_id = _run_id(rows[0]["run_id"])
    checks: dict[tuple[str, str], QaCheck] = {}
    for number, row in enumerate(rows, start=2):
        where = f"row {number}"
        if not row["result"].strip():
            if row["comment"].strip():
                raise BadInput(f"{where}: a comment without a result; write ok or issue")
            continue
        if _run_id(row["run_id"], where) != run_id:
            raise BadInput(f"{where}: another run than in row 2; one table is about one run")
        key = original_text(row["call_id"]), original_text(row["record_id"])
        if key in checks:
            raise BadInput(f"{where}: the recording of {checks[key].where} once more")
        checks[key] = qa_check(*key, row["result"], original_text(row["comment"]), where=where)
    return run_id, list(checks.values())


def _run_id(text: str, where: str = "row 2") -> UUID:
    try:
        return UUID(original_text(text.strip()))
    except ValueError:
        raise BadInput(f"{where}: {text!r} is no run_id") from None

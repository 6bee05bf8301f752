"""What an analyst says of a text after listening to the recording, checked before anything is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from include.common.errors import BadInput
from include.common.spreadsheet_cells import original_text

MOST_COMMENT_CHARS = 2000
# as people type it: the second letter of each pair is Cyrillic in half of the files
_RESULTS = {"ok": "ok", "ок": "ok", "issue": "issue", "замечание": "issue"}
_NEEDED = ("run_id", "call_id", "record_id", "result", "comment")


@dataclass(frozen=True, slots=True)
class QaCheck:
    """`result` is `ok` or `issue`; `where` names the check's place in the person's input, for error messages."""

    call_id: str
    record_id: str
    result: str
    comment: str
    where: str


def qa_check(call_id: str, record_id: str, result: str, comment: str, *, where: str) -> QaCheck:
    """Raises BadInput for a result that is unknown or a comment that is missing or too long."""
    known = _RESULTS.get(result.strip().lower())
    said = comment.strip()
    if known is None:
        raise BadInput(
            f"{where}: result {result.strip()!r} is neither ok nor issue",
            problem="qa_unknown_result",
            where=where,
            result=result.strip(),
        )
    if known == "issue" and not said:
        raise BadInput(
            f"{where}: an issue needs a comment that says what is wrong",
            problem="qa_issue_without_comment",
            where=where,
        )
    if len(said) > MOST_COMMENT_CHARS:
        raise BadInput(
            f"{where}: the comment has {len(said)} characters, at most {MOST_COMMENT_CHARS} are kept",
            problem="qa_long_comment",
            where=where,
            length=len(said),
            most=MOST_COMMENT_CHARS,
        )
    return QaCheck(call_id, record_id, known, said, where)


def filled_in(rows: Sequence[Mapping[str, str]]) -> tuple[UUID, list[QaCheck]]:
    """The run that a sample's table is about, and its checks; rows without a result are skipped.

    Raises BadInput naming the row, counted as a spreadsheet does: the head is row 1.
    """
    if not rows or any(name not in rows[0] for name in _NEEDED):
        needed = ", ".join(_NEEDED)
        raise BadInput(f"the table needs the columns {needed}", problem="qa_columns", columns=needed)
    run_id = _run_id(rows[0]["run_id"], _row(2))
    checks: dict[tuple[str, str], QaCheck] = {}
    for number, row in enumerate(rows, start=2):
        where = _row(number)
        if not row["result"].strip():
            if row["comment"].strip():
                raise BadInput(
                    f"{where}: a comment without a result; write ok or issue", problem="qa_no_result", where=where
                )
            continue
        if _run_id(row["run_id"], where) != run_id:
            raise BadInput(
                f"{where}: another run than in row 2; one table is about one run", problem="qa_two_runs", where=where
            )
        key = original_text(row["call_id"]), original_text(row["record_id"])
        if key in checks:
            first = checks[key].where
            raise BadInput(f"{where}: the recording of {first} once more", problem="qa_twice", where=where, first=first)
        checks[key] = qa_check(*key, row["result"], original_text(row["comment"]), where=where)
    return run_id, list(checks.values())


def _row(number: int) -> str:
    """A place that reads alike in the log and in the operator's language."""
    return f"#{number}"


def _run_id(text: str, where: str) -> UUID:
    try:
        return UUID(original_text(text.strip()))
    except ValueError:
        raise BadInput(f"{where}: {text!r} is no run_id", problem="qa_no_run_id", where=where, text=text) from None

"""A batch's summaries and tags. Whatever becomes of them, the texts and their records stay as they are."""

import hashlib
import logging
from dataclasses import dataclass
from datetime import timedelta, timezone
from decimal import Decimal
from pathlib import Path
from string import Template
from typing import Any
from uuid import UUID

from include.calls.domain.stages import Stage
from include.calls.domain.states import RecordStatus
from include.calls.domain.summaries import MAX_FREE_TAGS, CallSummary, answer_schema, checked_summary
from include.calls.policy import Policy
from include.calls.reporting.summary_file import SummaryHeader, render_summary
from include.calls.state.rows import Payment, RecordRow, Run
from include.calls.state.state import State
from include.calls.state.summary_failures import SummaryFailures, summary_failures
from include.calls.steps.answers import keep_answer
from include.calls.steps.outcome import BatchFailed, BatchOutcome
from include.calls.steps.paths import keys_of, run_of
from include.calls.steps.run_lifecycle import refuse_if_stopped
from include.calls.steps.spending import refuse_if_spent
from include.calls.steps.summary_costs import summary_tariff
from include.calls.wording.summary import framed
from include.clients.openai.chat_completion import LanguageModel, ModelResponse
from include.clients.storage.base import Storage
from include.common.errors import ErrorCode, ExportError, Permanent, StopRun, Temporary, Throttled
from include.common.token_tariffs import tokens_of

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 4  # one try, three retries
PROMPT = (
    Path(__file__).parents[1] / "prompts" / "summary_v1.md"
)  # a changed prompt is a new file: its name is its version
_NEVER_FAILED = SummaryFailures(0, final=False)


@dataclass(frozen=True, slots=True)
class Summarising:
    """What a summary needs; the same for the whole batch."""

    run: Run
    model: LanguageModel
    storage: Storage
    state: State
    policy: Policy
    instructions: str


def summarize_batch(
    run_id: UUID,
    batch_no: int,
    *,
    language_model: LanguageModel,
    storage: Storage,
    state: State,
    policy: Policy,
    fresh: bool,
) -> int:
    """Writes the summaries that the batch's texts lack; returns how many this pass wrote.

    `fresh` is True on the task's first try and after a person cleared it: only then are summaries that failed for good
    tried again. Raises Unfinished, Throttled, BatchFailed or StopRun (see `outcome.py`).
    """
    work = Summarising(run_of(run_id, state), language_model, storage, state, policy, instructions_of(policy))
    if fresh:
        state.event(run_id, stage=Stage.SUMMARIZE, event="started_afresh", detail={"batch_no": batch_no})
    with state.transaction() as connection:
        failures = summary_failures(connection, run_id, batch_no, stage=Stage.SUMMARIZE)
    outcome = BatchOutcome()
    for record in state.batch_records(run_id, batch_no, {RecordStatus.COMPLETED}):
        if record.summary_path is not None:
            continue
        refuse_if_stopped(run_id, state)
        refuse_if_spent(run_id, state, policy)
        _summarize_claimed(record, failures.get(record.key, _NEVER_FAILED), work, outcome)
        if outcome.throttled:
            break
    _raise_if_unfinished(outcome)
    return outcome.done


def instructions_of(policy: Policy) -> str:
    """The prompt with the vocabulary of tags put in."""
    return Template(PROMPT.read_text(encoding="utf-8")).substitute(
        tags=", ".join(policy.summary.tags), max_tags=policy.summary.max_tags, max_free_tags=MAX_FREE_TAGS
    )


def _summarize_claimed(record: RecordRow, earlier: SummaryFailures, work: Summarising, outcome: BatchOutcome) -> None:
    if earlier.final:
        outcome.failed.append(record.call_id)
        return
    with work.state.claim_recording(record.call_id) as mine:
        if not mine:  # an overlapping run may be buying the same summary: its answer will be in the journal
            outcome.claimed_elsewhere.append(record.call_id)
            return
        try:
            outcome.done += _summarize(record, work)
        except StopRun:
            raise
        except Throttled as error:
            outcome.throttled = error
        except Exception as error:
            log.warning(
                "summary of recording %s of call %s: %s", record.record_id, record.call_id, type(error).__name__
            )
            _note_failure(record, error, earlier.times + 1, work.state, outcome)


def _summarize(record: RecordRow, work: Summarising) -> bool:
    """False for a text without words: there is nothing to summarise. The file first, then the row that names it."""
    if record.transcript_path is None:
        raise Permanent("its text is gone from the storage", code=ErrorCode.SUMMARY_FAILED)
    _, _, body = work.storage.get_bytes(record.transcript_path).decode().partition("\n---\n")
    if not body.strip():
        return False
    summary, detail = _answer(record, body, work)
    header = _header(record, detail["model"])
    key = keys_of(record, work.run).summary
    work.storage.put_bytes(key, render_summary(header, summary).encode(), "text/markdown; charset=utf-8")
    with work.state.transaction():
        work.state.set_summary(
            record,
            summary_path=key,
            tags=summary.tags,
            cost=Decimal(detail["usd"]),
            bought=detail["bought_for"] == _name_of(record),
        )
        work.state.event(
            record.run_id,
            stage=Stage.SUMMARIZE,
            event="summarized",
            call_id=record.call_id,
            record_id=record.record_id,
            detail=detail,
        )
    return True


def _answer(record: RecordRow, body: str, work: Summarising) -> tuple[CallSummary, dict[str, Any]]:
    """The checked summary and what it cost: the saved answer to this very text, else one bought now and saved at once.

    Only what passed the check is saved, and in its checked form: the journal then holds no contacts either. It is kept
    as long as the text itself (`close_run`), and says for which record it was bought: that one's run has paid it.
    """
    checksum, asked, wanted = hashlib.sha256(body.encode()).hexdigest(), work.model.model, work.policy.summary
    saved = work.state.saved_answer(checksum, PROMPT.stem, asked)
    if saved is not None:
        return checked_summary(saved["answer"], wanted.tags, wanted.max_tags), {**saved["cost"], "bought": False}
    data = framed(body, checksum[:16])
    answer = work.model.ask(
        instructions=work.instructions, data=data, schema_name=PROMPT.stem, schema=answer_schema(wanted.tags)
    )
    summary = checked_summary(answer.content, wanted.tags, wanted.max_tags)
    cost = _cost(answer, len(work.instructions) + len(data), work.policy) | {"bought_for": _name_of(record)}
    paid = Payment(record.run_id, record.key, Decimal(cost["usd"]))
    keep_answer(work.state, checksum, PROMPT.stem, asked, {"answer": summary.as_answer(), "cost": cost}, paid)
    return summary, {**cost, "bought": True}


def _cost(answer: ModelResponse, characters: int, policy: Policy) -> dict[str, Any]:
    """Tokens as the service counts them, estimated where it does not; `usd` as text, exact."""
    counted = answer.input_tokens is not None and answer.output_tokens is not None
    sent = answer.input_tokens if answer.input_tokens is not None else tokens_of(characters)
    written = answer.output_tokens if answer.output_tokens is not None else tokens_of(len(str(answer.content)))
    usd = summary_tariff(policy, answer.model).cost(sent, written)
    return {
        "model": answer.model,
        "input_tokens": sent,
        "output_tokens": written,
        "counted_by_service": counted,
        "usd": str(usd),
    }


def _name_of(record: RecordRow) -> str:
    return f"{record.run_id}/{record.call_id}/{record.record_id}"


def _header(record: RecordRow, model: str) -> SummaryHeader:
    return SummaryHeader(
        call_id=record.call_id,
        record_id=record.record_id,
        started_at=record.call_started_at.astimezone(timezone(timedelta(seconds=record.portal_offset_sec))),
        direction=record.direction,
        employee=f"{record.employee_id or ''} {record.employee_name or ''}".strip(),
        duration_sec=record.duration_sec,
        model=model,
        prompt_version=PROMPT.stem,
    )


def _note_failure(record: RecordRow, error: Exception, attempt: int, state: State, outcome: BatchOutcome) -> None:
    # The text of a foreign exception may hold a link or a key: only its type is told.
    foreign = f"an unforeseen {type(error).__name__}; the task's log has the details"
    ours = error if isinstance(error, ExportError) else Temporary(foreign, code=ErrorCode.SUMMARY_FAILED)
    final = not isinstance(ours, Temporary) or attempt >= MAX_ATTEMPTS
    state.event(
        record.run_id,
        stage=Stage.SUMMARIZE,
        event="summary_failed",
        call_id=record.call_id,
        record_id=record.record_id,
        error_code=ours.code,
        detail={"reason": str(ours), "attempt": attempt, "final": final},
    )
    outcome.highest_attempt = max(outcome.highest_attempt, attempt)
    (outcome.failed if final else outcome.waiting).append(record.call_id)


def _raise_if_unfinished(outcome: BatchOutcome) -> None:
    outcome.raise_if_unfinished([])
    if failed := outcome.failed:
        raise BatchFailed(
            f"{len(failed)} summaries were not made, the texts are untouched: {', '.join(failed[:5])}. The reasons are "
            "in call_events, stage summarize; clear this task to try again",
            code=ErrorCode.SUMMARY_FAILED,
        )

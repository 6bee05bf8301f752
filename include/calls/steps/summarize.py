"""Summaries and tags of one batch. Their failures never change a text or the status of a recording."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta, timezone
from decimal import Decimal
from pathlib import Path
from string import Template
from threading import Event
from typing import Any
from uuid import UUID

from include.calls.domain.stages import Stage
from include.calls.domain.states import RecordStatus
from include.calls.domain.summaries import MAX_FREE_TAGS, CallSummary, answer_schema, checked_summary
from include.calls.policy import Policy, SummaryPolicy
from include.calls.reporting.summary_file import SummaryHeader, render_summary
from include.calls.state.state import State
from include.calls.state.types import Charge, RecordingRow, SummaryFailures, Text
from include.calls.steps.outcome import MOST_DEATHS, BatchFailed, BatchOutcome, died_too_often, handed_back, some
from include.calls.steps.run_lifecycle import refuse_if_stopped
from include.calls.steps.spending import refuse_if_spent, summary_tariff
from include.clients.openai.chat_completion import JsonModel, TokenUsage, UnusableResponse
from include.clients.storage.base import Storage
from include.common.errors import ErrorCode, ExportError, Permanent, StopRun, Temporary, Throttled
from include.common.plain_text import framed
from include.common.token_tariffs import tokens_of

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 4  # one try, three retries
PROMPT = (
    Path(__file__).parents[1] / "prompts" / "summary_v1.md"
)  # a changed prompt is a new file: its name is its version
_NEVER_FAILED = SummaryFailures(0, final=False, deaths=0)


@dataclass(frozen=True, slots=True)
class Summarising:
    """What a summary needs; the same for the whole batch."""

    run_id: UUID
    model: JsonModel
    storage: Storage
    state: State
    wanted: SummaryPolicy
    instructions: str
    masked_prompt: bool


def summarize_batch(
    run_id: UUID,
    batch_no: int,
    *,
    language_model: JsonModel,
    storage: Storage,
    state: State,
    policy: Policy,
    fresh: bool,
    stop: Event | None = None,
) -> int:
    """Writes the summaries that the batch's texts lack; returns how many this pass wrote.

    `fresh` is True on the task's first try and after a person cleared it: only then are summaries that failed for good
    tried again. `stop`: once it is set, no summary is begun.
    Raises Unfinished, Throttled, BatchFailed or StopRun (see `outcome.py`).
    """
    instructions = instructions_of(policy.summary)
    masked = policy.privacy.mask_prompts
    work = Summarising(run_id, language_model, storage, state, policy.summary, instructions, masked_prompt=masked)
    if fresh:
        state.events.add(run_id, stage=Stage.SUMMARIZE, event="started_afresh", detail={"batch_no": batch_no})
    failures = state.events.summary_failures(run_id, batch_no, stage=Stage.SUMMARIZE)
    outcome = BatchOutcome()
    rows = state.work.batch(run_id, batch_no, {RecordStatus.COMPLETED})
    earlier = {row.recording_id: failures.get(row.recording_id, _NEVER_FAILED) for row in rows}
    for row in sorted(rows, key=lambda row: earlier[row.recording_id].deaths > 0):  # what may kill this task comes last
        if row.summary_path is not None:
            continue
        if stop is not None and stop.is_set():
            raise handed_back([each for each in rows if each.summary_path is None])
        refuse_if_stopped(run_id, state)
        refuse_if_spent(run_id, state, policy.stt, policy.money)
        _summarize_claimed(row, earlier[row.recording_id], work, outcome)
        if outcome.throttled:
            break
    _raise_if_unfinished(outcome, state)
    return outcome.done


def instructions_of(wanted: SummaryPolicy) -> str:
    """The prompt with the vocabulary of tags put in."""
    return Template(PROMPT.read_text(encoding="utf-8")).substitute(
        tags=", ".join(wanted.tags), max_tags=wanted.max_tags, max_free_tags=MAX_FREE_TAGS
    )


def _summarize_claimed(
    listed: RecordingRow, earlier: SummaryFailures, work: Summarising, outcome: BatchOutcome
) -> None:
    if earlier.final:
        outcome.failed.append(listed.call_id)
        return
    with work.state.claims.hold(listed.portal_id, listed.call_id) as claim:
        if not claim:  # a task of another run may be buying the same summary: its response will be saved
            outcome.claimed_elsewhere.append(listed)
            return
        row = work.state.recordings.get(listed.recording_id)
        if row.status is not RecordStatus.COMPLETED or row.summary_path is not None:
            return
        if earlier.deaths >= MOST_DEATHS:
            _note_failure(row, died_too_often(earlier.deaths, Stage.SUMMARIZE), earlier.times + 1, work, outcome)
            return
        _note(row, "summary_begun", work)
        try:
            if _summarize(row, work):
                outcome.done += 1
            else:
                _note(row, "summary_put_off", work)
        except StopRun:
            _note(row, "summary_put_off", work)
            raise
        except Throttled as error:
            _note(row, "summary_put_off", work)
            outcome.throttled = error
        except Exception as error:
            log.warning("summary of recording %s of call %s: %s", row.record_id, row.call_id, type(error).__name__)
            _note_failure(row, error, earlier.times + 1, work, outcome)


def _summarize(row: RecordingRow, work: Summarising) -> bool:
    """False if there is nothing to summarise: the text has no words, or is not the current one any more.

    The file first, then the row that names it.
    """
    assert row.transcript_id is not None
    text = work.state.transcripts.get(row.transcript_id)
    if not text.body.strip():
        return False
    summary, detail = _response(row, text, work)
    key = row.keys.summary
    content = render_summary(_header(row, detail["model"]), summary)
    work.storage.put_bytes(key, content.encode(), "text/markdown; charset=utf-8")
    with work.state.transaction():
        written = work.state.transcripts.set_summary(
            row.recording_id, text.transcript_id, summary_path=key, tags=summary.tags
        )
        if written:
            work.state.events.add(
                work.run_id,
                stage=Stage.SUMMARIZE,
                event="summarized",
                recording_id=row.recording_id,
                detail=detail,
            )
    if not written:
        work.storage.delete(key)
    return written


def _response(row: RecordingRow, text: Text, work: Summarising) -> tuple[CallSummary, dict[str, Any]]:
    """The checked summary and what it cost: the saved response to this very text, else one bought now.

    A response is saved at once, with its price, in its checked form: so the table holds no contacts. One that is
    unusable is charged as well, but not saved. Saved responses are kept as long as the text (`close_run`); a second
    recording with the same words pays nothing.
    """
    checksum, asked, wanted = text.sha256, work.model.model, work.wanted
    saved = work.state.responses.stored_one(checksum, PROMPT.stem, asked)
    if saved is not None:
        return checked_summary(saved["answer"], wanted.tags, wanted.max_tags), {**saved["cost"], "bought": False}
    data = framed(_masked(text.body) if work.masked_prompt else text.body, checksum[:16])
    sent = len(work.instructions) + len(data)
    try:
        answer = work.model.ask(
            instructions=work.instructions, data=data, schema_name=PROMPT.stem, schema=answer_schema(wanted.tags)
        )
    except UnusableResponse as error:
        _charge_all((*error.earlier, error), row, sent, work)
        raise
    _charge_all(answer.unusable, row, sent, work)
    cost = _cost(answer.usage, sent, len(str(answer.content)), wanted)
    try:
        summary = checked_summary(answer.content, wanted.tags, wanted.max_tags)
    except Permanent:
        _charge_unusable(row, cost, work)
        raise
    work.state.responses.keep(
        work.run_id,
        row.recording_id,
        checksum,
        PROMPT.stem,
        asked,
        {"answer": summary.as_answer(), "cost": cost},
        _charge(cost),
    )
    return summary, {**cost, "bought": True}


def _masked(body: str) -> str:
    from include.common.personal_data.hiding import without_personal_data  # noqa: PLC0415 - a dictionary of 40 MB

    return without_personal_data(body)


def _charge_all(responses: Iterable[UnusableResponse], row: RecordingRow, sent: int, work: Summarising) -> None:
    for each in responses:
        _charge_unusable(row, _cost(each.usage, sent, each.characters, work.wanted), work)


def _charge_unusable(row: RecordingRow, cost: dict[str, Any], work: Summarising) -> None:
    work.state.charges.charge(work.run_id, row.recording_id, _charge(cost))


def _cost(usage: TokenUsage, sent: int, written: int, wanted: SummaryPolicy) -> dict[str, Any]:
    """Tokens as the service counts them; if it does not, estimated by the characters `sent` and `written`.

    `usd` is text, exact.
    """
    counted = usage.counted and usage.input_tokens is not None and usage.output_tokens is not None
    input_tokens = tokens_of(sent) if usage.input_tokens is None else usage.input_tokens
    output_tokens = tokens_of(written) if usage.output_tokens is None else usage.output_tokens
    return {
        "model": usage.model,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "counted_by_service": counted,
        "usd": str(
            summary_tariff(wanted, usage.model).cost(input_tokens, output_tokens) if usage.usd is None else usage.usd
        ),
    }


def _charge(cost: dict[str, Any]) -> Charge:
    return Charge(
        purpose="summary",
        model=cost["model"],
        unit="token",
        quantity=Decimal(cost["input_tokens"] + cost["output_tokens"]),
        usd=Decimal(cost["usd"]),
        confirmed=cost["counted_by_service"],
    )


def _header(row: RecordingRow, model: str) -> SummaryHeader:
    return SummaryHeader(
        call_id=row.call_id,
        record_id=row.record_id,
        started_at=row.call_started_at.astimezone(timezone(timedelta(seconds=row.utc_offset_sec))),
        direction=row.direction,
        employee=f"{row.employee_id or ''} {row.employee_name or ''}".strip(),
        duration_sec=row.duration_sec,
        model=model,
        prompt_version=PROMPT.stem,
    )


def _note(row: RecordingRow, event: str, work: Summarising) -> None:
    """A summary that has begun and not ended when the next task looks at it has killed its task."""
    work.state.events.add(work.run_id, stage=Stage.SUMMARIZE, event=event, recording_id=row.recording_id)


def _note_failure(row: RecordingRow, error: Exception, attempt: int, work: Summarising, outcome: BatchOutcome) -> None:
    # The text of a foreign exception may hold a link or a key: only its type is named.
    foreign = f"an unforeseen {type(error).__name__}; the task's log has the details"
    ours = error if isinstance(error, ExportError) else Temporary(foreign, code=ErrorCode.SUMMARY_FAILED)
    final = not isinstance(ours, Temporary) or attempt >= MAX_ATTEMPTS
    work.state.events.add(
        work.run_id,
        stage=Stage.SUMMARIZE,
        event="summary_failed",
        recording_id=row.recording_id,
        error_code=ours.code,
        detail={"reason": str(ours), "attempt": attempt, "final": final},
    )
    outcome.highest_attempt = max(outcome.highest_attempt, attempt)
    (outcome.failed if final else outcome.waiting).append(row.call_id)


def _raise_if_unfinished(outcome: BatchOutcome, state: State) -> None:
    outcome.raise_if_unfinished(state)
    if failed := outcome.failed:
        names = some(failed)
        raise BatchFailed(
            f"{len(failed)} summaries were not made, the texts are untouched: {names}. The reasons are in call_events, "
            "stage summarize; clear this task to try again",
            code=ErrorCode.SUMMARY_FAILED,
            problem="summaries_failed",
            count=len(failed),
            calls=names,
        )

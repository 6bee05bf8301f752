"""From what was recognised to what is stored: the text, its flags and figures, its files, its columns.

Recognition and rebuilding come through here, so a rebuilt text differs only by what a person has changed since.
"""

import json
from dataclasses import dataclass, replace
from datetime import timedelta, timezone
from decimal import Decimal

from include.calls.domain.storage_keys import RecordKeys
from include.calls.domain.transcript_file import TranscriptHeader, preview, render_transcript
from include.calls.policy import Policy
from include.calls.state.rows import RecordColumns, RecordRow
from include.clients.storage.base import Storage
from include.common.masking import mask_number
from include.common.plain_text import hidden_contacts
from include.speech.fallback import Responses, TranscriptReview
from include.speech.normalisation import punctuated, readable
from include.speech.quality_flags import ReviewPolicy, ReviewReason, words_per_minute
from include.speech.recognition import Recognition, confidence_of
from include.speech.transcripts import Transcript, assemble, channel_roles


@dataclass(frozen=True, slots=True)
class CallText:
    """A transcript as people read it, with the flags and figures of the answers that it was made of."""

    transcript: Transcript
    reasons: tuple[ReviewReason, ...]
    words_per_minute: Decimal | None
    confidence: Decimal | None


def review_of(policy: Policy) -> TranscriptReview:
    return TranscriptReview(policy.stt.languages, ReviewPolicy(**policy.review.model_dump()))


def text_of(recognised: Recognition, portal_number: str, policy: Policy) -> CallText:
    """The better answers (D23), the line's channel map (D21), today's thresholds; nothing is asked, nothing is paid."""
    review = review_of(policy)
    cut, answers = recognised.cut, review.best_responses(recognised)
    operator_channel = policy.stt.channel_map.get(portal_number, policy.stt.operator_channel)
    transcript = assemble(
        cut,
        {piece: readable(answer, review.policy) for piece, answer in answers.items()},
        channel_roles(operator_channel),
        model=_model(recognised, answers),
        expected_languages=policy.stt.languages,
    )
    transcript = punctuated(transcript)
    if policy.privacy.pii_masking_enabled:
        turns = (replace(turn, text=hidden_contacts(turn.text)) for turn in transcript.turns)
        transcript = replace(transcript, turns=tuple(turns))
    return CallText(
        transcript=transcript,
        reasons=review.reasons(cut, answers),
        words_per_minute=words_per_minute(cut, answers),
        confidence=confidence_of(answers.values()),
    )


def _model(recognised: Recognition, answers: Responses) -> str:
    """Which model made the text: the first one's name, the fallback's, or both where it is of both."""
    of_second = [piece for piece, answer in answers.items() if answer is recognised.fallback_responses.get(piece)]
    seconds = {recognised.fallback_responses[piece].model for piece in of_second}
    firsts = {recognised.model} if len(of_second) < len(answers) or not answers else set[str]()
    return "+".join([*firsts, *sorted(seconds)])


def store_files(
    record: RecordRow, recognised: Recognition, text: CallText, keys: RecordKeys, storage: Storage, policy: Policy
) -> None:
    """The raw answers keep every word: they are what a text is rebuilt from, and no analyst's reading."""
    raw = recognised.as_json() | {"text_by": text.transcript.model}
    storage.put_bytes(keys.recognition, json.dumps(raw, ensure_ascii=False).encode(), "application/json")
    store_transcript(keys.transcript, file_of(record, text, policy), storage)


def store_transcript(key: str, content: str, storage: Storage) -> None:
    storage.put_bytes(key, content.encode(), "text/plain; charset=utf-8")


def file_of(record: RecordRow, text: CallText, policy: Policy) -> str:
    """The transcript file's content; its header's numbers are masked where the settings say so."""
    header = _header_of(record)
    if policy.privacy.pii_masking_enabled:
        header = replace(header, from_number=mask_number(header.from_number), to_number=mask_number(header.to_number))
    return render_transcript(header, text.transcript)


def text_columns(text: CallText) -> RecordColumns:
    """What a row says of its text, apart from where it is and what it cost."""
    transcript = text.transcript
    return {
        "text_preview": preview(transcript),
        "language": transcript.language,
        "roles": transcript.roles,
        "model": transcript.model,
        "words_per_minute": text.words_per_minute,
        "confidence": text.confidence,
        "needs_review": bool(text.reasons),
        "review_reasons": [str(reason) for reason in text.reasons],
    }


def _header_of(record: RecordRow) -> TranscriptHeader:
    return TranscriptHeader(
        call_id=record.call_id,
        record_id=record.record_id,
        start=record.call_started_at.astimezone(timezone(timedelta(seconds=record.portal_offset_sec))),
        direction=record.direction,
        from_number=record.from_number,
        to_number=record.to_number,
        employee_id=record.employee_id,
        employee_name=record.employee_name,
        duration_sec=record.duration_sec,
    )

"""From recognition to what is stored: the text, its flags and figures, its file and its row.

Recognition and rebuilding both come through here, so a rebuilt text differs only by what a person has changed since.
"""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta, timezone

from include.calls.domain.storage_keys import RecordingKeys
from include.calls.domain.transcript_file import TranscriptHeader, preview, render_header
from include.calls.policy import Channel, Policy, PrivacyPolicy, ReviewPolicy, SpeakerPolicy, SttPolicy
from include.calls.state.types import NewText, RecordingRow, Text
from include.clients.storage.base import Storage
from include.common.masking import mask_number
from include.speech.checked_text import CheckedText, checked_text
from include.speech.fallback import TranscriptReview
from include.speech.quality_flags import ReviewPolicy as FlagPolicy
from include.speech.recognition import Recognition
from include.speech.speaker_roles import SpeakerSigns, with_roles
from include.speech.transcript_lines import render_turns


def channel_of_line(phone_line: str, stt: SttPolicy) -> Channel:
    """On which channel of the line's calls the operator is."""
    return stt.channel_map.get(phone_line, stt.operator_channel)


def review_of(stt: SttPolicy, review: ReviewPolicy) -> TranscriptReview:
    return TranscriptReview(stt.languages, FlagPolicy(**review.model_dump()))


def signs_of(speakers: SpeakerPolicy) -> SpeakerSigns:
    return SpeakerSigns(
        company_names=speakers.company_names,
        operator_phrases=speakers.operator_phrases,
        client_phrases=speakers.client_phrases,
        enough=speakers.enough,
    )


def text_of(
    recognition: Recognition,
    phone_line: str,
    direction: str,
    policy: Policy,
    *,
    operator_channel: Channel | None = None,
) -> CheckedText:
    """The better responses, the phone line's channel map, today's thresholds. No request is sent, nothing is paid.

    `operator_channel`: what a person has said of this one call.
    """
    operator_channel = operator_channel or channel_of_line(phone_line, policy.stt)
    text = checked_text(recognition, review_of(policy.stt, policy.review), operator_channel)
    found = with_roles(text.transcript, direction, signs_of(policy.speakers))
    text = replace(text, transcript=found.transcript, role_signs=found.signs)
    if not policy.privacy.pii_masking_enabled:
        return text
    from include.common.personal_data.hiding import turns_without_personal_data  # noqa: PLC0415 - only where masking is on

    turns = text.transcript.turns
    hidden = turns_without_personal_data(turn.text for turn in turns)
    turns = tuple(replace(turn, text=said) for turn, said in zip(turns, hidden, strict=True))
    return replace(text, transcript=replace(text.transcript, turns=turns))


def new_text(text: CheckedText, source: str) -> NewText:
    """The row of the text. `source` is `recogniser` or `portal`."""
    transcript = text.transcript
    body = render_turns(transcript)
    return NewText(
        sha256=hashlib.sha256(body.encode()).hexdigest(),
        body=body,
        preview=preview(transcript),
        language=transcript.language,
        roles=transcript.roles,
        source=source,
        model=transcript.model,
        words_per_minute=text.words_per_minute,
        confidence=text.confidence,
        role_signs=text.role_signs,
    )


def transcript_file(row: RecordingRow, text: NewText | Text, privacy: PrivacyPolicy) -> str:
    """The content of the transcript file: a header of the call's data, then the body as the database has it.

    The header's numbers are masked if the settings say so. The same row and text give the same file, so a lost file
    can be written again.
    """
    header = _header_of(row)
    if privacy.pii_masking_enabled:
        header = replace(header, from_number=mask_number(header.from_number), to_number=mask_number(header.to_number))
    return render_header(header, language=text.language, model=text.model, roles=text.roles) + text.body


def store_transcript(key: str, content: str, storage: Storage) -> None:
    storage.put_bytes(key, content.encode(), "text/plain; charset=utf-8")


def store_responses(recognition: Recognition, text: CheckedText, keys: RecordingKeys, storage: Storage) -> None:
    """The recogniser's responses with every word: a text is rebuilt from them, analysts do not read them."""
    raw = recognition.as_json() | {"text_by": text.transcript.model}
    storage.put_bytes(keys.recognition, json.dumps(raw, ensure_ascii=False).encode(), "application/json")


def _header_of(row: RecordingRow) -> TranscriptHeader:
    return TranscriptHeader(
        call_id=row.call_id,
        record_id=row.record_id,
        start=row.call_started_at.astimezone(timezone(timedelta(seconds=row.utc_offset_sec))),
        direction=row.direction,
        from_number=row.from_number,
        to_number=row.to_number,
        employee_id=row.employee_id,
        employee_name=row.employee_name,
        duration_sec=row.duration_sec,
    )

"""One recording from stored audio to stored text; an answer is kept as soon as it comes (D19)."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta, timezone
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from include.clients.audio.cutting import cut as cut_audio
from include.clients.audio.encoding import CONTENT_TYPES, encoded_pieces
from include.clients.audio.planning import policy_for
from include.clients.state.rows import RecordRow, Run
from include.clients.state.store import Claim, State
from include.clients.storage.base import Storage
from include.clients.whisper import Recogniser
from include.config.policy import Policy
from include.domain.cuts import Cut, Piece
from include.domain.errors import ErrorCode, Permanent, Temporary
from include.domain.money import call_cost
from include.domain.recognitions import Recognition
from include.domain.review import ReviewPolicy, review
from include.domain.states import RecordStatus
from include.domain.transcripts import Transcript, TranscriptHeader, assemble, channel_roles, preview, render_transcript
from include.steps.answers import keep_answer
from include.steps.paths import keys_of
from include.steps.plan import rate_per_minute

STAGE = "transcribe"


class SpoiltAudio(Permanent):
    """The stored audio is gone or changed; only fetching it again helps."""

    code = ErrorCode.CHECKSUM_MISMATCH


class ClaimLost(Temporary):
    """The claim on the call ended while its recording was in work; what is bought is saved, the rest waits."""


@dataclass(frozen=True, slots=True)
class Recognising:
    """What turning one recording into text needs; the same for the whole batch."""

    run: Run
    recogniser: Recogniser
    storage: Storage
    state: State
    policy: Policy


def to_text(record: RecordRow, claim: Claim, work: Recognising) -> None:
    """The record must be `transcribing`; afterwards it is `completed` and its files are stored.

    Raises SpoiltAudio, ClaimLost, and what the recogniser and the storage raise.
    """
    assert record.checksum is not None
    policy = work.policy
    with _sound_audio(record, work.storage) as audio, TemporaryDirectory(prefix="call-export-") as folder:
        cut = cut_audio(audio, policy_for(work.recogniser.profile, max_file_minutes=policy.stt.max_file_minutes))
        answers = _recognise(record.checksum, audio, cut, Path(folder), claim, work)
    operator_channel = policy.stt.channel_map.get(record.portal_number, policy.stt.operator_channel)
    transcript = assemble(
        cut,
        answers,
        channel_roles(operator_channel),
        model=work.recogniser.profile.model,
        expected_languages=policy.stt.languages,
    )
    _store(record, cut, answers, transcript, work)


@contextmanager
def _sound_audio(record: RecordRow, storage: Storage) -> Iterator[Path]:
    """The stored audio, whose bytes are those that were downloaded: nobody pays for the text of something else."""
    assert record.raw_path is not None
    if not storage.exists(record.raw_path):
        raise SpoiltAudio(f"the stored audio is gone: {record.raw_path}")
    with storage.as_file(record.raw_path) as audio:
        with audio.open("rb") as content:
            checksum = hashlib.file_digest(content, "sha256").hexdigest()
        if checksum != record.checksum:
            raise SpoiltAudio(f"the stored audio was changed after its download: {record.raw_path}")
        yield audio


def _recognise(
    checksum: str, audio: Path, cut: Cut, folder: Path, claim: Claim, work: Recognising
) -> dict[Piece, Recognition]:
    """An answer for every piece: the saved one where there is one, else bought now and saved at once."""
    profile, policy = work.recogniser.profile, work.policy
    saved = work.state.saved_answers(checksum, profile.model)
    options = _digest(policy)
    keys = {piece: f"{piece.key(profile.upload_format)}-{options}" for piece in cut.pieces}
    answers = {piece: Recognition.from_json(saved[key]) for piece, key in keys.items() if key in saved}
    skip = {piece.key(profile.upload_format) for piece in answers}
    with encoded_pieces(audio, cut, profile.upload_format, folder=folder, skip=skip) as files:
        for piece, file in files:
            if not claim.alive():  # another may be buying these very pieces, or have bought the whole text
                raise ClaimLost
            if (known := work.state.saved_answer(checksum, keys[piece], profile.model)) is not None:
                answers[piece] = Recognition.from_json(known)
                continue
            answer = work.recogniser.recognise(
                file,
                filename=file.name,
                content_type=CONTENT_TYPES[profile.upload_format],
                seconds=piece.seconds,
                languages=policy.stt.languages,
                keywords=policy.stt.keywords,
                prompt=policy.stt.prompt,
            )
            keep_answer(work.state, checksum, keys[piece], profile.model, answer.as_json())
            answers[piece] = answer
    return answers


def _digest(policy: Policy) -> str:
    """What was asked beside the audio: another prompt or language makes another answer."""
    options = json.dumps([policy.stt.languages, policy.stt.keywords, policy.stt.prompt], ensure_ascii=False)
    return hashlib.sha256(options.encode()).hexdigest()[:8]


def _store(
    record: RecordRow, cut: Cut, answers: Mapping[Piece, Recognition], transcript: Transcript, work: Recognising
) -> None:
    """Files first, then the row: a row that says `completed` always has its text."""
    keys = keys_of(record, work.run)
    model = transcript.model
    reasons = review(
        cut,
        answers,
        language=transcript.language,
        expected_languages=work.policy.stt.languages,
        policy=ReviewPolicy(**work.policy.review.model_dump()),
    )
    raw = {
        "cut": cut.as_json(),
        "model": model,
        "answers": [[i, answers[p].as_json()] for i, p in enumerate(cut.pieces)],
    }
    work.storage.put_bytes(keys.recognition, json.dumps(raw, ensure_ascii=False).encode(), "application/json")
    work.storage.put_bytes(
        keys.transcript, render_transcript(header_of(record), transcript).encode(), "text/plain; charset=utf-8"
    )
    with work.state.transaction():  # or a death in between would leave the answers for ever
        completed = work.state.move_record(
            record.run_id,
            record.call_id,
            record.record_id,
            RecordStatus.COMPLETED,
            expected={RecordStatus.TRANSCRIBING},
            stage=STAGE,
            transcript_path=keys.transcript,
            summary_path=None,  # of an earlier text, where a person sent the recording back
            tags=[],
            text_preview=preview(transcript),
            audio_sec=round(cut.info.seconds, 3),
            language=transcript.language,
            roles=transcript.roles,
            source="recogniser",
            model=model,
            cost=call_cost(cut.info.seconds, rate_per_minute(work.policy)) if cut.pieces else Decimal(0),
            needs_review=bool(reasons),
            review_reasons=[str(reason) for reason in reasons],
            stage_attempts=0,
        )
        # taken back while we worked (our task was believed dead): its next owner must find the answers, not buy anew
        if completed and record.checksum:
            work.state.forget_answers(record.checksum)


def header_of(record: RecordRow) -> TranscriptHeader:
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

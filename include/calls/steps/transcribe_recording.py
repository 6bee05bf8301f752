"""One recording from stored audio to stored text; an answer is kept as soon as it comes (D19)."""

import hashlib
import json
import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from threading import Lock

from include.calls.domain.stages import Stage
from include.calls.domain.states import RecordStatus
from include.calls.policy import Policy
from include.calls.state.rows import Payment, RecordColumns, RecordRow, Run
from include.calls.state.state import Claim, State
from include.calls.steps.answers import keep_answer
from include.calls.steps.build_transcript import review_of, store_files, text_columns, text_of
from include.calls.steps.paths import keys_of
from include.calls.steps.portal_texts import portal_text
from include.calls.steps.spending import fallback_rate_per_minute, rate_per_minute
from include.clients.storage.base import Storage
from include.common.errors import ErrorCode, ExportError, Permanent, StopRun, Temporary, Throttled
from include.common.money import call_cost, exact_cost
from include.common.temporary_folders import temporary_folder
from include.speech.audio.cutting import cut as cut_audio
from include.speech.audio.encoding import CONTENT_TYPES, encoded_pieces
from include.speech.audio.pieces import CutPolicy, policy_for
from include.speech.cuts import Cut, Piece
from include.speech.recognition import Recognition, RecognitionResponse
from include.speech.recognition_client import Recogniser

log = logging.getLogger(__name__)


class SpoiltAudio(Permanent):
    """The stored audio is gone or changed; only fetching it again helps."""

    code = ErrorCode.CHECKSUM_MISMATCH


class ClaimLost(Temporary):
    """The claim on the call ended while its recording was in work; what is bought is saved, the rest waits."""


class LineClosed(Temporary):
    """The recogniser refused another recording of this task, or the task ends: this one goes back untried."""


class Line:
    """A task's place among the recogniser's lines (D14): one request at a time, and none after it was closed."""

    def __init__(self) -> None:
        self._turn = Lock()
        self.closed = False

    @contextmanager
    def turn(self, *, closing: bool) -> Iterator[None]:
        """Raises LineClosed. `closing`: a refusal that concerns everybody closes the line before the next request."""
        with self._turn:
            if self.closed:
                raise LineClosed
            try:
                yield
            except (Throttled, StopRun):
                if closing:
                    self.closed = True
                raise

    def close(self) -> None:
        """Whoever waits for the line gets LineClosed; a request under way ends as it ends."""
        self.closed = True


@dataclass(frozen=True, slots=True)
class Recognising:
    """What turning one recording into text needs; the same for the whole batch.

    `fallback` is asked once more about what is doubtful in a suspicious text (D23). `line` is held for a request and
    for keeping its answer.
    """

    run: Run
    recogniser: Recogniser
    storage: Storage
    state: State
    policy: Policy
    fallback: Recogniser | None = None
    line: Line = field(default_factory=Line)


@dataclass(frozen=True, slots=True)
class _Audio:
    """One recording in hand: its bytes, where pieces of it are written, and the claim under which they are bought."""

    record: RecordRow
    file: Path
    cut: Cut
    folder: Path
    claim: Claim

    @property
    def checksum(self) -> str:
        assert self.record.checksum is not None
        return self.record.checksum


def to_text(record: RecordRow, claim: Claim, work: Recognising) -> None:
    """The record must be `transcribing`; afterwards it is `completed` and its files are stored.

    Raises SpoiltAudio, ClaimLost, and what the recogniser and the storage raise; what the fallback raises is an event.
    """
    with _sound_audio(record, work.storage) as file, temporary_folder() as folder:
        audio = _Audio(record, file, cut_audio(file, _cut_policy(work)), folder, claim)
        recognised = portal_text(audio.checksum, audio.cut, work.state, work.policy) or _recognised(audio, work)
    _store(record, recognised, work)


def _cut_policy(work: Recognising) -> CutPolicy:
    """Pieces that the recogniser takes, and the fallback, too."""
    minutes = work.policy.stt.max_file_minutes
    own = policy_for(work.recogniser.profile, max_file_minutes=minutes)
    if work.fallback is None:
        return own
    other = policy_for(work.fallback.profile, max_file_minutes=minutes)
    return replace(
        own,
        max_piece_sec=min(own.max_piece_sec, other.max_piece_sec),
        max_piece_bytes=min(own.max_piece_bytes, other.max_piece_bytes),
    )


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


def _recognised(audio: _Audio, work: Recognising) -> Recognition:
    first: dict[Piece, RecognitionResponse] = {}
    _ask(work.recogniser, audio.cut.pieces, first, audio, work, rate_per_minute(work.policy))
    model = work.recogniser.profile.model
    return Recognition(audio.cut, model, first, _second_opinion(first, audio, work))


def _second_opinion(
    first: dict[Piece, RecognitionResponse], audio: _Audio, work: Recognising
) -> dict[Piece, RecognitionResponse]:
    """The fallback's answers to what is doubtful; where it fails, what it has answered so far."""
    second: dict[Piece, RecognitionResponse] = {}
    doubtful = review_of(work.policy).doubtful_pieces(audio.cut, first)
    if work.fallback is None or not doubtful:
        return second
    try:
        _ask(work.fallback, doubtful, second, audio, work, fallback_rate_per_minute(work.policy))
    except (ClaimLost, LineClosed):
        raise
    except ExportError as error:  # whatever it is: the first text is whole, paid for and flagged
        log.warning("the fallback model did not help call %s: %s", audio.record.call_id, error)
        work.state.event(
            audio.record.run_id,
            stage=Stage.TRANSCRIBE,
            event="fallback_failed",
            call_id=audio.record.call_id,
            record_id=audio.record.record_id,
            error_code=error.code,
            detail={"model": work.fallback.profile.model, "reason": str(error)},
        )
    return second


def _ask(
    recogniser: Recogniser,
    pieces: Collection[Piece],
    answers: dict[Piece, RecognitionResponse],
    audio: _Audio,
    work: Recognising,
    rate: Decimal,
) -> None:
    """Puts an answer for each of `pieces` into `answers`: the saved one, else one bought now and saved at once.

    `rate` (USD a minute) prices what is bought until the call's own price (D25) takes its place.
    """
    profile, policy = recogniser.profile, work.policy
    saved = work.state.saved_answers(audio.checksum, profile.model)
    options = _digest(policy)
    keys = {piece: f"{piece.key(profile.upload_format)}-{options}" for piece in pieces}
    answers |= {piece: RecognitionResponse.from_json(saved[key]) for piece, key in keys.items() if key in saved}
    skip = {p.key(profile.upload_format) for p in audio.cut.pieces if p in answers or p not in keys}
    with encoded_pieces(audio.file, audio.cut, profile.upload_format, folder=audio.folder, skip=skip) as files:
        for piece, file in files:
            with work.line.turn(closing=recogniser is work.recogniser):
                if not audio.claim.alive():  # another may be buying these very pieces, or have bought the whole text
                    raise ClaimLost
                if (known := work.state.saved_answer(audio.checksum, keys[piece], profile.model)) is not None:
                    answers[piece] = RecognitionResponse.from_json(known)
                    continue
                answer = recogniser.recognise(
                    file,
                    filename=file.name,
                    content_type=CONTENT_TYPES[profile.upload_format],
                    seconds=piece.seconds,
                    languages=policy.stt.languages,
                    keywords=policy.stt.keywords,
                    prompt=policy.stt.prompt,
                )
                # kept before the next request may go out: a death costs one answer at most
                paid = Payment(audio.record.run_id, audio.record.key, exact_cost(piece.seconds, rate))
                keep_answer(work.state, audio.checksum, keys[piece], profile.model, answer.as_json(), paid)
                answers[piece] = answer


def _digest(policy: Policy) -> str:
    """What was asked beside the audio: another prompt or language makes another answer."""
    options = json.dumps([policy.stt.languages, policy.stt.keywords, policy.stt.prompt], ensure_ascii=False)
    return hashlib.sha256(options.encode()).hexdigest()[:8]


def price_of(recognised: Recognition, policy: Policy) -> Decimal:
    """USD, by D25: the call's minutes rounded up once; what the fallback heard again likewise, at its own tariff."""
    if recognised.source == "portal" or not recognised.cut.pieces:
        return Decimal(0)
    price = call_cost(recognised.cut.info.seconds, rate_per_minute(policy))
    if recognised.fallback_responses:
        heard_again = sum(piece.seconds for piece in recognised.fallback_responses)
        price += call_cost(heard_again, fallback_rate_per_minute(policy))
    return price


def _store(record: RecordRow, recognised: Recognition, work: Recognising) -> None:
    """Files first, then the row: a row that says `completed` always has its text."""
    keys = keys_of(record, work.run)
    text = text_of(recognised, record.portal_number, work.policy)
    store_files(record, recognised, text, keys, work.storage, work.policy)
    columns: RecordColumns = {
        "transcript_path": keys.transcript,
        "summary_path": None,  # of an earlier text, where a person sent the recording back
        "tags": [],
        "audio_sec": round(recognised.cut.info.seconds, 3),
        "source": recognised.source,
        "cost": price_of(recognised, work.policy),
        "stage_attempts": 0,
        **text_columns(text),
    }
    with work.state.transaction():  # or a death in between would leave the answers for ever
        completed = work.state.move_record(
            *(record.run_id, *record.key),
            RecordStatus.COMPLETED,
            expected={RecordStatus.TRANSCRIBING},
            stage=Stage.TRANSCRIBE,
            **columns,
        )
        # taken back while we worked (our task was believed dead): its next owner must find the answers, not buy anew
        if completed and record.checksum:
            work.state.forget_answers(record.checksum)

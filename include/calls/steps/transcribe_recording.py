"""One recording from stored audio to stored text. A response of the recogniser is kept as soon as it comes."""

import hashlib
import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from threading import Event, Lock

from include.calls.domain.stages import Stage
from include.calls.domain.states import RecordStatus
from include.calls.policy import Policy, SttPolicy
from include.calls.state.claims import Claim
from include.calls.state.role_overrides import RoleOverrides
from include.calls.state.state import State
from include.calls.state.types import Charge, RecordingRow, Run
from include.calls.steps.build_transcript import (
    new_text,
    review_of,
    store_responses,
    store_transcript,
    text_of,
    transcript_file,
)
from include.calls.steps.portal_recognition import portal_text
from include.calls.steps.spending import fallback_rate_per_minute, rate_per_minute
from include.clients.storage.base import Storage
from include.common.errors import ErrorCode, ExportError, Permanent, QuotaExhausted, StopRun, Temporary, Throttled
from include.common.money import call_cost, exact_cost, whole_minutes
from include.common.temporary_folders import temporary_folder
from include.speech.audio.apart import cut_apart, longest_recording
from include.speech.audio.pieces import CutPolicy, policy_for_all
from include.speech.cuts import Cut, Piece
from include.speech.recognition import Recognition, RecognitionResponse
from include.speech.recognition_client import Recogniser
from include.speech.request_order import Hints, Send, Sound, recognised

log = logging.getLogger(__name__)

# an error of the client names the settings of the first service
_OWN_SETTINGS = " (the settings of the fallback: STT_FALLBACK_BASE_URL, STT_FALLBACK_API_KEY, STT_FALLBACK_PROXY_URL)"
FALLBACK_TRIES = 4  # of a recording: one and three retries, as for the recogniser itself


class SpoiltAudio(Permanent):
    """The stored audio is missing or changed; it must be downloaded again."""

    code = ErrorCode.CHECKSUM_MISMATCH


class ClaimLost(Temporary):
    """The claim on the call ended during the work. Responses that were bought are saved, the rest waits."""


class SlotClosed(Temporary):
    """The recogniser refused another recording of this task, or the task ends: this one goes back untried."""


class Slot:
    """This task's single slot at the recogniser: serialises requests; none is sent after the slot was closed.

    `stop` closes it, too.
    """

    def __init__(self, stop: Event | None = None) -> None:
        self._lock = Lock()
        self._closed = False
        self._stop = stop or Event()

    @property
    def closed(self) -> bool:
        return self._closed or self._stop.is_set()

    @contextmanager
    def request(self, *, closing: bool) -> Iterator[None]:
        """Raises SlotClosed. `closing`: a refusal that concerns all requests closes the slot before the next one."""
        with self._lock:
            if self.closed:
                raise SlotClosed
            try:
                yield
            except (Throttled, StopRun):
                if closing:
                    self._closed = True
                raise

    def close(self) -> None:
        """Waiting callers get SlotClosed; a request in flight is not interrupted."""
        self._closed = True


@dataclass(frozen=True, slots=True)
class Recognising:
    """What turning a recording into text needs; the same for the whole batch.

    `fallback` is asked once more about the doubtful pieces of a suspicious text. `slot` is held for a request and for
    keeping its response.
    """

    run: Run
    recogniser: Recogniser
    storage: Storage
    state: State
    policy: Policy
    fallback: Recogniser | None = None
    slot: Slot = field(default_factory=Slot)


@dataclass(frozen=True, slots=True)
class _Audio:
    """The recording in work: its file, the folder for its pieces, and the claim under which they are bought."""

    row: RecordingRow
    file: Path
    cut: Cut
    folder: Path
    claim: Claim

    @property
    def checksum(self) -> str:
        assert self.row.checksum is not None
        return self.row.checksum


@dataclass(frozen=True, slots=True)
class _Buying:
    """One of the recognisers, and what its responses are charged for."""

    recogniser: Recogniser
    purpose: str
    rate: Decimal  # USD a minute


def to_text(row: RecordingRow, claim: Claim, work: Recognising) -> None:
    """The recording must be `transcribing`; afterwards it is `completed` and its files are stored.

    Raises SpoiltAudio, ClaimLost, and the errors of recogniser and storage; an error of the fallback that does not pass
    is an event.
    """
    with checked_audio(row, work.storage) as file, temporary_folder() as folder:
        cut = cut_apart(file, _cut_policy(work), most_seconds=longest_recording(row.duration_sec))
        audio = _Audio(row, file, cut, folder, claim)
        recognition = portal_text(audio.checksum, audio.cut, work.state, work.policy) or _bought(audio, work)
    if not claim.alive():  # the file of a successor's text must not be overwritten
        raise ClaimLost
    _store(row, recognition, claim, work)


def _cut_policy(work: Recognising) -> CutPolicy:
    """Pieces that both the recogniser and the fallback take."""
    profiles = [each.profile for each in (work.recogniser, work.fallback) if each is not None]
    return policy_for_all(profiles, max_file_minutes=work.policy.stt.max_file_minutes)


@contextmanager
def checked_audio(row: RecordingRow, storage: Storage) -> Iterator[Path]:
    """The stored audio. We never pay to transcribe a file other than the one downloaded."""
    assert row.raw_path is not None
    if not storage.exists(row.raw_path):
        raise SpoiltAudio(f"the stored audio is gone: {row.raw_path}")
    with storage.as_file(row.raw_path) as audio:
        with audio.open("rb") as content:
            checksum = hashlib.file_digest(content, "sha256").hexdigest()
        if checksum != row.checksum:
            raise SpoiltAudio(f"the stored audio was changed after its download: {row.raw_path}")
        yield audio


def _bought(audio: _Audio, work: Recognising) -> Recognition:
    first: dict[Piece, RecognitionResponse] = {}
    buying = _Buying(work.recogniser, "recognition", rate_per_minute(work.policy.stt))
    _ask(buying, audio.cut.pieces, first, audio, work)
    model = work.recogniser.profile.model
    return Recognition(audio.cut, model, first, _fallback_responses(first, audio, work))


def _fallback_responses(
    first: dict[Piece, RecognitionResponse], audio: _Audio, work: Recognising
) -> dict[Piece, RecognitionResponse]:
    """The fallback's responses to the doubtful pieces; if it fails for good, those that it has given so far.

    What may pass is waited for as often as a recogniser's failure is: raises Temporary, and the responses so far stay
    stored. Raises QuotaExhausted if the account is the recogniser's too.
    """
    second: dict[Piece, RecognitionResponse] = {}
    doubtful = review_of(work.policy.stt, work.policy.review).doubtful_pieces(audio.cut, first)
    if work.fallback is None or not doubtful:
        return second
    buying = _Buying(work.fallback, "fallback", fallback_rate_per_minute(work.policy.stt))
    try:
        _ask(buying, doubtful, second, audio, work)
    except (ClaimLost, SlotClosed):
        raise
    except ExportError as error:  # the first text is complete, paid for and flagged
        same_account = work.fallback.shares_account_with(work.recogniser)
        if isinstance(error, QuotaExhausted) and same_account:
            raise
        if isinstance(error, Temporary) and audio.row.stage_attempts + 1 < FALLBACK_TRIES:
            raise Temporary(f"the fallback model: {error}", code=error.code, retry_after=error.retry_after) from None
        log.warning("the fallback model did not help call %s: %s", audio.row.call_id, error)
        work.state.events.add(
            work.run.run_id,
            stage=Stage.TRANSCRIBE,
            event="fallback_failed",
            recording_id=audio.row.recording_id,
            error_code=error.code,
            detail={"model": work.fallback.profile.model, "reason": f"{error}{'' if same_account else _OWN_SETTINGS}"},
        )
    return second


def _ask(
    buying: _Buying,
    pieces: Collection[Piece],
    responses: dict[Piece, RecognitionResponse],
    audio: _Audio,
    work: Recognising,
) -> None:
    """Adds a response to each of `pieces`: the saved one, else one bought now and saved with its price at once."""
    stt, model = work.policy.stt, buying.recogniser.profile.model
    found = recognised(
        buying.recogniser,
        Sound(audio.file, audio.cut, audio.folder),
        pieces,
        Hints(stt.languages, stt.keywords, stt.prompt),
        saved=work.state.responses.stored(audio.checksum, model),
        buy=partial(_buy, buying, audio, work),
    )
    for piece, response in found:
        responses[piece] = response


def _buy(buying: _Buying, audio: _Audio, work: Recognising, piece: Piece, key: str, send: Send) -> RecognitionResponse:
    model = buying.recogniser.profile.model
    with work.slot.request(closing=buying.recogniser is work.recogniser):
        if not audio.claim.alive():  # another task may buy these very pieces, or have bought the whole text
            raise ClaimLost
        if (known := work.state.responses.stored_one(audio.checksum, key, model)) is not None:
            return RecognitionResponse.from_json(known)
        response = send()
        # kept before the next request may go out: a death costs one response at most
        work.state.responses.keep(
            work.run.run_id,
            audio.row.recording_id,
            audio.checksum,
            key,
            model,
            response.as_json(),
            _charge(piece, buying),
        )
        return response


def _charge(piece: Piece, buying: _Buying) -> Charge:
    return Charge(
        purpose=buying.purpose,
        model=buying.recogniser.profile.model,
        unit="second",
        quantity=Decimal(repr(round(piece.seconds, 3))),
        usd=exact_cost(piece.seconds, buying.rate),
        confirmed=False,
    )


@dataclass(frozen=True, slots=True)
class Price:
    """A text's price (USD) and the whole minutes that it is for."""

    minutes: int
    usd: Decimal


def price_of(recognition: Recognition, stt: SttPolicy) -> Price:
    """The call's minutes rounded up once; the pieces that the fallback heard again likewise, at its own tariff."""
    if recognition.source == "portal" or not recognition.cut.pieces:
        return Price(0, Decimal(0))
    seconds = recognition.cut.info.seconds
    minutes, usd = whole_minutes(seconds), call_cost(seconds, rate_per_minute(stt))
    if recognition.fallback_responses:
        heard_again = sum(piece.seconds for piece in recognition.fallback_responses)
        minutes += whole_minutes(heard_again)
        usd += call_cost(heard_again, fallback_rate_per_minute(stt))
    return Price(minutes, usd)


def _store(row: RecordingRow, recognition: Recognition, claim: Claim, work: Recognising) -> None:
    """Files first, then the row: a row that says `completed` always has its text."""
    run_id, keys = work.run.run_id, row.keys
    corrected = RoleOverrides(work.state.session).channel_of(row.recording_id)  # of a call that a person sent back
    text = text_of(recognition, row.phone_line, row.direction, work.policy, operator_channel=corrected)
    stored, price = new_text(text, recognition.source), price_of(recognition, work.policy.stt)
    stale = _summaries_of_the_earlier_text(row, work)
    store_responses(recognition, text, keys, work.storage)
    store_transcript(keys.transcript, transcript_file(row, stored, work.policy.privacy), work.storage)
    with work.state.transaction():  # a death between two statements would leave the responses for ever
        completed = work.state.moves.move(
            run_id,
            row.recording_id,
            RecordStatus.COMPLETED,
            expected={RecordStatus.TRANSCRIBING},
            stage=Stage.TRANSCRIBE,
            owner=claim.owner,
            transcript_id=work.state.transcripts.keep(run_id, row.recording_id, stored),
            transcript_path=keys.transcript,
            summary_path=None,  # of an earlier text that a person sent back
            tags=[],
            audio_sec=Decimal(repr(round(recognition.cut.info.seconds, 3))),
            stage_attempts=0,
            needs_review=text.needs_review,
            review_reasons=text.review_reasons,
        )
        if not completed:  # another task has it: it must find the responses, and no text of ours
            raise ClaimLost
        if price.usd:
            work.state.charges.round_up(
                run_id, row.recording_id, model=recognition.model, minutes=price.minutes, price=price.usd
            )
        if row.checksum:
            work.state.responses.forget(row.checksum)
    for key in stale:
        work.storage.delete(key)


def _summaries_of_the_earlier_text(row: RecordingRow, work: Recognising) -> list[str]:
    """Files about a text that a person sent back: its own summary, and those of recordings that show the same text."""
    if row.transcript_id is None:
        return []
    same_call = work.state.recordings.of_call(work.run.run_id, row.call_id)
    return [one.summary_path for one in same_call if one.transcript_id == row.transcript_id and one.summary_path]

"""Stored recordings of a period through another engine, beside the texts that they have.

Nothing that it hears replaces a text until a person adopts it (ADR 0020). Whatever is paid is stored at once, so a
replay that ends early goes on where it ended.
"""

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from include.calls.domain.audit_chain import Action
from include.calls.domain.replay_figures import Heard, Wanted
from include.calls.domain.stages import Stage
from include.calls.domain.states import RecordStatus
from include.calls.policy import Policy
from include.calls.state.audit import AuditLog
from include.calls.state.claims import Claim
from include.calls.state.replays import Replays
from include.calls.state.role_overrides import RoleOverrides
from include.calls.state.state import State
from include.calls.state.types import RecordingRow, Text
from include.calls.steps.build_transcript import new_text, store_transcript, text_of, transcript_file
from include.calls.steps.spending import budget_of
from include.calls.steps.transcribe_recording import SpoiltAudio, checked_audio
from include.clients.storage.base import Storage
from include.common.budget import PlannedSpending, Spending
from include.common.errors import BadInput, ExportError, Permanent, StopRun, Temporary
from include.common.money import call_cost, exact_cost, total
from include.common.periods import Period
from include.common.temporary_folders import temporary_folder
from include.speech.audio.apart import cut_apart, longest_recording
from include.speech.audio.pieces import policy_for_all
from include.speech.checked_text import CheckedText
from include.speech.cuts import Cut, Piece
from include.speech.recognition import Recognition, RecognitionResponse
from include.speech.recognition_client import Recogniser
from include.speech.request_order import Hints, Send, Sound, recognised
from include.speech.spoken_words import words_of
from include.speech.transcript_lines import SpokenLine, read_lines, render_turns
from include.speech.word_errors import Errors, word_errors
from include.speech.word_errors import total as all_errors

log = logging.getLogger(__name__)

_WAITS = (1, 3, 6)  # before the retries of a recording, times the first wait of the policy
_CHANNELS = "channels"  # of a text whose speakers are the channels of the recording


class _LeftAlone(Temporary):
    """The claim on the call, or what retention keeps of it, ended during the work."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Which recordings, through what, for whom. `rate`: USD a minute; `limit`: that many, spread over the period."""

    period: Period
    engine: str
    recogniser: Recogniser
    rate: Decimal
    actor: str
    limit: int | None = None
    sleep: Callable[[float], object] = time.sleep


@dataclass(frozen=True, slots=True)
class Services:
    storage: Storage
    state: State
    policy: Policy

    @property
    def replays(self) -> Replays:
        return Replays(self.state.session)


@dataclass(slots=True)
class Replayed:
    """What became of the recordings; the lists hold CALL_IDs, `failed` with the reason. `stopped` ended it early."""

    wanted: list[int] = field(default_factory=list)
    heard_now: int = 0
    requests: int = 0
    spent: Decimal = Decimal(0)
    without_audio: list[str] = field(default_factory=list)
    in_work: list[str] = field(default_factory=list)
    failed: list[tuple[str, ExportError]] = field(default_factory=list)
    stopped: StopRun | None = None

    @property
    def whole(self) -> bool:
        return not (self.stopped or self.failed or self.in_work)


@dataclass(slots=True)
class Adopted:
    """What became of the heard texts that a person adopts; the lists hold CALL_IDs."""

    adopted: int = 0
    summaries_removed: int = 0
    in_work: list[str] = field(default_factory=list)
    changed_since: list[str] = field(default_factory=list)


def forecast(replay: Replay, services: Services) -> PlannedSpending:
    """What is left to buy, and what the engine has cost on these recordings before."""
    wanted = services.replays.wanted(replay.period, replay.engine, replay.limit)
    return _planned(wanted, replay, services)


def replay_period(replay: Replay, services: Services) -> Replayed:
    """Hears what the engine has not heard yet.

    Raises BadInput if the period has no text with stored audio, or above the budget, before anything is sent.
    """
    wanted = services.replays.wanted(replay.period, replay.engine, replay.limit)
    _refuse(wanted, replay, services)
    _record(Action.REPLAY_STARTED, replay, services, recordings=len(wanted))
    done = Replayed([each.recording_id for each in wanted])
    for each in wanted:
        if each.adopted:
            continue
        try:
            _replay_one(each, replay, services, done)
        except StopRun as error:
            done.stopped = error
            break
    return done


def adopt_period(replay: Replay, services: Services) -> Adopted:
    """What the engine has heard of the period's recordings becomes their texts. Nothing is sent and nothing is paid."""
    done = Adopted()
    wanted = [each for each in services.replays.wanted(replay.period, replay.engine, replay.limit) if each.heard]
    for each in wanted:
        if each.adopted:
            continue
        with services.state.claims.hold(each.portal_id, each.call_id) as claim:
            if claim:
                _adopt(each.recording_id, replay.engine, replay.actor, services, done)
            else:
                done.in_work.append(each.call_id)
    if done.adopted:
        _record(Action.TEXTS_ADOPTED, replay, services, adopted=done.adopted)
    return done


def words_beside(row: Heard, services: Services) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The words of the text and of what the engine heard, for a report; None if the file is gone."""
    recognition = _recognition(row.path, services.storage)
    if recognition is None:
        return None
    recording = services.state.recordings.get(row.recording_id)
    text = text_of(recognition, recording.phone_line, recording.direction, services.policy)
    return _words(read_lines(services.state.transcripts.get(row.against).body)), _words(_lines(text))


def _record(action: Action, replay: Replay, services: Services, **counts: int) -> None:
    period = replay.period.folder
    detail = {"engine": replay.engine, "period": period, **counts}
    AuditLog(services.state.session).record(action, actor=replay.actor, detail=detail)


def _planned(wanted: Sequence[Wanted], replay: Replay, services: Services) -> PlannedSpending:
    left = total(
        max(Decimal(0), call_cost(each.audio_sec, replay.rate) - each.paid) for each in wanted if not each.heard
    )
    paid = Spending(total(each.paid for each in wanted), Decimal(0), approved=None)
    return PlannedSpending(left, paid, budget_of(services.policy.money))


def _refuse(wanted: Sequence[Wanted], replay: Replay, services: Services) -> None:
    first, last = f"{replay.period.start:%Y-%m-%d}", f"{replay.period.end:%Y-%m-%d}"
    if not wanted:
        raise BadInput(
            f"no text from {first} to {last} has stored audio: nothing can be heard again",
            problem="replay_of_nothing",
            period_from=first,
            period_to=last,
        )
    planned = _planned(wanted, replay, services)
    if planned.needs_approval:
        raise BadInput(
            f"the forecast is {planned.total:.4f} USD with what was paid before, the budget {planned.ceiling:.4f} USD",
            problem="replay_over_budget",
            forecast=planned.total,
            ceiling=planned.ceiling,
            engine=replay.engine,
        )


def _replay_one(each: Wanted, replay: Replay, services: Services, done: Replayed) -> None:
    """Under the claim on the call, so that no run buys a text for it meanwhile."""
    with services.state.claims.hold(each.portal_id, each.call_id) as claim:
        if not claim:
            done.in_work.append(each.call_id)
            return
        row = services.state.recordings.get(each.recording_id)  # read again under the claim
        if row.status is not RecordStatus.COMPLETED or not _has_text(row):
            done.in_work.append(each.call_id)
            return
        try:
            if each.heard:
                _compare_again(row, replay.engine, services)
            else:
                _until_heard(partial(_hear, row, claim, replay, services, done), replay, services)
                done.heard_now += 1
        except SpoiltAudio:
            done.without_audio.append(each.call_id)
        except _LeftAlone:
            done.in_work.append(each.call_id)
        except StopRun:
            raise
        except ExportError as error:
            log.warning("call %s: %s", each.call_id, error)
            done.failed.append((each.call_id, error))


def _has_text(row: RecordingRow) -> bool:
    """False for a text that has ended: its row stays without its file."""
    return row.transcript_id is not None and row.transcript_path is not None


def _until_heard(hear: Callable[[], None], replay: Replay, services: Services) -> None:
    """Tries again what may pass; what was bought before is not bought again."""
    for wait in _WAITS:
        try:
            hear()
        except _LeftAlone:
            raise
        except Temporary as error:
            replay.sleep(error.retry_after or wait * services.policy.stt.backoff_seconds)
        else:
            return
    hear()


def _hear(row: RecordingRow, claim: Claim, replay: Replay, services: Services, done: Replayed) -> None:
    assert row.checksum is not None
    recogniser, stt = replay.recogniser, services.policy.stt
    seconds: dict[str, float] = {}
    with checked_audio(row, services.storage) as file, temporary_folder() as folder:
        policy = policy_for_all([recogniser.profile], max_file_minutes=stt.max_file_minutes)
        cut = cut_apart(file, policy, most_seconds=longest_recording(row.duration_sec))
        known = services.replays.stored(row.checksum, replay.engine)
        found = recognised(
            recogniser,
            Sound(file, cut, folder),
            cut.pieces,
            Hints(stt.languages, stt.keywords, stt.prompt),
            saved={piece: response for piece, (response, _) in known.items()},
            buy=partial(_buy, row, claim, replay, services, done, seconds),
        )
        recognition = Recognition(cut, recogniser.profile.model, dict(found), {})
    work = sum(seconds.values()) + sum(took for _, took in known.values())
    path = row.keys.recognition_of(replay.engine)
    stored = json.dumps(recognition.as_json(), ensure_ascii=False).encode()
    services.storage.put_bytes(path, stored, "application/json")
    try:
        _keep(
            row, replay.engine, path, recognition, round(Decimal(repr(work)), 3), price_of(cut, replay.rate), services
        )
    except _LeftAlone:  # no row names the file, so nothing else would end it
        services.storage.erase_all([path])
        raise


def _buy(
    row: RecordingRow,
    claim: Claim,
    replay: Replay,
    services: Services,
    done: Replayed,
    seconds: dict[str, float],
    piece: Piece,
    key: str,
    send: Send,
) -> RecognitionResponse:
    # a run may have taken the call, another replay may buy these very pieces, or the text may have ended
    if not claim.alive() or not _has_text(services.state.recordings.get(row.recording_id)):
        raise _LeftAlone
    began = time.monotonic()
    response = send()
    seconds[key] = time.monotonic() - began
    cost = exact_cost(piece.seconds, replay.rate)
    assert row.checksum is not None
    services.replays.keep_response(
        row.recording_id,
        row.checksum,
        key,
        replay.engine,
        response.as_json(),
        work_sec=seconds[key],
        audio_sec=_milliseconds(piece.seconds),
        usd=cost,
    )
    done.requests += 1
    done.spent += cost
    return response


def price_of(cut: Cut, rate: Decimal) -> Decimal:
    """The minutes of a call rounded up once, as for a text; nothing is sent of a recording without speech."""
    return call_cost(cut.info.seconds, rate) if cut.pieces else Decimal(0)


def _compare_again(row: RecordingRow, engine: str, services: Services) -> None:
    """A text that was rebuilt or bought since is another text to compare with."""
    known = next(iter(services.replays.heard(engine, [row.recording_id])), None)
    if known is None:
        raise _LeftAlone
    if known.current:
        return
    recognition = _recognition(known.path, services.storage)
    if recognition is None:
        raise Permanent(f"the recognition of the engine is gone or unreadable: {known.path}")
    _keep(row, engine, known.path, recognition, round(Decimal(repr(known.seconds)), 3), Decimal(0), services)


def _keep(
    row: RecordingRow,
    engine: str,
    path: str,
    recognition: Recognition,
    seconds: Decimal,
    price: Decimal,
    services: Services,
) -> None:
    assert row.checksum is not None
    assert row.transcript_id is not None
    now = services.state.transcripts.get(row.transcript_id)
    heard = text_of(recognition, row.phone_line, row.direction, services.policy)
    kept = services.replays.keep(
        row.recording_id,
        engine,
        row.checksum,
        path,
        audio_sec=_milliseconds(recognition.cut.info.seconds),
        seconds=seconds,
        against=now.transcript_id,
        errors=difference(now, heard),
        price=price,
    )
    if not kept:
        raise _LeftAlone


def difference(now: Text, heard: CheckedText) -> Errors:
    """Of the words that `heard` has otherwise than the text `now`.

    Where both know the speakers by the channel, each speaker's words are compared for themselves: what two people said
    at the same time may come in either order.
    """
    before, after = read_lines(now.body), _lines(heard)
    if now.roles != _CHANNELS or heard.transcript.roles != _CHANNELS:
        return word_errors(_words(before), _words(after))
    roles = sorted({line.role for line in (*before, *after)})
    return all_errors(word_errors(_said_by(role, before), _said_by(role, after)) for role in roles)


def _adopt(recording_id: int, engine: str, actor: str, services: Services, done: Adopted) -> None:
    """The files first, then the row: an adoption that dies in between is repeated by the next one.

    The recognition of the earlier text stays beside the new one, and its row in `transcripts`.
    """
    state, storage = services.state, services.storage
    row = state.recordings.get(recording_id)
    known = next(iter(services.replays.heard(engine, [recording_id])), None)  # None: retention has ended it meanwhile
    usable = known is not None and known.current and row.status is RecordStatus.COMPLETED and _has_text(row)
    recognition = _recognition(known.path, storage) if usable and known else None
    if known is None or recognition is None:
        done.changed_since.append(row.call_id)
        return
    assert row.transcript_path is not None
    corrected = RoleOverrides(state.session).channel_of(recording_id)
    text = text_of(recognition, row.phone_line, row.direction, services.policy, operator_channel=corrected)
    new = new_text(text, recognition.source)
    now = state.transcripts.get(known.against)
    summaries = services.replays.summaries(recording_id) if new.sha256 != now.sha256 else []
    earlier = row.keys.earlier_recognition(now.transcript_id)
    if storage.exists(row.keys.recognition) and not storage.exists(earlier):
        services.replays.note_earlier(recording_id, engine, earlier)
        storage.put_bytes(earlier, storage.get_bytes(row.keys.recognition), "application/json")
    storage.put_bytes(row.keys.recognition, storage.get_bytes(known.path), "application/json")
    store_transcript(row.transcript_path, transcript_file(row, new, services.policy.privacy), storage)
    adopted = services.replays.adopt(
        recording_id,
        engine,
        now.transcript_id,
        new,
        needs_review=text.needs_review,
        review_reasons=text.review_reasons,
        actor=actor,
        stage=Stage.REPLAY,
    )
    if not adopted:
        done.changed_since.append(row.call_id)
        return
    for key in summaries:
        storage.delete(key)
    done.adopted += 1
    done.summaries_removed += len(summaries)


def _recognition(key: str, storage: Storage) -> Recognition | None:
    """None if the file is missing or unreadable."""
    try:
        return Recognition.from_json(json.loads(storage.get_bytes(key)))
    except Permanent as error:
        log.warning("no recognition of the engine: %s", error)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        log.warning("the recognition in %s cannot be read: %s", key, type(error).__name__)
    return None


def _lines(text: CheckedText) -> tuple[SpokenLine, ...]:
    return read_lines(render_turns(text.transcript))


def _words(lines: Sequence[SpokenLine]) -> tuple[str, ...]:
    return tuple(word for line in lines for word in words_of(line.text))


def _said_by(role: str, lines: Sequence[SpokenLine]) -> tuple[str, ...]:
    return _words([line for line in lines if line.role == role])


def _milliseconds(seconds: float) -> Decimal:
    return Decimal(repr(round(seconds, 3)))

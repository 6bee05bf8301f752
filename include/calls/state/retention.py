"""How data ends: what is past its period, what rows give up, and the files that are to be removed (ADR 0022)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from include.calls.domain.data_classes import DataClass
from include.calls.domain.stages import Stage
from include.calls.domain.states import BEFORE_WORK, RECORD_MOVES, RecordStatus, refuse_unlisted
from include.calls.domain.storage_keys import RecordingKeys
from include.calls.state.bulk_changes import bulk_change
from include.common.errors import ErrorCode
from include.common.periods import Period
from include.common.postgres_session import Session

_FILE = "retention"
_S = RecordStatus
_AT_WORK = sorted(BEFORE_WORK)
AT_ONCE = 500  # recordings in one statement: half a second under the lock of bulk changes
_QUERIES = {
    DataClass.AUDIO: "with_audio",
    DataClass.RECOGNITION: "with_recognition",
    DataClass.TEXTS: "with_text",
    DataClass.ROWS: "with_names",
}


@dataclass(frozen=True, slots=True)
class Ending:
    """A recording past a period, and the keys of the files that it still names."""

    recording_id: int
    portal_id: int
    call_id: str
    call_started_at: datetime
    file_name: str | None
    raw_path: str | None
    transcript_path: str | None
    summary_path: str | None
    replay_paths: list[str]

    def keys(self, data: DataClass) -> list[str]:
        """What is to be removed from the storage when the class ends; each key once."""
        named: list[str | None] = []
        match data:
            case DataClass.AUDIO:
                named = [self.raw_path]
            case DataClass.RECOGNITION:
                named = [*self.replay_paths]
            case DataClass.TEXTS:
                named = [self.transcript_path, self.summary_path, *self.replay_paths]
        if self.file_name is not None:
            own = RecordingKeys.of(self.file_name, self.call_started_at, self.raw_path, self.transcript_path)
            match data:
                case DataClass.AUDIO:
                    named += [own.peaks, own.playable]
                case DataClass.RECOGNITION:
                    named += [own.recognition]
                case DataClass.TEXTS:
                    named += [own.transcript, own.summary]
        return list(dict.fromkeys(key for key in named if key))


@dataclass(frozen=True, slots=True)
class Removal:
    """An order to remove files. `first`: not carried out yet; otherwise its files are looked at once more."""

    removal_id: int
    recording_id: int
    portal_id: int
    call_id: str
    what: DataClass
    keys: list[str]
    first: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "what", DataClass(self.what))


class Retention:
    """The table `file_removals`, and what ends in the other tables. Every statement is safe to run twice."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def pages(self, data: DataClass, before: datetime) -> Iterator[list[Ending]]:
        """The recordings whose `data` has ended, page by page; those on hold or at work are left out."""
        after = 0
        while page := self._session.rows(_FILE, _QUERIES[data], Ending, after=after, before=before, most=AT_ONCE):
            yield page
            after = page[-1].recording_id

    def held(self, data: DataClass, before: datetime) -> int:
        """How many recordings past the period stay because of a hold."""
        return self._session.count(_FILE, "held", data=data, before=before)

    def end(self, data: DataClass, before: datetime, page: Sequence[Ending]) -> int:
        """The rows give the data up and order the removal of its files; returns how many rows.

        A recording that was put on hold, taken to work or changed since the page was read is left alone.
        """
        match data:
            case DataClass.AUDIO:
                return self._end("end_audio", data, before, page, {_S.DOWNLOADED}, _S.PENDING)
            case DataClass.RECOGNITION:
                return self._end("end_recognition", data, before, page)
            case DataClass.TEXTS:
                waiting = {_S.PENDING, _S.DOWNLOADED, _S.ERROR}
                return self._end("end_text", data, before, page, waiting, _S.MISSING_AUDIO)
            case DataClass.ROWS:
                return self._end("anonymise", data, before, page)
        raise ValueError(f"{data} does not end by recordings")

    def _end(
        self,
        name: str,
        data: DataClass,
        before: datetime,
        page: Sequence[Ending],
        expected: set[RecordStatus] | None = None,
        to: RecordStatus | None = None,
    ) -> int:
        if expected and to:
            refuse_unlisted(expected, to, RECORD_MOVES)
        recordings = [{"recording_id": each.recording_id, "keys": each.keys(data)} for each in page]
        with bulk_change(self._session):
            return self._session.count(
                _FILE,
                name,
                recordings=Jsonb(recordings),
                data=data,
                before=before,
                at_work=_AT_WORK,
                expected=sorted(expected or ()),
                to=to,
                keeps_its_code=[_S.NO_RECORDING, _S.ERASED],
                error_code=ErrorCode.TEXT_ENDED,
                stage=Stage.RETENTION,
            )

    def anonymise_runs(self, before: datetime) -> int:
        return self._session.count(_FILE, "anonymise_runs", before=before)

    def removals(self) -> Iterator[list[Removal]]:
        """Orders to carry out, page by page."""
        after = 0
        while page := self._session.rows(_FILE, "waiting", Removal, after=after, most=AT_ONCE):
            yield page
            after = page[-1].removal_id

    def named_again(self, removals: Sequence[Removal]) -> set[str]:
        """Keys that must stay: a recording of the call has got the file anew. Ask under the claims on the calls."""
        ids = [each.removal_id for each in removals]
        found = self._session.values(_FILE, "named_again", removal_ids=ids, recognition=DataClass.RECOGNITION)
        return {key for (key,) in found}

    def settle(self, removals: Sequence[Removal]) -> None:
        """Their files are gone."""
        ids = [each.removal_id for each in removals]
        self._session.count(_FILE, "settle", removal_ids=ids, stage=Stage.RETENTION)

    def ended_names(self, file_names: Sequence[str], *, audio: bool) -> set[str]:
        """Those of the names whose recording has no text, or no audio, any more."""
        found = self._session.values(_FILE, "ended_names", file_names=list(file_names), audio=audio)
        return {name for (name,) in found}

    def is_period_held(self, days: Period) -> bool:
        """Whether a hold concerns a call of these days."""
        return bool(self._session.value(_FILE, "is_period_held", period_from=days.start, period_to=days.end))

    def forget_publications(self, keys: Sequence[str]) -> None:
        self._session.count(_FILE, "forget_publications", keys=list(keys))

    def forget_deliveries(self, folder: str) -> None:
        self._session.count(_FILE, "forget_deliveries", folder=folder)

    def event_months(self, before: datetime) -> list[str]:
        """Tables with the events of whole months before the instant."""
        return [name for (name,) in self._session.values(_FILE, "event_months", before=before)]

    def end_event_month(self, month: str) -> int:
        """Returns how many events are gone. Raises Temporary if other work holds the table just now."""
        with self._session.transaction():
            self._session.count("events", "wait_shortly")
            return self._session.count(_FILE, "end_event_month", month=month)

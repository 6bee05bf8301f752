"""Erasure on a person's demand: registered, previewed, decided by a second person, erased, looked for again, settled.

The order makes a kill harmless. A call is first marked, in one transaction with its tombstone: from then on no run
works on it, no report shows it and no listing brings it back. Its row keeps its ids until files, copies, registries,
reports and logs are gone or written again and were searched; only then the row is blanked. Whatever was interrupted is
found again by the rows that are marked and not blanked.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import file_digest, sha256
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4
from zipfile import BadZipFile, ZipFile
from zlib import error as zlib_error

from include.calls.domain.data_classes import PeriodFile
from include.calls.domain.erasure import LONGEST_WAIT, Demand, Erasure, ErasureStatus, Found, SubjectKind, Tombstone
from include.calls.domain.erasure_hashes import (
    ErasedCalls,
    ErasureKey,
    demand_of,
    numbers_of,
)
from include.calls.domain.name_search import NameSearch, Seen, any_of
from include.calls.domain.phone_numbers import canonical_number, pattern_of
from include.calls.domain.report_zone import report_zone
from include.calls.domain.storage_keys import RecordingKeys, log_key, portal_part, registry_key
from include.calls.policy import Policy
from include.calls.state.erasures import Erasures, Marked
from include.calls.state.figures import ReportFigures
from include.calls.state.publications import Publications
from include.calls.state.state import State
from include.calls.state.types import Run
from include.calls.steps.deliver import delivered_files
from include.calls.steps.deliver_period import run_of
from include.calls.steps.erasure_proof import store_proof, store_tombstones, stored_tombstones
from include.calls.steps.publish import drawing_process, publish, publish_log, publish_registry
from include.calls.steps.restore_texts import restore_texts
from include.clients.storage.base import Storage
from include.common.errors import BadInput, ExportError, NotConfigured, Temporary
from include.common.periods import Period
from include.common.run_in_subprocess import Subprocess

log = logging.getLogger(__name__)

_KINDS = ("raw", "playable", "peaks", "transcripts", "recognition", "summary")
_READABLE = (".csv", ".md", ".jsonl", ".xlsx")  # a report's PDF is written together with its .md
_LOG = re.compile(r"/logs/call_export_[^/]*_([0-9a-f-]{36})\.jsonl$")
_FOLDER = re.compile(r"exports/(\d{4}-\d{2}-\d{2})_(\d{4}-\d{2}-\d{2})/")
_NEAR = timedelta(days=1)  # a portal may correct the time of a call
_CLAIM_WAIT = 30.0
SAID_ELSEWHERE = "said_elsewhere"  # files in which the number is left because a person said it in another call


class OwnAnswer(Temporary):
    """The person who triggered the erasure answered the question: it is asked again, and waits for another person."""


# ---------------------------------------------------------------- the demand


def register(
    params: Mapping[str, Any], dag_run_id: str, triggered_by: str | None, state: State, key: ErasureKey
) -> UUID:
    """Stores the demand, once for a DAG run, without the number or the call id. Raises BadInput."""
    demand = demand_of(params, key)
    if not triggered_by:
        raise BadInput(
            "Airflow does not know who started this DAG run, so it cannot be told who a second person is: start it "
            "from the UI or through the API",
            problem="erasure_by_unknown",
        )
    erasures = Erasures(state.session)
    _refuse_own_line(demand, state.recordings.phone_lines(), key)
    erasures.register(uuid4(), dag_run_id, demand, triggered_by=triggered_by, key_name=key.name)
    found = erasures.of_dag_run(dag_run_id)
    assert found is not None
    return found.erasure_id


def _refuse_own_line(demand: Demand, lines: Iterable[str], key: ErasureKey) -> None:
    if demand.kind is SubjectKind.NUMBER and demand.hash in {key.of_number(line) for line in lines}:
        raise BadInput(
            "this number is one of the company's own lines: its calls are those of all who called it",
            problem="erasure_of_own_line",
        )


def preview(erasure_id: UUID, state: State, key: ErasureKey) -> Found:
    """How much would be erased; nothing is changed."""
    erasures = Erasures(state.session)
    erasure = _known(erasures.get(erasure_id), key)
    stone = Tombstone(erasure.subject_hash, erasure.kind, erasure.key_name, None)
    found = erasures.covered(ErasedCalls([stone], key))
    return erasures.preview([one.recording_id for one in found]) if found else Found.none()


def record_decision(erasure_id: UUID, state: State, *, approved: bool, by: str | None, at: datetime) -> ErasureStatus:
    """The second person's decision, once. Raises OwnAnswer where the one who triggered it approves it.

    Airflow 3.3 can name who may answer (`assigned_users`), and not who may not. No answer in time is a refusal.
    """
    erasures = Erasures(state.session)
    erasure = erasures.get(erasure_id)
    if approved and (by is None or by == erasure.triggered_by):
        erasures.note_own_answer(erasure_id, by or "")
        raise OwnAnswer(
            "the person who started an erasure cannot approve it: the question is asked again for a second person",
            problem="erasure_own_answer",
        )
    return erasures.decide(erasure, approved=approved, by=by, at=at)


def traces_may_go(erasure: Erasure, state: State) -> bool:
    """Whether the ended DAG run, whose parameters name the person, is needed no more to end the erasure.

    It is kept for 30 days. Then an undecided demand is refused; an approved one is ended by `make erase-again`.
    """
    if erasure.status in (ErasureStatus.REFUSED, ErasureStatus.SETTLED):
        return True
    now = Erasures(state.session).now()
    if now - max(erasure.demanded_at, erasure.decided_at or erasure.demanded_at) < LONGEST_WAIT:
        return False
    if erasure.status is ErasureStatus.ASKED:
        record_decision(erasure.erasure_id, state, approved=False, by=None, at=now)
    return True


# ---------------------------------------------------------------- erasing


def erase(erasure_id: UUID, state: State, storage: Storage, policy: Policy, key: ErasureKey) -> Erasure:
    """Erases what the erasure's tombstones cover and settles it; any number of times, from wherever it was interrupted.

    Raises Temporary if another task works on one of the calls, or if something was found after the erasing.
    """
    erasures = Erasures(state.session)
    erasure = _known(erasures.get(erasure_id), key)
    if erasure.status not in (ErasureStatus.APPROVED, ErasureStatus.SETTLED):
        raise BadInput(
            f"erasure {erasure_id} is {erasure.status}: it has to be approved first", problem="erasure_not_approved"
        )
    store_tombstones(erasures, erasure, storage)  # before the first call goes: a backup of today may be restored
    busy, later = _mark(erasure, state, key)
    marked = erasures.marked(erasure_id)
    if marked:
        names = _Names.of(marked, erasure, key, others=bool(busy or later))
        _erase_files(marked, erasures, storage)
        erasures.blank_events(erasure_id, names.in_details)
        _rewrite(erasure_id, marked, names, state, storage, policy)
        looked = _look_again(marked, names, erasures, storage)
        if any(left for place, left in looked.items() if place != SAID_ELSEWHERE):
            raise Temporary(
                f"something of the erased calls was written again meanwhile: {looked}", retry_after=_CLAIM_WAIT
            )
        erasures.blank(erasure_id, looked)
    if busy:
        raise Temporary(
            f"another task works on {busy} of the calls: they are erased when it has ended",
            problem="erasure_waits_for_tasks",
            count=busy,
            retry_after=_CLAIM_WAIT,
        )
    store_proof(erasures, erasure_id, storage)
    erasures.settle(erasure_id)
    return erasures.get(erasure_id)


def _known(erasure: Erasure, key: ErasureKey) -> Erasure:
    """The erasure itself. Raises NotConfigured if its hashes are of another key."""
    if erasure.key_name != key.name:
        raise NotConfigured(
            "this erasure was registered with another key: restore the key of the connection call_export_erasure",
            problem="erasure_key_differs",
            count=1,
        )
    return erasure


def _mark(erasure: Erasure, state: State, key: ErasureKey) -> tuple[int, int]:
    """Marks the calls one by one, each under the claim on it.

    Returns how many of them another task works on, and how many recordings the person has of later calls.
    """
    erasures = Erasures(state.session)
    stones = erasures.tombstones_of(erasure.erasure_id)
    erased = ErasedCalls(stones, key)
    endless = Tombstone(erasure.subject_hash, erasure.kind, erasure.key_name, None)
    found = erasures.covered(ErasedCalls([*stones, endless], key))
    covered = [one for one in found if erased.cover(one, one.call_started_at)]
    if held := erasures.held([one.recording_id for one in covered]):
        raise _on_hold(held)
    calls = sorted({(one.portal_id, one.call_id) for one in covered})
    busy = 0
    with state.claims.many() as claims:
        for portal_id, call_id in calls:
            if not claims.take(portal_id, call_id):
                busy += 1
                continue
            stone = Tombstone(key.of_call(call_id), SubjectKind.CALL, key.name, None)
            held = erasures.mark(erasure.erasure_id, portal_id, call_id, stone)
            claims.give(portal_id, call_id)
            if held:
                raise _on_hold(held)
    return busy, len(found) - len(covered)


def _on_hold(recordings: int) -> BadInput:
    return BadInput(
        f"{recordings} of the recordings are on hold: nothing is erased until a person lifts it",
        problem="erasure_on_hold",
        count=recordings,
    )


@dataclass(frozen=True, slots=True)
class _Names:
    """What names the person in files and in details of events: ids, names of files, and the number.

    The number is left out while the person has calls that are not erased. Where it is found after the erasing, a person
    has said it in another call.
    """

    ids: frozenset[str]
    file_names: frozenset[str]
    numbers: frozenset[str]  # canonical

    @classmethod
    def of(cls, marked: Iterable[Marked], erasure: Erasure, key: ErasureKey, *, others: bool) -> "_Names":
        """`others`: the number has calls that are not erased."""
        ids, files, numbers = set(), set(), set()
        for one in marked:
            ids.add(one.call_id)
            if one.file_name:
                files.add(one.file_name)
            if erasure.kind is SubjectKind.NUMBER and not others:
                spelled = {number for number in numbers_of(one) if key.of_number(number) == erasure.subject_hash}
                numbers |= {canonical_number(number) for number in spelled}
        return cls(frozenset(ids), frozenset(files), frozenset(numbers))

    @property
    def in_details(self) -> str:
        """A pattern that PostgreSQL reads; ids and the number."""
        return "|".join((any_of(self.ids), *map(pattern_of, sorted(self.numbers))))

    def search(self, *, number: bool = False) -> NameSearch:
        """For files; a name of files that has its id in it is found by the id."""
        an_id = re.compile(any_of(self.ids))
        encoded = {name for name in self.file_names if not an_id.search(name)}
        return NameSearch(self.ids | encoded, self.numbers if number else ())

    def name(self, key: str) -> bool:
        """Whether the key is that of a file, or of a copy of it, of one of the recordings."""
        return _stem(key) in self.file_names


def _stem(key: str) -> str:
    return key.rpartition("/")[2].rpartition(".")[0]


def _files_of(one: Marked, erasures: Erasures, storage: Storage) -> Iterator[str]:
    """All files of the recording: those that the row names or has given up, and what lies under its name."""
    named = {key for key in (one.raw_path, one.transcript_path, one.summary_path) if key}
    named |= set(erasures.ordered_removals(one.recording_id))
    if one.file_name is not None:
        keys = RecordingKeys.of(one.file_name, one.call_started_at, one.raw_path, one.transcript_path)
        named |= {keys.transcript, keys.recognition, keys.summary}  # of one deleted earlier a bucket may keep versions
        for kind in _KINDS:
            of_day = storage.keys(f"{kind}/{keys.day:%Y/%m/%d}/")  # what other engines heard is in folders of its own
            named |= {key for key in of_day if _stem(key) == one.file_name}
    yield from sorted(named)


def _erase_files(marked: Iterable[Marked], erasures: Erasures, storage: Storage) -> None:
    """The recordings' own files. Their hashes are in the row before the first one is deleted."""
    for one in marked:
        files = list(_files_of(one, erasures, storage))
        digests: dict[str, list[str]] = {}
        for key in filter(storage.exists, files):
            digests.setdefault(key.partition("/")[0], []).append(_sha256(key, storage))
        erasures.note_removed(one.recording_id, digests)
        _delete(files, storage)


def _delete(keys: list[str], storage: Storage) -> None:
    """For good, the versions of a bucket too. Raises the storage's own reason where a file could not be deleted."""
    _raise_first(storage.erase_all(keys))


def _raise_first(failures: Iterable[ExportError | None]) -> None:
    for failure in failures:
        if failure is not None:
            raise failure


def _sha256(key: str, storage: Storage) -> str:
    with storage.as_file(key) as path, path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


# ---------------------------------------------------------------- registries, reports, logs, copies


def _rewrite(
    erasure_id: UUID, marked: list[Marked], names: _Names, state: State, storage: Storage, policy: Policy
) -> None:
    """Whatever names the calls in the folders of periods is written again from the rows; copies are deleted.

    Copies come last: a delivery that was at work holds the lock of its registry until it has ended.
    """
    erasures = Erasures(state.session)
    files, _ = _in_folders(marked, names, storage)
    search = names.search()
    registries = {key for key in files if _is_registry(key)}
    with ExitStack() as until_the_end:
        drawing = cache(lambda: until_the_end.enter_context(drawing_process()))  # one for all reports
        for key in sorted(registries | _expected_registries(marked, state)):
            naming = _naming(_files_of_registry(key, files), search, storage)
            for file in naming:
                erasures.note_rewritten(erasure_id, file, _sha256(file, storage))
            _write_registry_again(key, naming, state, storage, policy, drawing)
    runs = [state.runs.get(run_id) for run_id in erasures.runs_of([one.recording_id for one in marked])]
    for run in runs:
        if (key := log_key(run.period, run.started_at or run.period_to, run.run_id)) in files:
            erasures.note_rewritten(erasure_id, key, _sha256(key, storage))
            publish_log(run, state, storage)
    files, copies = _in_folders(marked, names, storage)
    _clear_up(erasure_id, files, search, state, storage)
    _raise_first(storage.erase_earlier(_with_pdf(list(erasures.get(erasure_id).rewritten))))
    _delete(copies, storage)


def _naming(files: list[str], search: NameSearch, storage: Storage) -> list[str]:
    """Which of a registry's files name the calls. CSV and XLSX have the same rows, and are written in one pass."""
    found: list[str] = []
    for file in files:
        as_csv = f"{file.removesuffix('.xlsx')}.csv" if file.endswith(".xlsx") else None
        if as_csv in found or _look(search, file, storage).names:
            found.append(file)
    return found


def _clear_up(erasure_id: UUID, files: set[str], search: NameSearch, state: State, storage: Storage) -> None:
    """What names the calls and is of no registry: logs of other runs are written again, the rest nothing writes."""
    registries = {key for key in files if _is_registry(key)}
    for file in sorted(files - {file for key in registries for file in _files_of_registry(key, files)}):
        if not _look(search, file, storage).names:
            continue
        Erasures(state.session).note_rewritten(erasure_id, _as_named(file, search), _sha256(file, storage))
        if (run := _run_of_log(file, state)) is not None:
            publish_log(run, state, storage)
        if run is None or _look(search, file, storage).names:
            _delete(_with_pdf([file]), storage)


def _as_named(file: str, search: NameSearch) -> str:
    """The key as the proof may name it: of one that names a call, its folder and a hash."""
    if not search.look(BytesIO(file.encode())).names:
        return file
    return f"{file.rpartition('/')[0]}/{sha256(file.encode()).hexdigest()[:12]}"


def _run_of_log(file: str, state: State) -> Run | None:
    match = _LOG.search(file)
    if match is None:
        return None
    try:
        return state.runs.get(UUID(match[1]))
    except BadInput:  # a run of another database
        return None


def _with_pdf(files: list[str]) -> list[str]:
    """A report's PDF names the same calls as its .md, and is not searched."""
    return files + [f"{file.removesuffix('.md')}.pdf" for file in files if file.endswith(".md")]


def _in_folders(marked: Iterable[Marked], names: _Names, storage: Storage) -> tuple[set[str], list[str]]:
    """Files to be searched, of the folders whose days may have one of the calls; and the copies of the calls' files."""
    days = {one.call_started_at.astimezone(UTC).date() for one in marked}
    may_name = cache(lambda first, last: _covers(first, last, days))  # a folder may have a hundred thousand copies
    files, copies = set(), []
    for key in storage.keys("exports/"):
        if names.name(key):
            copies.append(key)
            continue
        folder = _FOLDER.match(key) if key.endswith(_READABLE) else None
        if folder is not None and may_name(folder[1], folder[2]) and not _is_copy(key):
            files.add(key)
    return files, copies


def _is_copy(key: str) -> bool:
    """A copy of a recording's own file: found by its name. Its key has the call's id, so the proof does not tell it."""
    file = PeriodFile.of(key)
    return file is not None and file.copy_of is not None


def _covers(first: str, last: str, days: Iterable[date]) -> bool:
    begin, end = date.fromisoformat(first) - _NEAR, date.fromisoformat(last) + _NEAR
    return any(begin <= day <= end for day in days)


def _expected_registries(marked: list[Marked], state: State) -> set[str]:
    """Registries that runs at work may be writing at this moment for the first time."""
    starts = [one.call_started_at for one in marked]
    return {
        registry_key(run.period, run.part)
        for run in state.runs.not_ended()
        if run.portal_id is not None and any(run.period_from <= start <= run.period_to for start in starts)
    }


def _is_registry(key: str) -> bool:
    return "/registry/" in key and key.endswith(".csv")


def _files_of_registry(key: str, files: set[str]) -> list[str]:
    """The registry as CSV and as XLSX, and the report beside it."""
    stem = key.removesuffix(".csv")
    report = stem.replace("/registry/calls_", "/reports/summary_")
    return [name for name in (key, f"{stem}.xlsx", f"{report}.md") if name in files]


def _look(search: NameSearch, key: str, storage: Storage) -> Seen:
    with storage.as_file(key) as path:
        if not key.endswith(".xlsx"):
            with path.open("rb") as file:
                return search.look(file)
        try:
            with ZipFile(path) as book:
                seen = [search.look(file) for name in book.namelist() for file in [book.open(name)]]
        except (BadZipFile, zlib_error):
            return Seen(names=True, number=False)
    return Seen(any(part.names for part in seen), any(part.number for part in seen))


def _write_registry_again(
    key: str,
    naming: list[str],
    state: State,
    storage: Storage,
    policy: Policy,
    drawing: Callable[[], Subprocess],
) -> None:
    """Under the registry's lock: a task that writes it now may have read its rows before the calls were marked."""
    run = _run_at(key, state)
    with state.transaction():
        Publications(state.session).lock(key)
        if not naming and not storage.exists(key):
            return
        if run is None:  # no run can write it again
            _delete(_with_pdf(naming), storage)
            return
        if not any(file.endswith(".md") for file in naming):
            if naming:
                _registry_from_rows(run, key, state, storage, policy)
            return
    publish(run.run_id, state, storage, policy, drawing=drawing())


def _run_at(key: str, state: State) -> Run | None:
    run_id = Erasures(state.session).published_run(key)
    if run_id is not None:
        return state.runs.get(run_id)
    match = _FOLDER.match(key)
    if match is None:
        return None
    period = Period(_start(match[1]), _start(match[2]) + timedelta(days=1, seconds=-1))
    for portal_id in Publications(state.session).portals():
        if key == registry_key(period, portal_part(portal_id)):
            return run_of(portal_id, period, key, state)
    return None


def _start(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T00:00:00+00:00")


def _registry_from_rows(run: Run, key: str, state: State, storage: Storage, policy: Policy) -> None:
    zone = report_zone(policy.report.time_zone, ReportFigures(state.session).usual_offset(run.run_id))
    texts = restore_texts(run.scope, state, storage, policy.privacy, zone=zone)
    delivered = delivered_files(run.period.folder, Publications(state.session).delivery(key), storage)
    delivered.lost = texts.lost
    complete = storage.exists(key.removesuffix(".csv") + ".xlsx")
    publish_registry(run, key, delivered, state, storage, policy.privacy, zone, complete=complete)


# ---------------------------------------------------------------- looking again


def _look_again(marked: list[Marked], names: _Names, erasures: Erasures, storage: Storage) -> dict[str, int]:
    """How much is left, by place; the rows themselves are blanked after this."""
    left = erasures.left([one.recording_id for one in marked], names.in_details)
    own = sum(len([key for key in _files_of(one, erasures, storage) if storage.exists(key)]) for one in marked)
    files, copies = _in_folders(marked, names, storage)
    search = names.search(number=True)
    seen = [_look(search, key, storage) for key in files]
    named, said = sum(each.names for each in seen), sum(each.number for each in seen)
    return {"files": own, "copies": len(copies), "period_files": named, SAID_ELSEWHERE: said, **left._asdict()}


# ---------------------------------------------------------------- after a restore


def erase_again(state: State, storage: Storage, policy: Policy, key: ErasureKey) -> int:
    """Erases again whatever a restored backup has brought back; returns how many recordings.

    The tombstones come from the database and from the storage: the database's backup may be older than the erasure. A
    call that was being erased when the backup was made is erased to its end.
    """
    erasures = Erasures(state.session)
    for erasure, stones in stored_tombstones(storage):
        erasures.bring(_known(erasure, key), stones)
    again = 0
    for erasure in erasures.decided_in_favour():
        before = len(erasures.removed(erasure.erasure_id))
        erase(erasure.erasure_id, state, storage, policy, key)
        again += len(erasures.removed(erasure.erasure_id)) - before
    return again

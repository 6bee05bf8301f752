"""What is past its retention period ends: rows give it up, then the files go, then the order is settled (ADR 0022).

Killed between any two statements, a night leaves orders that the next one carries out. Nothing is removed that a row
still names.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, islice
from typing import Any, TypeVar

from include.calls.domain.data_classes import (
    OF_CALLS,
    OF_FILES,
    RETENTION_REPORTS,
    DataClass,
    Ends,
    Expired,
    PeriodFile,
    retention_report_key,
)
from include.calls.domain.stages import Stage
from include.calls.policy import Policy
from include.calls.state.audit import AuditLog
from include.calls.state.metrics import MetricsReader
from include.calls.state.retention import AT_ONCE, Ending, Removal, Retention
from include.calls.state.state import State
from include.calls.steps.claim_storage import claim_storage
from include.calls.wording import retention as words
from include.clients.storage.base import KeepingRule, Storage, StoredObject
from include.common.errors import Temporary

log = logging.getLogger(__name__)
Item = TypeVar("Item")
STORED = (*OF_CALLS, *OF_FILES)


def expire(state: State, storage: Storage, policy: Policy, *, now: datetime, dry_run: bool) -> Expired:
    """Ends what is past its period at `now`; with `dry_run` only counts it. Writes a report that a person can read.

    Raises Temporary, after all the rest is done, if files could not be removed.
    """
    claim_storage(storage, state)
    days = policy.retention_days.model_dump()
    night = Night(state, storage, days, Ends.of(days, now.date()), Expired(dry_run, now))
    night.look_at_the_storage()
    night.end_everything()
    done = night.done
    storage.put_bytes(
        retention_report_key(now, dry_run=dry_run), words.report(done).encode(), "text/markdown; charset=utf-8"
    )
    if not dry_run:
        state.events.add(None, stage=Stage.RETENTION, event="retention_done", detail=_figures(done))
    if done.refused:
        reasons = ", ".join(f"{reason} ({times})" for reason, times in done.refused.most_common(3))
        count = done.refused.total()
        raise Temporary(
            f"{count} files were not removed: {reasons}", problem="files_not_removed", count=count, reasons=reasons
        )
    return done


@dataclass(slots=True)
class Night:
    state: State
    storage: Storage
    days: Mapping[str, int]
    ends: Ends
    done: Expired
    retention: Retention = field(init=False)
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    would_end: dict[bool, set[str]] = field(default_factory=lambda: {True: set(), False: set()})  # audio, texts

    def __post_init__(self) -> None:
        self.retention = Retention(self.state.session)

    def look_at_the_storage(self) -> None:
        """The storage may have rules of its own; one that is no contradiction is not named."""
        rules, days = self.storage.keeping_rules(), self.days
        if KeepingRule.OBJECT_LOCK in rules:
            locked = rules[KeepingRule.OBJECT_LOCK] or 0
            if not locked or locked > min(days[each] for each in STORED):
                self.done.locked_days = locked
        expires = rules.get(KeepingRule.EXPIRES_BY_ITSELF)
        if expires is not None and expires < max(days[each] for each in STORED):
            self.done.expiring_days = expires
        self.done.rules_unknown = KeepingRule.NOT_KNOWN in rules

    def end_everything(self) -> None:
        for data in OF_CALLS:
            self._end_recordings(data)
        if not self.done.dry_run:
            self.state.responses.forget_old(received_before=self.ends[DataClass.RECOGNITION])
            self._remove_files()
        self._end_files()
        self._end_events()
        self._end_recordings(DataClass.ROWS)
        if not self.done.dry_run:
            self.retention.anonymise_runs(self.ends[DataClass.ROWS])
            forgotten = AuditLog(self.state.session).forget(older_than=self.ends[DataClass.AUDIT])
            self.done.tallies[DataClass.AUDIT].rows = forgotten

    def _end_recordings(self, data: DataClass) -> None:
        tally, before = self.done.tallies[data], self.ends[data]
        tally.held = self.retention.held(data, before)
        for page in self.retention.pages(data, before):
            sizes = self._sizes_of(page, data)
            if self.done.dry_run:
                tally.rows += len(page)
                if data in (DataClass.AUDIO, DataClass.TEXTS):
                    names = {each.file_name for each in page if each.file_name}
                    self.would_end[data is DataClass.AUDIO] |= names
            else:
                tally.rows += self.retention.end(data, before, page)
            tally.files += len(sizes)
            tally.size += sum(sizes)

    def _sizes_of(self, page: Sequence[Ending], data: DataClass) -> list[int]:
        """The sizes of the files that exist, from one listing of each day's folder."""
        keys = [key for each in page for key in each.keys(data)]
        folders = {key.rpartition("/")[0] for key in keys}
        self.sizes = {name: known for name, known in self.sizes.items() if name in folders}  # days come one by one
        for folder in folders - self.sizes.keys():
            self.sizes[folder] = {file.key: file.bytes for file in self.storage.objects(f"{folder}/")}
        return [size for key in keys if (size := self.sizes[key.rpartition("/")[0]].get(key)) is not None]

    def _remove_files(self) -> None:
        for page in self.retention.removals():
            with self.state.claims.many() as claims:
                free = [each for each in page if claims.take(each.portal_id, each.call_id)]
                self.done.busy += len(page) - len(free)
                self._carry_out(free)

    def _carry_out(self, removals: Sequence[Removal]) -> None:
        named = self.retention.named_again(removals)
        keys = list({key for each in removals for key in each.keys} - named)
        failed = self._erased(keys)
        self.retention.settle([each for each in removals if failed.isdisjoint(each.keys)])

    def _erased(self, keys: Sequence[str]) -> set[str]:
        """Erases the files; returns the keys of those that stayed."""
        failed = set()
        for key, failure in zip(keys, self.storage.erase_all(keys), strict=True):
            if failure is not None:
                failed.add(key)
                self.done.refused[str(failure).replace(key, "...")] += 1
        return failed

    def _end_files(self) -> None:
        """Files of periods and reports of retention, by their own day; copies also with what they are copies of."""
        for some in _portions(self._files_past_their_period()):
            for data, files in _by_class(some).items():
                failed = set() if self.done.dry_run else self._erased([file.key for file in files])
                gone = [file for file in files if file.key not in failed]
                tally = self.done.tallies[data]
                tally.files += len(gone)
                tally.size += sum(file.bytes for file in gone)
                if data is DataClass.REGISTRY and not self.done.dry_run:
                    self.retention.forget_publications([file.key for file in gone])

    def _files_past_their_period(self) -> Iterator[tuple[DataClass, StoredObject]]:
        before = self.ends[DataClass.RUN_LOGS]
        for file in list(self.storage.objects(RETENTION_REPORTS)):
            if file.written_at < before:
                yield DataClass.RUN_LOGS, file
        for folder, files in self._folders():
            yield from self._of_folder(folder, files)

    def _folders(self) -> Iterator[tuple[PeriodFile, list[tuple[PeriodFile, StoredObject]]]]:
        """A folder at a time: all of them together may hold a copy of every text."""
        found = ((PeriodFile.of(file.key), file) for file in self.storage.objects("exports/"))
        ours = ((period, file) for period, file in found if period is not None)
        for _, files in groupby(ours, key=lambda pair: pair[0].folder):
            some = list(files)
            yield some[0][0], some

    def _of_folder(
        self, folder: PeriodFile, files: Sequence[tuple[PeriodFile, StoredObject]]
    ) -> Iterator[tuple[DataClass, StoredObject]]:
        old = [(period, file) for period, file in files if file.written_at < self.ends[period.data]]
        if old and self.retention.is_period_held(folder.days):
            for period, _ in old:
                self.done.tallies[period.data].held += 1
            old = []
        gone = {file.key for _, file in old}
        copies = [(period, file) for period, file in files if period.copy_of is not None and file.key not in gone]
        orphans = [*self._without_original(folder, copies)]
        yield from ((period.data, file) for period, file in old)
        yield from ((DataClass.DELIVERED, file) for file in orphans)
        delivered = any(period.copy_of is not None for period, _ in files)
        if delivered and len(orphans) == len(copies) and not self.done.dry_run:
            self.retention.forget_deliveries(folder.folder)

    def _without_original(
        self, folder: PeriodFile, copies: Sequence[tuple[PeriodFile, StoredObject]]
    ) -> Iterator[StoredObject]:
        for audio, data in ((True, DataClass.AUDIO), (False, DataClass.TEXTS)):
            if folder.days.start >= self.ends[data]:
                continue
            for some in _portions((name, file) for name, file in copies if name.is_audio == audio):
                names = [name.copy_of for name, _ in some if name.copy_of]
                ended = self.retention.ended_names(names, audio=audio) | self.would_end[audio]
                yield from (file for name, file in some if name.copy_of in ended)

    def _end_events(self) -> None:
        tally, before = self.done.tallies[DataClass.EVENTS], self.ends[DataClass.EVENTS]
        if self.done.dry_run:
            tally.rows = len(self.retention.event_months(before))
            return
        MetricsReader(self.state.session).fold()
        for month in self.retention.event_months(before):
            try:
                tally.rows += self.retention.end_event_month(month)
            except Temporary as error:
                log.warning("the events of %s stay until the next night: %s", month, error)
                self.done.months_left += 1


def _portions(items: Iterator[Item]) -> Iterator[list[Item]]:
    while some := list(islice(items, AT_ONCE)):
        yield some


def _by_class(files: Sequence[tuple[DataClass, StoredObject]]) -> dict[DataClass, list[StoredObject]]:
    found: dict[DataClass, list[StoredObject]] = defaultdict(list)
    for data, file in files:
        found[data].append(file)
    return found


def _figures(done: Expired) -> dict[str, Any]:
    return {
        data: {"rows": tally.rows, "files": tally.files, "bytes": tally.size, "held": tally.held}
        for data, tally in done.tallies.items()
    }

"""The letter with registry and report of a run, from the files that are published already."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from include.calls.domain.states import RunStatus
from include.calls.domain.storage_keys import registry_key, report_key
from include.calls.policy import Policy
from include.calls.state.publications import Publications
from include.calls.state.state import State
from include.calls.state.types import Run
from include.calls.wording import notes
from include.calls.wording import report_mail as words
from include.clients.storage.base import Storage
from include.common.masking import mask_phones

MEGABYTE = 10**6


@dataclass(frozen=True, slots=True)
class Letter:
    """`body` is HTML; `keys` are those of the files to attach, in the storage."""

    subject: str
    body: str
    keys: Sequence[str]

    def write_files(self, folder: Path, storage: Storage) -> list[Path]:
        """The attachments as files in `folder`, under their names in the storage."""
        paths = []
        for key in self.keys:
            path = folder / key.rpartition("/")[2]
            path.write_bytes(storage.get_bytes(key))
            paths.append(path)
        return paths


def letter_about(
    run_id: UUID, verdict: str, link: str, state: State, storage: Storage, policy: Policy
) -> Letter | None:
    """None for a run that made only a forecast, was a trial, or is not completed. `link` leads to the run in Airflow.

    Files that are larger together than `report.mail_max_mb` are named with their place and not attached.
    """
    run = state.runs.get(run_id)
    if run.status is not RunStatus.COMPLETED or run.dry_run or run.metadata.get("limit_calls"):
        return None
    found = [(key, what, size) for key, what in _files(run) if (size := _size(key, storage)) is not None]
    whole, most = sum(size for _, _, size in found), policy.report.mail_max_mb * MEGABYTE
    attached = whole <= most
    said = [words.period(run.period_from, run.period_to), verdict, notes.progress(state.runs.progress(run_id))]
    lines = [f"<p>{html.escape(mask_phones(each[:1].upper() + each[1:]))}</p>" for each in said]
    heading = words.ATTACHED if attached else words.too_large(whole, most)
    items = [
        f"<li>{html.escape(key.rpartition('/')[2] if attached else storage.location(key))} — {what}, "
        f"{words.megabytes(size)}</li>"
        for key, what, size in found
    ]
    lines += [f"<p>{heading}</p>", f"<ul>{''.join(items)}</ul>"] if items else []
    if items and attached:
        lines.append(f"<p>{words.MASKED if _masked(run, state, policy) else words.NOT_MASKED}</p>")
    lines.append(f'<p><a href="{html.escape(link)}">{words.OPEN_IN_AIRFLOW}</a> · run_id {run.run_id}</p>')
    subject = words.subject(run.period_from, run.period_to)
    return Letter(subject, "\n".join(lines), [key for key, _, _ in found] if attached else [])


def _files(run: Run) -> list[tuple[str, str]]:
    return [
        (registry_key(run.period, run.part, ".xlsx"), words.SHEET),
        (report_key(run.period, ".pdf", run.part), words.REPORT),
    ]


def _size(key: str, storage: Storage) -> int | None:
    return next((one.bytes for one in storage.objects(key) if one.key == key), None)


def _masked(run: Run, state: State, policy: Policy) -> bool:
    delivery = Publications(state.session).delivery(registry_key(run.period, run.part))
    return policy.privacy.pii_masking_enabled or (delivery is not None and delivery.masked)

"""The results of a run, counted from outside: the portal's own list, the recogniser's journal, rows and files."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import requests

from include.clients.storage.base import TEMPORARY_PREFIX
from include.common.errors import ExportError
from include.common.temporary_folders import orphans
from ops.one_machine.simulated_services import WEBHOOK_USER, Simulated
from trials.chaos.databases import Databases, Record

RESPONSE_SECONDS = 30
WITH_A_TEXT = "completed"
WITHOUT_AUDIO = "no_recording"


@dataclass(frozen=True, slots=True)
class Evidence:
    """`lost`: recordings of the portal without a row or a text. `spare_requests`: requests beyond one for each piece.
    `orphans`: temporary folders of killed tasks that no later task removed."""

    recordings: int
    lost: int
    texts_twice: int
    pieces: int
    requests: int
    half_written: tuple[str, ...]
    hidden_leftovers: int
    orphans: int

    @property
    def spare_requests(self) -> int:
        return self.requests - self.pieces


def collect(run_id: UUID, databases: Databases, simulated: Simulated, storage: Path) -> Evidence:
    records = databases.records(run_id)
    texts = [record for record in records if record.status == WITH_A_TEXT]
    wanted = _recordings_of_the_portal(simulated)
    files = [file for file in storage.rglob("*") if file.is_file()]
    return Evidence(
        recordings=wanted.total(),
        lost=(wanted - Counter(record.call_id for record in texts)).total(),
        texts_twice=databases.texts_twice(run_id) + _files_of_one_recording_twice(storage, len(texts)),
        pieces=sum(_pieces(storage, record.transcript_path) for record in texts if record.transcript_path),
        requests=_recognitions(simulated),
        half_written=tuple(sorted(_half_written(records, storage))),
        hidden_leftovers=sum(file.name.startswith(TEMPORARY_PREFIX) for file in files),
        orphans=len(list(orphans())),
    )


def _recordings_of_the_portal(simulated: Simulated) -> Counter[str]:
    """Recordings by CALL_ID as the portal lists them, independent of our listing."""
    found: Counter[str] = Counter()
    start: int | None = 0
    while start is not None:
        url = f"{simulated.portal}/rest/{WEBHOOK_USER}/{simulated.token}/voximplant.statistic.get"
        page = _response("POST", url, json={"start": start})
        found.update(row["CALL_ID"] for row in page["result"] if row["RECORD_FILE_ID"] or row["CALL_RECORD_URL"])
        start = page.get("next")
    return found


def _recognitions(simulated: Simulated) -> int:
    """Requests that the recogniser accepted, including those whose sender was killed."""
    journal = _response("GET", f"{simulated.recogniser}/__control__/journal")
    return sum(one["where"] == "transcriptions" and one["status"] in (200, None) for one in journal)


def _response(method: str, url: str, **options: Any) -> Any:
    with requests.Session() as session:
        session.trust_env = False  # our own servers are not reached through a proxy
        try:
            response = session.request(method, url, timeout=RESPONSE_SECONDS, **options)
            response.raise_for_status()
        except requests.RequestException as error:  # its text contains the webhook's token
            raise ExportError(f"a simulator does not respond ({type(error).__name__})") from None
        return response.json()


def _pieces(storage: Path, transcript: str) -> int:
    """How many pieces a text has, by the cut that is stored with its responses."""
    recognition = (storage / "recognition" / Path(transcript).relative_to("transcripts")).with_suffix(".json")
    return len(json.loads(recognition.read_text(encoding="utf-8"))["cut"]["pieces"])


def _files_of_one_recording_twice(storage: Path, texts: int) -> int:
    """Delivered copies in the period's folder do not count."""
    return max(0, sum(1 for _ in (storage / "transcripts").rglob("*.txt")) - texts)


def _half_written(records: list[Record], storage: Path) -> set[str]:
    """Visible files that are not complete, and rows whose file is missing."""
    found = set()
    for record in records:
        if record.raw_path and not _is_audio_of(record, storage / record.raw_path):
            found.add(record.raw_path)
        if record.status == WITH_A_TEXT and not _is_text_of(record, storage):
            found.add(record.transcript_path or record.call_id)
    found |= {file.name for file in storage.rglob("*.json") if not _is_json(file)}
    found |= {file.name for pattern in ("*.csv", "*.pdf", "*.md") for file in storage.rglob(pattern) if not _ends(file)}
    return found


def _is_audio_of(record: Record, file: Path) -> bool:
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == record.checksum


def _is_text_of(record: Record, storage: Path) -> bool:
    file = storage / (record.transcript_path or "")
    if not file.is_file():
        return False
    header, line, _ = file.read_text(encoding="utf-8").partition("\n---\n")
    return (
        bool(line) and header.startswith(f"CALL_ID: {record.call_id}\nRECORD_ID: {record.record_id}\n") and _ends(file)
    )


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


def _ends(file: Path) -> bool:
    """A truncated text lacks its last newline, a truncated PDF its end mark."""
    return file.read_bytes().rstrip(b"\n").endswith(b"%%EOF") if file.suffix == ".pdf" else _last_byte(file) == b"\n"


def _last_byte(file: Path) -> bytes:
    return file.read_bytes()[-1:]

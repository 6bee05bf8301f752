"""Reads a playlist, checks and cuts its recordings, and says what the run will cost, before anything is sent."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from include.clients.storage.base import Storage
from include.common.errors import BadInput, ExportError
from include.common.money import total
from include.smoke.domain.engine import Engine
from include.smoke.domain.judgement import SmokeCode
from include.smoke.domain.playlist import Entry, Playlist, playlist_of
from include.speech.audio.apart import cut_apart
from include.speech.audio.decoding import MAX_SECONDS
from include.speech.audio.pieces import policy_for_all
from include.speech.cuts import Cut
from include.speech.model_profiles import profile_of
from include.speech.transcript_lines import SpokenLine, read_lines

_MOST_PLAYLIST_BYTES = 2_000_000
_MOST_AUDIO_BYTES = 500_000_000
_MOST_TEXT_BYTES = 2_000_000


class EntryUnusable(ExportError):
    """A file of the entry is missing, changed, or not inside the playlist's folder."""

    def __init__(self, message: str, smoke_code: SmokeCode) -> None:
        super().__init__(message)
        self.smoke_code = smoke_code


@dataclass(frozen=True, slots=True)
class SmokeRun:
    """`smoke_id` is the folder of the run in the storage; `folder` is the playlist's own one."""

    smoke_id: str
    folder: Path
    playlist: Playlist
    playlist_hash: str
    engines: tuple[Engine, ...]
    fresh: bool = False
    limit: int = 0

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self.playlist.entries[: self.limit] if self.limit else self.playlist.entries

    def key(self, *parts: str) -> str:
        return "/".join((self.smoke_id, *parts))


@dataclass(frozen=True, slots=True)
class Prepared:
    """The cut of one entry, or why it has none: a code and its detail."""

    cut: Cut | None = None
    code: str = ""
    detail: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"cut": self.cut and self.cut.as_json(), "code": self.code, "detail": self.detail}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Prepared":
        return cls(data["cut"] and Cut.from_json(data["cut"]), data["code"], data["detail"])


def read_playlist(path: Path) -> tuple[Playlist, str]:
    """The playlist and the sha256 of its file. Raises BadInput."""
    try:
        if path.stat().st_size > _MOST_PLAYLIST_BYTES:
            raise BadInput(
                f"the playlist {path} is too large", problem="playlist_too_big", path=path, most=_MOST_PLAYLIST_BYTES
            )
        data = path.read_bytes()
        tree = yaml.safe_load(data)  # JSON is YAML
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        raise BadInput(f"the playlist {path} cannot be read", problem="playlist_missing", path=path) from None
    return playlist_of(tree), hashlib.sha256(data).hexdigest()


def prepare(run: SmokeRun, storage: Storage) -> None:
    """Stores the cut of each entry, the same for all engines."""
    policy = policy_for_all(
        [profile_of(model) for engine in run.engines for model in (engine.model, engine.fallback_model) if model],
        max_file_minutes=min(engine.max_file_minutes for engine in run.engines),
    )
    for number, entry in enumerate(run.entries):
        try:
            expected_lines(run, entry)
            cut = cut_apart(audio_of(run, entry), policy, most_seconds=MAX_SECONDS)
            prepared = Prepared(cut)
        except EntryUnusable as error:
            prepared = Prepared(code=error.smoke_code, detail=str(error))
        except ExportError as error:
            prepared = Prepared(code=error.code, detail=str(error))
        _put(storage, run.key("cuts", f"{number:04}.json"), prepared.as_json())


def prepared(run: SmokeRun, number: int, storage: Storage) -> Prepared:
    return Prepared.from_json(json.loads(storage.get_bytes(run.key("cuts", f"{number:04}.json"))))


def forecast(run: SmokeRun, storage: Storage) -> Decimal:
    """What the entries cost at all engines that have no response yet; an entry that ends in an error costs nothing."""
    return total(cost for engine in run.engines for cost in _costs(run, engine, storage))


def refuse_above(budget: Decimal, run: SmokeRun, storage: Storage) -> Decimal:
    """The forecast. Raises BadInput above the budget, before anything is spent."""
    found = forecast(run, storage)
    if found > budget:
        raise BadInput(
            f"the forecast is {found} USD, the budget {budget} USD",
            problem="smoke_over_budget",
            forecast=found,
            budget=budget,
        )
    return found


def responses_folder(entry: Entry, engine: Engine) -> str:
    """Responses are kept by the audio's bytes and by everything that is asked; the piece is the file's name."""
    return f"responses/{entry.sha256}/{engine.digest}/"


def audio_of(run: SmokeRun, entry: Entry) -> Path:
    """The entry's recording. Raises EntryUnusable if it is not the file that the playlist means."""
    path = _inside(run, entry.audio, SmokeCode.AUDIO_CHANGED)
    if path.stat().st_size > _MOST_AUDIO_BYTES:
        raise EntryUnusable(f"{entry.audio} has more than {_MOST_AUDIO_BYTES} bytes", SmokeCode.AUDIO_CHANGED)
    with path.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != entry.sha256:
        raise EntryUnusable(f"{entry.audio} has another sha256 than the playlist says", SmokeCode.AUDIO_CHANGED)
    return path


def expected_lines(run: SmokeRun, entry: Entry) -> tuple[SpokenLine, ...]:
    """Raises EntryUnusable if the expected text is missing or unreadable."""
    if entry.expected is None:
        return ()
    path = _inside(run, entry.expected, SmokeCode.EXPECTED_MISSING)
    try:
        if path.stat().st_size > _MOST_TEXT_BYTES:
            raise ValueError
        return read_lines(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise EntryUnusable(f"{entry.expected} is no text in UTF-8", SmokeCode.EXPECTED_MISSING) from None


def _inside(run: SmokeRun, name: str, code: SmokeCode) -> Path:
    """The file, if it is inside the playlist's folder; a link that leads out is not."""
    folder = run.folder.resolve()
    path = (folder / name).resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        raise EntryUnusable(f"{name} is not in the playlist's folder", code)
    return path


def _costs(run: SmokeRun, engine: Engine, storage: Storage) -> Sequence[Decimal]:
    found = list[Decimal]()
    for number, entry in enumerate(run.entries):
        cut = prepared(run, number, storage).cut
        bought = not run.fresh and next(iter(storage.keys(responses_folder(entry, engine))), None) is not None
        if cut is not None and cut.pieces and not bought:
            found.append(engine.cost(cut.info.seconds))
    return found


def _put(storage: Storage, key: str, data: dict[str, Any]) -> None:
    storage.put_bytes(key, json.dumps(data, ensure_ascii=False).encode(), "application/json")

"""The parts of the trial; each prints its tables and returns its bars."""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import requests

from include.common.temporary_folders import temporary_folder
from include.speech.audio.pieces import CutPolicy
from include.speech.recognition_client import Recogniser, RecogniserSettings
from include.speech.word_errors import Errors, total
from trials.real_recogniser.measures import (
    Seams,
    Times,
    Whole,
    errors,
    figures,
    inventions,
    seams,
    spearman,
    times,
    whole_of,
)
from trials.real_recogniser.recordings import Recording, channel_file, named, recordings, with_noise
from trials.real_recogniser.road import Heard, hear

MODEL, BARE = "whisper-1", "whisper-base"  # verbose_json with segments; bare text of WAV, as of an unknown model
_REQUEST_SECONDS = 600
_WINDOW_SEC = 30.0  # what a Whisper model decodes at once
_LONG_SPEECH_SEC = 10.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure beside its bar."""

    what: str
    bar: str
    measured: str
    reached: bool

    @property
    def row(self) -> tuple[str, str, str, str]:
        return self.what, self.bar, self.measured, "reached" if self.reached else "**not reached**"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the server is, and where files go."""

    url: str
    out: Path

    def recogniser(self, model: str = MODEL) -> Recogniser:
        return Recogniser(RecogniserSettings(model=model, base_url=f"{self.url}/v1", timeout_sec=_REQUEST_SECONDS))

    def whole(self, recording: Recording, channel: int | None) -> Whole:
        """The recogniser's own response to the whole channel, with the times of its words."""
        return _whole(self.url, recording.name, channel)


@cache
def _whole(url: str, name: str, channel: int | None) -> Whole:
    recording = named(name)
    with temporary_folder() as folder:
        file = channel_file(recording, channel, folder)
        fields = {
            "model": MODEL,
            "response_format": "verbose_json",
            "language": recording.language,
            "timestamp_granularities[]": "word",
        }
        with file.open("rb") as audio:
            answer = requests.post(
                f"{url}/v1/audio/transcriptions",
                data=fields,
                files={"file": (file.name, audio)},
                timeout=_REQUEST_SECONDS,
            )
    answer.raise_for_status()
    return whole_of(answer.json())


def print_table(title: str, head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    print(f"### {title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}", flush=True)
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |", flush=True)
    print(flush=True)


def _percent(found: Errors) -> str:
    return "-" if found.rate is None else f"{100 * found.rate:.1f}"


def _channels(recording: Recording) -> Sequence[int | None]:
    return tuple(recording.truth) or (None,)


@contextmanager
def _heard(place: Place, recording: Recording, model: str = MODEL, policy: CutPolicy | None = None) -> Iterator[Heard]:
    with place.recogniser(model) as recogniser:
        yield hear(
            recording.path,
            recogniser,
            languages=recording.language,
            operator=recording.operator,
            cut_policy=policy,
        )


# -------------------------------------------------------------------------------------------------- texts

_TEXT_BARS = {"PCA, mono": 6.0, "LCA, stereo": 14.0, "vosk, digits": 7.0}


def texts(place: Place) -> list[Bar]:
    """Whole recordings beside our pieces, and the seams."""
    rows, bars = list[tuple[object, ...]](), list[Bar]()
    doubled, lost, seam_rows = list[str](), list[str](), list[tuple[object, ...]]()
    for recording in recordings():
        with _heard(place, recording) as heard:
            wholes = {channel: place.whole(recording, channel) for channel in _channels(recording)}
            mine, theirs, apart = _text_errors(recording, heard, wholes)
            rows.append(_text_row(recording, heard, wholes, mine, theirs, apart))
            if not recording.truth:
                continue
            bars += _text_bars(recording, mine, theirs)
            found = [seams(heard, channel, truth, wholes[channel].text) for channel, truth in recording.truth.items()]
            if any(one.count for one in found):
                seam_rows.append(_seam_row(recording, found))
            doubled += [word for one in found for word in one.doubled]
            lost += [word for one in found for word in one.lost]
    head = ("recording", "whole to truth, WER %", "pieces to truth", "pieces to whole", "deleted, whole / pieces",
            "pieces", "requests a minute", "billed s a minute", "recognition s, whole / pieces", "cut, s")  # fmt: skip
    print_table("Whole recordings and our pieces", head, rows)
    print_table("Words at seams", ("recording", "seams", "doubled", "lost"), seam_rows)
    bars.append(Bar("words doubled at seams", "0", f"{len(doubled)} ({', '.join(doubled) or '-'})", not doubled))
    bars.append(Bar("words lost at seams that the whole has", "0", f"{len(lost)} ({', '.join(lost) or '-'})", not lost))
    return bars


def _text_errors(recording: Recording, heard: Heard, wholes: dict[int | None, Whole]) -> tuple[Errors, Errors, Errors]:
    """Ours to the truth, the whole's to the truth, ours to the whole."""
    truth = recording.truth.items()
    mine = total(errors(text, heard.said(channel)) for channel, text in truth)
    theirs = total(errors(text, wholes[channel].text) for channel, text in truth)
    apart = total(errors(whole.text, heard.said(channel)) for channel, whole in wholes.items())
    return mine, theirs, apart


def _text_row(
    recording: Recording, heard: Heard, wholes: dict[int | None, Whole], mine: Errors, theirs: Errors, apart: Errors
) -> tuple[object, ...]:
    minutes = heard.cut.info.seconds / 60
    billed = sum(math.ceil(piece.seconds) for piece in heard.cut.pieces)
    taken = sum(whole.seconds_taken for whole in wholes.values())
    return (
        recording.name,
        _percent(theirs),
        _percent(mine),
        _percent(apart),
        f"{theirs.deletions} / {mine.deletions}",
        len(heard.cut.pieces),
        f"{len(heard.cut.pieces) / minutes:.1f}",
        f"{billed / minutes:.0f}",
        f"{taken:.1f} / {heard.recognition_seconds:.1f}",
        f"{heard.cut_seconds:.2f}",
    )


def _text_bars(recording: Recording, mine: Errors, theirs: Errors) -> Iterator[Bar]:
    assert mine.rate is not None
    assert theirs.rate is not None
    most = _TEXT_BARS.get(recording.name, 0.0)
    yield Bar(f"{recording.name}: WER", f"<= {most:g} %", f"{_percent(mine)} %", 100 * mine.rate <= most)
    yield Bar(
        f"{recording.name}: pieces beside whole",
        "<= +3 points",
        f"{100 * (mine.rate - theirs.rate):+.1f}",
        mine.rate <= theirs.rate + 0.03,
    )
    allowed = theirs.deletions + mine.words // 100
    yield Bar(f"{recording.name}: words deleted", f"<= {allowed}", str(mine.deletions), mine.deletions <= allowed)


def _seam_row(recording: Recording, found: Sequence[Seams]) -> tuple[object, ...]:
    doubled = ", ".join(word for one in found for word in one.doubled)
    lost = ", ".join(word for one in found for word in one.lost)
    return recording.name, sum(one.count for one in found), doubled or "-", lost or "-"


# -------------------------------------------------------------------------------------------------- short pieces


def short(place: Place) -> list[Bar]:
    """Empty and invented texts of short pieces; pieces longer than the model's window."""
    rows, invented_unflagged, empty_all, all_pieces, too_long = list[tuple[object, ...]](), 0, 0, 0, 0
    for recording in recordings():
        with _heard(place, recording) as heard:
            all_pieces += len(heard.cut.pieces)
            empty_all += sum(not response.text.strip() for response in heard.responses.values())
            too_long += sum(piece.seconds > _WINDOW_SEC for piece in heard.cut.pieces)
            found = [inventions(heard, channel, truth) for channel, truth in recording.truth.items()]
            invented = [one for _, _, some in found for one in some]
            invented_unflagged += sum(not one.flagged for one in invented)
            texts = "; ".join(f"“{one.text}” {'flagged' if one.flagged else 'not flagged'}" for one in invented)
            below = sum(count for count, _, _ in found)
            if below or invented:
                rows.append((recording.name, below, sum(empty for _, empty, _ in found), texts or "-"))
    print_table("Pieces below a second", ("recording", "pieces", "empty", "invented"), rows)
    share = empty_all / all_pieces
    return [
        Bar("invented texts below 1 s, not flagged", "0", str(invented_unflagged), not invented_unflagged),
        Bar("requests with an empty text", "<= 5 %", f"{100 * share:.1f} % of {all_pieces}", share <= 0.05),
        Bar("pieces above 30.0 s", "0", str(too_long), not too_long),
    ]


# -------------------------------------------------------------------------------------------------- times and roles


def time_codes(place: Place) -> list[Bar]:
    """Turns against the model's own times of the words; texts by role."""
    rows, bars = list[tuple[object, ...]](), list[Bar]()
    for name in ("LCA, stereo", "PCA, mono"):
        recording = named(name)
        for model, form in ((MODEL, "segments"), (BARE, "bare text")):
            with _heard(place, recording, model) as heard:
                found = sum(
                    (times(heard, channel, place.whole(recording, channel)) for channel in recording.truth),
                    Times((), ()),
                )
                starts, ends = figures(found.starts), figures(found.ends)
                rows.append((name, form, len(found.starts), *(_seconds(one) for one in (starts, ends))))
                if form == "segments" and "stereo" in name:
                    bars.append(Bar(f"{name}: median start", "<= 0.3 s", f"{starts[1]:.2f}", starts[1] <= 0.3))
                    bars.append(Bar(f"{name}: 95 % of starts", "<= 1.2 s", f"{starts[2]:.2f}", starts[2] <= 1.2))
    head = ("recording", "response", "turns", "start: mean, median, p95", "end: mean, median, p95")
    print_table("Time codes, s", head, rows)
    print_table("Roles", ("recording", "channel", "WER % under its role", "under the other"), _roles(place))
    return bars


def _roles(place: Place) -> Iterator[tuple[object, ...]]:
    for recording in recordings():
        if len(recording.truth) != 2:
            continue
        with _heard(place, recording) as heard:
            for channel, truth in recording.truth.items():
                other = 1 - int(channel or 0)
                yield (
                    recording.name,
                    ("left", "right")[int(channel or 0)],
                    _percent(errors(truth, heard.said(channel))),
                    _percent(errors(truth, heard.said(other))),
                )


def _seconds(found: tuple[float, float, float]) -> str:
    return ", ".join(f"{one:.2f}" for one in found)


# -------------------------------------------------------------------------------------------------- piece policies

_POLICIES = {
    "product": CutPolicy(),
    "no fragments joined": replace(CutPolicy(), fragment_sec=0.0),
    "gap 5 s": replace(CutPolicy(), turn_gap_sec=5.0, mono_gap_sec=10.0),
    "target 20 s": replace(CutPolicy(), turn_target_sec=20.0, mono_target_sec=20.0),
    "padding 0.1 s": replace(CutPolicy(), pad_sec=0.1),
    "any late pause": replace(CutPolicy(), late_pause_sec=0.0),
}


def policies(place: Place) -> list[Bar]:
    """The policy of pieces: errors, requests and seconds of other ones."""
    rows = list[tuple[object, ...]]()
    for name, policy in _POLICIES.items():
        row: list[object] = [name]
        for recording in (named("LCA, stereo"), named("PCA, mono")):
            with _heard(place, recording, policy=policy) as heard:
                found = total(errors(truth, heard.said(channel)) for channel, truth in recording.truth.items())
                sent = sum(piece.seconds for piece in heard.cut.pieces)
                empty = sum(not response.text.strip() for response in heard.responses.values())
                row.append(f"{_percent(found)} ({found.deletions} deleted)")
                row.append(f"{len(heard.cut.pieces)} ({empty} empty); {sent:.0f}; {heard.recognition_seconds:.0f}")
        rows.append(tuple(row))
    head = ("policy", "LCA: WER %", "requests; s sent; s of recognition", "PCA: WER %",
            "requests; s sent; s of recognition")  # fmt: skip
    print_table("Policies of pieces", head, rows)
    return []


# -------------------------------------------------------------------------------------------------- confidence

_NOISES = (("clean", 0.0), ("white", 14.0), ("white", 8.0), ("hum", 8.0), ("fans", 8.0), ("struck", 8.0),
           ("drums", 8.0), ("babble", 14.0), ("babble", 8.0), ("white", 2.0), ("drums", 2.0))  # fmt: skip
_NOISY = (("LCA, stereo", 119.0), ("PCA, mono", 90.0), ("katiesteve", None), ("JFK", None))


def confidence(place: Place) -> list[Bar]:
    """The rank of the model's own confidence and the word error rate, on clean and noisy texts."""
    rows, pairs, flags = list[tuple[object, ...]](), list[tuple[float, float]](), list[tuple[float, bool, bool]]()
    with temporary_folder() as folder, place.recogniser() as recogniser:
        for name, seconds in _NOISY:
            recording = named(name)
            references: dict[int | None, str] = dict(recording.truth)
            for kind, decibels in _NOISES:
                file = with_noise(recording, kind, decibels, folder, seconds=seconds)
                heard = hear(file, recogniser, languages=recording.language, operator=recording.operator)
                if seconds is not None and kind == "clean":  # no truth of a part: its clean text is the reference
                    references = {channel: heard.said(channel) for channel in recording.truth}
                said = {channel: heard.said(channel) for channel in recording.truth}
                if len(recording.truth) == 2 and heard.text.transcript.roles != "channels":
                    said = {channel: heard.said(None) for channel in recording.truth}
                found = total(errors(references[channel], said[channel]) for channel in recording.truth)
                sure = heard.text.confidence
                judged = sure is not None and found.rate is not None and heard.cut.speech_sec >= _LONG_SPEECH_SEC
                if judged and not (kind == "clean" and seconds is not None):
                    assert sure is not None
                    assert found.rate is not None
                    pairs.append((float(sure), found.rate))
                    reasons = {str(reason) for reason in heard.text.reasons}
                    flags.append((found.rate, bool(reasons), "low_confidence" in reasons))
                rows.append((name, f"{kind}, {decibels:g} dB" if decibels else kind, _percent(found), found.deletions,
                             sure or "-", ", ".join(map(str, heard.text.reasons)) or "-"))  # fmt: skip
    head = ("recording", "noise", "WER %", "deleted", "confidence", "flags")
    print_table("Noise, confidence and flags", head, rows)
    bad = [flag for flag in flags if flag[0] >= 0.25]
    good = [flag for flag in flags if flag[0] < 0.25]
    caught, by_confidence = sum(any_ for _, any_, _ in bad), sum(low for _, _, low in bad)
    print_table(
        "What the flags catch",
        ("texts", "number", "flagged", "by the confidence alone"),
        [
            ("WER of 25 % and more", len(bad), caught, by_confidence),
            ("below", len(good), sum(any_ for _, any_, _ in good), sum(low for _, _, low in good)),
        ],
    )
    rank = spearman(pairs)
    return [Bar(f"rank of confidence and WER, {len(pairs)} texts", "<= -0.8", f"{rank:.2f}", rank <= -0.8)]


PARTS = {
    "texts": texts,
    "short": short,
    "times": time_codes,
    "policies": policies,
    "confidence": confidence,
}

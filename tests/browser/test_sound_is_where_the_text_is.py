"""Twenty turns of a recording, each with a tone of its own: what Chromium plays at a turn's second is that turn.

Each format goes the way of the product: a recording in a storage, its copy where browsers need one, bytes by `Range`.
"""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from playwright.sync_api import Page, sync_playwright

from include.clients.storage.local import LocalStorage
from plugins.web.calls.browser_api import playable, sound
from plugins.web.calls.browser_api.playable import PlayableSounds, Recording
from simulators.kit.in_process import running
from tests.browser.ui import ARGUMENTS, CHROMIUM

pytestmark = [
    pytest.mark.long,
    pytest.mark.chromium,
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]
RATE, TURNS, TONE_SEC = 8000, 20, 2.0
# The ear takes 0.09 s: it hears what began 0.3 s late just in time, and nothing that begins 0.3 s too early.


class Format(NamedTuple):
    """How FFmpeg writes a recording, and whether a player gets a copy of it."""

    name: str
    container: str
    codec: str
    copied: bool
    between: float = 5.0  # seconds from turn to turn
    bits: int | None = None
    encoder: Mapping[str, str] | None = None
    muxer: Mapping[str, str] | None = None


HOURS = 540.0  # seconds from turn to turn: three hours in all
FORMATS = [
    Format("pcm.wav", "wav", "pcm_s16le", copied=False),
    Format("alaw.wav", "wav", "pcm_alaw", copied=True),
    Format("adpcm.wav", "wav", "adpcm_ms", copied=True),
    Format("cbr.mp3", "mp3", "libmp3lame", copied=False, bits=24_000),
    Format("vbr.mp3", "mp3", "libmp3lame", copied=True, encoder={"flags": "+qscale", "global_quality": "590"},
           muxer={"write_xing": "0"}),
    Format("opus.ogg", "ogg", "libopus", copied=False),
    Format("call.amr", "amr", "libopencore_amrnb", copied=True, bits=12_200),
    Format("adts.aac", "adts", "aac", copied=True),
    Format("call.wma", "asf", "wmav2", copied=True, bits=32_000),
    Format("long_cbr.mp3", "mp3", "libmp3lame", copied=False, between=HOURS, bits=24_000),
    Format("long_vbr.mp3", "mp3", "libmp3lame", copied=True, between=HOURS,
           encoder={"flags": "+qscale", "global_quality": "590"}, muxer={"write_xing": "0"}),
]  # fmt: skip


def start_of(turn: int, between: float) -> float:
    return 1.0 + turn * between + (turn * 37 % 10) / 10


def hertz_of(turn: int) -> float:
    return 400.0 + 80 * turn


def write(path: Path, wanted: Format) -> None:
    noise = np.random.default_rng(1)
    with av.open(str(path), "w", format=wanted.container, options=dict(wanted.muxer or {})) as out:
        stream = out.add_stream(wanted.codec, rate=RATE, layout="mono", options=dict(wanted.encoder or {}))
        if wanted.bits:
            stream.bit_rate = wanted.bits
        at = 0
        for turn in range(TURNS):
            end = start_of(turn + 1, wanted.between) - 1.0
            part = noise.standard_normal(round(end * RATE) - at) * 20
            first = round(start_of(turn, wanted.between) * RATE) - at
            t = np.arange(round(TONE_SEC * RATE)) / RATE
            part[first : first + len(t)] += 8000 * np.sin(2 * np.pi * hertz_of(turn) * t)
            frame = AudioFrame.from_ndarray(part.astype(np.int16).reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, at
            at += len(part)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


PAGE = "<!doctype html><title>sound</title>"
LISTEN = """
async ({ source, places }) => {
  const audio = new Audio(source);
  const context = new AudioContext();
  const ear = context.createAnalyser();
  Object.assign(ear, { fftSize: 4096, smoothingTimeConstant: 0 });
  context.createMediaElementSource(audio).connect(ear);
  ear.connect(context.destination);
  const found = new Float32Array(ear.frequencyBinCount);
  await new Promise((done, fail) => {
    audio.onloadedmetadata = done;
    audio.onerror = () => fail(new Error(audio.error.message));
    audio.load();
  });
  const once = async (place) => {
    audio.pause();
    const there = new Promise((done) => audio.addEventListener("seeked", done, { once: true }));
    audio.currentTime = place;
    await there;
    await audio.play();
    while (audio.currentTime < place + 0.12) await new Promise((done) => setTimeout(done, 5));
    const at = audio.currentTime;
    ear.getFloatFrequencyData(found);
    audio.pause();
    let loudest = 0;
    for (let bin = 25; bin < 220; bin += 1) if (found[bin] > found[loudest] || bin === 25) loudest = bin;
    return { at, hertz: (loudest * context.sampleRate) / ear.fftSize, decibels: found[loudest] };
  };
  const all = [];
  for (const [place, latest] of places) {
    let heard = await once(place);
    for (let more = 0; heard.at > latest && more < 50; more += 1) heard = await once(place);  // the machine was busy
    all.push(heard);
  }
  return all;
}
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with sync_playwright() as playwright:
        arguments = [*ARGUMENTS, "--autoplay-policy=no-user-gesture-required"]
        home = {"HOME": str(tmp_path_factory.mktemp("home")), "TZ": "UTC"}
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments, env=home)
        yield browser.new_page()
        browser.close()


def served(storage: LocalStorage, sounds: PlayableSounds) -> FastAPI:
    app = FastAPI()

    @app.get("/")
    def empty() -> HTMLResponse:
        return HTMLResponse(PAGE)

    @app.get("/audio/{name}")
    async def audio(name: str, request: Request) -> Response:
        recording = Recording(f"raw/2026/11/27/{name}", name, f"playable/2026/11/27/{name}.ogg", 3 * 3600.0)
        found = sounds.of(recording, nullcontext)
        asked, whole = request.headers.get("range"), request.headers.get("if-range")
        return await sound.answer(
            storage, found.key, found.size, found.etag, asked=asked, if_range=whole, name=None, head=False
        )

    return app


# After some seeks in MPEG audio of a constant bit rate Chromium is later than that, whatever the server does.
LATE = pytest.mark.xfail(reason="Chromium may be more than 0.3 s late", strict=False)
WANTED = [
    pytest.param(each, id=each.name, marks=[LATE] if each.codec == "libmp3lame" and not each.copied else [])
    for each in FORMATS
]


@pytest.mark.parametrize("wanted", WANTED)
def test_what_is_heard_at_a_turns_second_is_the_turn(
    wanted: Format, page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playable, "COPY_WAIT_SECONDS", 600.0)
    storage = LocalStorage(tmp_path / "storage")
    recording = tmp_path / wanted.name
    write(recording, wanted)
    storage.put_file(f"raw/2026/11/27/{wanted.name}", recording, "audio/x")
    sounds = PlayableSounds(storage)
    starts = [start_of(turn, wanted.between) for turn in range(TURNS)]
    places = [place for start in starts for place in ((start - 0.5, start - 0.3), (start + 0.27, start + 1.5))]
    with running(served(storage, sounds)) as url:
        page.goto(url)
        heard: list[dict[str, Any]] = page.evaluate(LISTEN, {"source": f"/audio/{wanted.name}", "places": places})
    assert storage.exists(f"playable/2026/11/27/{wanted.name}.ogg") is wanted.copied
    for turn, (before, within) in enumerate(zip(heard[::2], heard[1::2], strict=True)):
        assert before["decibels"] < within["decibels"] - 15, (turn, starts[turn], before, within)
        assert abs(within["hertz"] - hertz_of(turn)) < 30, (turn, starts[turn], within)
        assert within["at"] < starts[turn] + 1.5

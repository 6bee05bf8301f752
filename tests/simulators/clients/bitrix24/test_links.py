"""The client against the simulated portal: links to recordings, and the recordings themselves."""

import hashlib
import io
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from include.clients.bitrix24.links import links_of
from include.clients.bitrix24.portal import Portal
from include.clients.bitrix24.recording_file import download
from include.common.errors import (
    AccessDenied,
    ContractBroken,
    ErrorCode,
    ExportError,
    MissingAudio,
    NotTheRecording,
    Permanent,
    Temporary,
    Throttled,
)
from include.common.telephony import RecordingLink, RecordingRequest
from simulators.bitrix24.app import TOKEN, PortalSimulator
from simulators.bitrix24.limits import Limits
from simulators.bitrix24.world import Audio, Call, PortalWorld
from simulators.kit.in_process import running
from tests.unit.clients.bitrix24.fakes import FakePace, Reply, portal_at, serving

START = datetime(2025, 8, 1, 9, tzinfo=UTC)
STORED = "2025/08/01/a.mp3"
GONE = (MissingAudio, ErrorCode.MISSING_AUDIO)
MAY_PASS = (Temporary, ErrorCode.DOWNLOAD_FAILED)
NOT_THE_RECORDING = (NotTheRecording, ErrorCode.DOWNLOAD_FAILED)  # the portal has promised a size


def encoded(container: str, codec: str, rate: int, **options: str) -> bytes:
    """Two seconds of noise."""
    noise = (np.random.default_rng(1).standard_normal((1, 2 * rate)) * 3000).astype("int16")
    frame = av.AudioFrame.from_ndarray(noise, format="s16", layout="mono")
    frame.sample_rate = rate
    out = io.BytesIO()
    with av.open(out, "w", format=container, options=options) as file:
        stream = file.add_stream(codec, rate=rate, layout="mono")
        resampler = av.AudioResampler(
            stream.codec_context.format, "mono", rate, stream.codec_context.frame_size or None
        )
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            file.mux(stream.encode(part))
    return out.getvalue()


MP3 = encoded("mp3", "libmp3lame", 8000, write_xing="0", id3v2_version="0")


@pytest.fixture
def simulator() -> PortalSimulator:
    world = PortalWorld([Call(3, START)])
    world.add(Call(1, START, file_id=9079), Audio(MP3))
    world.add(Call(2, START, storage_path=STORED), Audio(MP3))
    return PortalSimulator(world, token=TOKEN, limits=Limits(rps=10_000, bucket=10_000))


@pytest.fixture
def pace() -> FakePace:
    return FakePace()


@pytest.fixture
def portal(simulator: PortalSimulator, pace: FakePace) -> Iterator[Portal]:
    with running(simulator) as url, portal_at(url, pace, token=TOKEN) as portal:
        yield portal


def wanted(statistics_id: int, file_id: int | None = None) -> RecordingRequest:
    reference = str(file_id) if file_id else None
    return RecordingRequest((f"call{statistics_id}", str(file_id)), statistics_id, reference)


def link_to(portal: Portal, recording: RecordingRequest) -> RecordingLink:
    found = links_of(portal, [recording])[recording.key]
    assert isinstance(found, RecordingLink)
    return found


def why_not(portal: Portal, recording: RecordingRequest) -> ExportError:
    found = links_of(portal, [recording])[recording.key]
    assert isinstance(found, ExportError)
    return found


def test_both_kinds_of_recordings_are_downloaded(portal: Portal, tmp_path: Path) -> None:
    """A file of the portal's disk, and a link of the telephony's storage."""
    for recording in (wanted(1, 9079), wanted(2)):
        downloaded = download(portal, link_to(portal, recording), tmp_path / "audio")
        assert (tmp_path / "audio").read_bytes() == MP3
        assert (downloaded.size, downloaded.sha256) == (len(MP3), hashlib.sha256(MP3).hexdigest())
        assert downloaded.extension == "mp3"
    assert [path.name for path in tmp_path.iterdir()] == ["audio"]
    assert (tmp_path / "audio").stat().st_mode & 0o777 == 0o600


def test_fifty_links_cost_one_request(simulator: PortalSimulator, portal: Portal) -> None:
    for number in range(100, 150):
        simulator.world.add(Call(number, START, file_id=number), Audio(MP3))
    found = links_of(portal, [wanted(number, number) for number in range(100, 150)])
    assert all(isinstance(link, RecordingLink) and link.size == len(MP3) for link in found.values())
    assert [entry.where for entry in simulator.journal.entries(inner=False)] == ["batch"]


def test_one_file_of_two_calls_has_two_links(portal: Portal) -> None:
    assert len(links_of(portal, [wanted(1, 9079), wanted(3, 9079)])) == 2


def test_a_recording_that_has_moved_to_the_disk(simulator: PortalSimulator, portal: Portal) -> None:
    """The row is read again and shows the file."""
    simulator.world.calls[2].file_id = 9079
    assert link_to(portal, wanted(2)).size == len(MP3)


def test_dead_recordings_are_missing(simulator: PortalSimulator, portal: Portal) -> None:
    simulator.world.to_trash(9079)
    for recording in (wanted(1, 9079), wanted(1, 404), wanted(3), wanted(404)):
        assert isinstance(why_not(portal, recording), MissingAudio)


def test_closed_files(simulator: PortalSimulator, portal: Portal) -> None:
    """One closed file concerns its recording; many files, all closed, mean that the webhook has lost its right."""
    simulator.world.add(Call(5, START, file_id=5), Audio(MP3))
    simulator.world.files[5].denied = True
    both = [wanted(1, 9079), wanted(5, 5)]
    found = links_of(portal, both)
    assert isinstance(found[both[0].key], RecordingLink)
    assert isinstance(found[both[1].key], Permanent)
    simulator.world.files[9079].denied = True
    assert {type(found) for found in links_of(portal, both).values()} == {Permanent}, "two may lie in one closed folder"
    many = [wanted(number, number) for number in range(10, 20)]
    for number in range(10, 20):
        simulator.world.add(Call(number, START, file_id=number), Audio(MP3))
        simulator.world.files[number].denied = True
    with pytest.raises(AccessDenied):
        links_of(portal, many)


def test_a_failure_inside_the_portal_is_temporary(simulator: PortalSimulator, portal: Portal) -> None:
    body = {"error": "INTERNAL_SERVER_ERROR", "error_description": ""}
    simulator.faults.add("disk.file.get", "error", body=body, status=500)
    failure = why_not(portal, wanted(1, 9079))
    assert isinstance(failure, Temporary)
    assert failure.code is ErrorCode.DOWNLOAD_FAILED


def test_a_row_that_was_not_requested_is_refused(portal: Portal, simulator: PortalSimulator) -> None:
    simulator.world.calls[2].fields["ID"] = "77"
    simulator.methods._table["voximplant.statistic.get"] = lambda call: simulator.methods._statistics(
        type(call)({"start": -1}, call.base_url, call.now)
    )
    with pytest.raises(ContractBroken):
        links_of(portal, [wanted(2)])


def failure_of(portal: Portal, link: RecordingLink, folder: Path, **options: Any) -> ExportError:
    with pytest.raises(ExportError) as raised:
        download(portal, link, folder / "audio", **options)
    assert list(folder.iterdir()) == []
    return raised.value


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (("status", {"status": 404}), GONE),
        (("status", {"status": 410}), GONE),
        (("empty", {}), NOT_THE_RECORDING),
        (("html200", {}), NOT_THE_RECORDING),
        (("body", {"body": {"error": "ERROR_NOT_FOUND"}}), GONE),
        (("body", {"body": {"error": "expired_token"}}), MAY_PASS),
        (("status", {"status": 500}), MAY_PASS),
        (("status", {"status": 503}), MAY_PASS),
        (("status", {"status": 403}), MAY_PASS),
        (("status", {"status": 401, "body": {"error": "expired_token"}}), MAY_PASS),
        (("status", {"status": 404, "headers": {"Content-Disposition": "attachment"}}), MAY_PASS),
        (("truncate", {}), MAY_PASS),
        (("short", {}), MAY_PASS),
        (("wrong_length", {}), MAY_PASS),
        (("drop_connection", {}), MAY_PASS),
    ],
)
def test_each_bad_response_has_its_error(
    simulator: PortalSimulator, portal: Portal, tmp_path: Path, fault: tuple[str, Any], expected: tuple[Any, ErrorCode]
) -> None:
    """A dead link ends the recording; what may pass is tried again. No file stays."""
    what, options = fault
    link = link_to(portal, wanted(1, 9079))
    simulator.faults.add("download", what, **options)
    failure = failure_of(portal, link, tmp_path)
    assert (type(failure), failure.code) == expected
    assert download(portal, link, tmp_path / "audio").size == len(MP3)


def test_an_expired_link_is_temporary(simulator: PortalSimulator, portal: Portal, tmp_path: Path) -> None:
    """A fresh link then works."""
    simulator.links.ttl_seconds = -1
    failure = failure_of(portal, link_to(portal, wanted(1, 9079)), tmp_path)
    assert isinstance(failure, Temporary)
    assert "expired" in str(failure)
    simulator.links.ttl_seconds = 60
    download(portal, link_to(portal, wanted(1, 9079)), tmp_path / "audio")


def test_downloads_send_the_documented_headers(simulator: PortalSimulator, portal: Portal, tmp_path: Path) -> None:
    simulator.picky_downloads = True
    assert download(portal, link_to(portal, wanted(1, 9079)), tmp_path / "audio").size == len(MP3)


def test_only_downloads_by_rest_are_paced(portal: Portal, pace: FakePace, tmp_path: Path) -> None:
    disk, stored = link_to(portal, wanted(1, 9079)), link_to(portal, wanted(2))
    before = pace.permits
    download(portal, disk, tmp_path / "audio")
    assert pace.permits == before + 1
    download(portal, stored, tmp_path / "audio")
    assert pace.permits == before + 1


def test_a_refused_download_is_waited_out(
    simulator: PortalSimulator, portal: Portal, pace: FakePace, tmp_path: Path
) -> None:
    """Endless refusals end as Throttled."""
    link = link_to(portal, wanted(1, 9079))
    body = {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}
    simulator.faults.add("download", "status", times=2, status=503, body=body)
    assert download(portal, link, tmp_path / "audio").size == len(MP3)
    assert [code for code, *_ in pace.refusals] == ["QUERY_LIMIT_EXCEEDED"] * 2
    simulator.faults.add("download", "status", times=-1, status=503, body=body)
    (tmp_path / "audio").unlink()
    assert isinstance(failure_of(portal, link, tmp_path), Throttled)


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest", "http://127.0.0.1:9/x", "file:///etc/passwd", "http://evil.example/x"]
)
def test_redirect_to_a_forbidden_host_is_refused(
    simulator: PortalSimulator, portal: Portal, tmp_path: Path, target: str
) -> None:
    link = link_to(portal, wanted(1, 9079))
    simulator.faults.add("download", "redirect", url=target)
    failure = failure_of(portal, link, tmp_path)
    assert isinstance(failure, Permanent)
    assert failure.code is ErrorCode.FORBIDDEN_HOST


def test_redirects_of_a_download(tmp_path: Path) -> None:
    """To a named host it is followed; a circle and a target that is no address end in an error."""
    with serving(Reply(200, MP3)) as storage, serving() as front:
        front.replies = [Reply(302, b"", {"Location": f"{storage.url}/a"}), Reply(302, b"", {"Location": "/b"})]
        named = storage.url.removeprefix("http://")
        with portal_at(front.url, recording_hosts=[named]) as portal:
            assert download(portal, RecordingLink(f"{front.url}/x"), tmp_path / "audio").size == len(MP3)
            assert storage.requests[0].headers["Host"] == named
            (tmp_path / "audio").unlink()
            front.replies = [Reply(302, b"", {"Location": "http://[::1/x"}), *front.replies]
            assert "nowhere" in str(failure_of(portal, RecordingLink(f"{front.url}/x"), tmp_path))
            assert "circle" in str(failure_of(portal, RecordingLink(f"{front.url}/x"), tmp_path))


def test_too_large_and_too_slow_downloads_end(simulator: PortalSimulator, tmp_path: Path) -> None:
    ticks = iter(range(0, 10_000, 100))
    with running(simulator) as url, portal_at(url, token=TOKEN, clock=lambda: float(next(ticks))) as portal:
        link = link_to(portal, wanted(1, 9079))
        large = failure_of(portal, link, tmp_path, max_bytes=len(MP3) - 1)
        assert isinstance(large, Permanent)
        assert "larger" in str(large)
        slow = failure_of(portal, link, tmp_path, max_seconds=50)
        assert isinstance(slow, Temporary)
        assert "did not arrive" in str(slow)


@pytest.mark.parametrize(
    ("audio", "extension"),
    [
        (MP3, "mp3"),
        (MP3[100:], "mp3"),
        (encoded("mp3", "libmp3lame", 44100), "mp3"),
        (encoded("wav", "pcm_s16le", 8000), "wav"),
        (encoded("wav", "pcm_alaw", 8000), "wav"),
        (encoded("ogg", "libopus", 48000), "ogg"),
        (encoded("flac", "flac", 8000), "flac"),
        (encoded("ipod", "aac", 16000), "m4a"),
        (encoded("webm", "libopus", 48000), "webm"),
        (encoded("adts", "aac", 16000), "aac"),
    ],
    ids=["mp3-bare", "mp3-cut", "mp3-tagged", "wav", "wav-alaw", "ogg", "flac", "m4a", "webm", "aac"],
)
def test_container_is_known_by_its_content(
    simulator: PortalSimulator, portal: Portal, tmp_path: Path, audio: bytes, extension: str
) -> None:
    simulator.world.add(Call(8, START, file_id=8), Audio(audio, "mp3"))
    assert download(portal, link_to(portal, wanted(8, 8)), tmp_path / "audio").extension == extension


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x01" * 4000,
        b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b"PK\x03\x04",
    ],
    ids=["noise", "playlist", "archive"],
)
def test_a_file_without_audio_is_refused(
    simulator: PortalSimulator, portal: Portal, tmp_path: Path, content: bytes
) -> None:
    """Above all a playlist: opened, it would make the decoder read foreign files and addresses."""
    simulator.world.add(Call(8, START, file_id=8), Audio(content))
    failure = failure_of(portal, link_to(portal, wanted(8, 8)), tmp_path)
    assert failure.code is ErrorCode.NOT_AUDIO


def test_no_failure_shows_the_link(
    simulator: PortalSimulator, portal: Portal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "urllib3")
    link = link_to(portal, wanted(1, 9079))
    simulator.faults.add("download", "drop_connection")
    failure = failure_of(portal, link, tmp_path)
    simulator.faults.add("download", "truncate")
    cut = failure_of(portal, link, tmp_path)
    shown = "".join("".join(traceback.format_exception(error)) for error in (failure, cut)) + repr(link) + caplog.text
    assert "auth=" not in shown
    assert "download.json" not in shown
    assert failure.__context__ is cut.__context__ is None

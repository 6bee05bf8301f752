"""Audio from any server is saved whole, measured and checked; tests of the portal's client hold the other cases."""

import hashlib
import wave
from pathlib import Path

import pytest
import requests

from include.common.audio_download import save_audio
from include.common.errors import ErrorCode, ExportError, MissingAudio, NotTheRecording, Permanent, Temporary
from include.common.http_sessions import api_session
from include.common.telephony import DownloadedFile
from tests.unit.clients.bitrix24.fakes import Reply, serving


@pytest.fixture
def audio(tmp_path: Path) -> bytes:
    path = tmp_path / "source"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16000))
    content = path.read_bytes()
    path.unlink()
    return content


def saved(reply: Reply, folder: Path, **options: object) -> DownloadedFile:
    with serving(reply) as server, api_session() as session, session.get(server.url, stream=True) as response:
        return save_audio(response, folder / "audio", **options)  # type: ignore[arg-type]


def test_a_whole_file_is_saved_for_its_owner_alone(audio: bytes, tmp_path: Path) -> None:
    expected = DownloadedFile(len(audio), hashlib.sha256(audio).hexdigest(), "wav")
    assert saved(Reply(200, audio), tmp_path, expected_size=len(audio)) == expected
    assert (tmp_path / "audio").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (Reply(200, b""), MissingAudio, ErrorCode.MISSING_AUDIO),
        (Reply(200, b"<html>gone</html>"), NotTheRecording, ErrorCode.DOWNLOAD_FAILED),
        (Reply(200, b"\x00\x01" * 4000), Permanent, ErrorCode.NOT_AUDIO),
        (Reply(200, b"\x00\x01" * 4000, cut=100), Temporary, ErrorCode.DOWNLOAD_FAILED),
    ],
    ids=["empty", "page", "noise", "cut"],
)
def test_a_bad_body_leaves_no_file(reply: Reply, kind: type[ExportError], code: ErrorCode, tmp_path: Path) -> None:
    with pytest.raises(kind) as raised:
        saved(reply, tmp_path)
    assert raised.value.code is code
    assert list(tmp_path.iterdir()) == []


def test_an_endless_body_is_cut_off(audio: bytes, tmp_path: Path) -> None:
    """By size for good, by time until the next try; nothing of it stays on the disk."""
    assert saved(Reply(200, audio), tmp_path, max_bytes=len(audio)).size == len(audio)
    (tmp_path / "audio").unlink()
    with pytest.raises(Permanent, match="larger than"):
        saved(Reply(200, audio), tmp_path, max_bytes=len(audio) - 1)
    instants = iter([0.0, 61.0, 62.0])
    with pytest.raises(Temporary, match="did not arrive in 60 s"):
        saved(Reply(200, audio), tmp_path, max_seconds=60.0, clock=lambda: next(instants))
    assert list(tmp_path.iterdir()) == []


def test_fewer_bytes_than_announced_may_pass(audio: bytes, tmp_path: Path) -> None:
    """The system that gave the link knows the size, whatever the server of the file says."""
    with pytest.raises(Temporary, match="announced"):
        saved(Reply(200, audio), tmp_path, expected_size=len(audio) + 1)


@pytest.mark.parametrize("body", [b"<html>maintenance</html>", b""], ids=["page", "nothing"])
@pytest.mark.parametrize("size", [None, 480_000], ids=["unknown size", "announced size"])
def test_what_is_no_recording_says_whether_one_was_announced(body: bytes, size: int | None, tmp_path: Path) -> None:
    """A system that knows the size has the recording; without one, an empty file is a deleted one."""
    with pytest.raises(ExportError) as raised:
        saved(Reply(200, body), tmp_path, expected_size=size)
    if body or size:
        assert isinstance(raised.value, NotTheRecording)
        assert raised.value.promised == bool(size)
    else:
        assert isinstance(raised.value, MissingAudio)


def test_the_client_explains_a_page(tmp_path: Path) -> None:
    def busy(page: bytes, *, promised: bool) -> ExportError:
        assert not promised
        return Temporary(page.decode(), code=ErrorCode.DOWNLOAD_FAILED)

    with pytest.raises(Temporary, match="busy"):
        saved(Reply(200, b'{"error": "busy"}'), tmp_path, page_error=busy)


def test_a_session_follows_no_redirect() -> None:
    """Followed by the library, a POST would become a GET."""
    with serving(Reply(302, b"", {"Location": "/elsewhere"})) as server, api_session() as session:
        assert session.post(server.url).status_code == 302
        assert len(server.requests) == 1


def test_a_session_has_no_proxy_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that is in no setting of ours would see the secret of the request."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serving(Reply(200, b"x")) as server, api_session() as session:
        assert session.get(server.url).content == b"x"
    with pytest.raises(requests.ConnectionError):
        requests.get("http://portal.example/", timeout=1)

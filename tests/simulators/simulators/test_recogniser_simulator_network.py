"""The proxy and the Slack sink of the tests, and the command line that the demo starts."""

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
import requests
import trustme

from simulators.kit.in_process import running
from simulators.openai.app import RecogniserSimulator
from simulators.proxy import ProxiedRequest, ProxySimulator, proxying
from simulators.slack import SlackSimulator
from simulators.sound.dialogues import record_briefly
from tests.kit.paths import ROOT


@pytest.fixture
def slack() -> Iterator[tuple[SlackSimulator, str]]:
    simulator = SlackSimulator()
    with running(simulator) as url:
        yield simulator, url


def through(proxy_url: str) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.proxies = {"http": proxy_url, "https": proxy_url}
    return session


def test_slack_keeps_messages(slack: tuple[SlackSimulator, str]) -> None:
    simulator, url = slack
    response = requests.post(f"{url}/services/T0/B0/x", json={"text": "Экспорт готов"}, timeout=10)
    assert (response.status_code, response.text) == (200, "ok")
    assert requests.post(f"{url}/services/T0/B0/x", json={}, timeout=10).status_code == 400
    assert simulator.messages == [{"text": "Экспорт готов"}]


def test_plain_requests_pass_and_are_recorded(slack: tuple[SlackSimulator, str]) -> None:
    simulator, url = slack
    proxy = ProxySimulator()
    with proxying(proxy) as proxy_url, through(proxy_url) as session:
        for number in range(2):
            assert session.post(f"{url}/services/x", json={"text": str(number)}, timeout=10).text == "ok"
    assert [message["text"] for message in simulator.messages] == ["0", "1"]
    assert proxy.journal == [ProxiedRequest("POST", url.removeprefix("http://"), 200)] * 2


def test_a_proxy_with_a_password(slack: tuple[SlackSimulator, str]) -> None:
    simulator, url = slack
    proxy = ProxySimulator(user="user", password="secret")
    with proxying(proxy) as proxy_url:
        with through(proxy_url) as session:
            assert session.post(f"{url}/services/x", json={"text": "a"}, timeout=10).status_code == 407
        with through(proxy_url.replace("//", "//user:secret@")) as session:
            assert session.post(f"{url}/services/x", json={"text": "b"}, timeout=10).text == "ok"
    assert [message["text"] for message in simulator.messages] == ["b"]
    assert [passed.status for passed in proxy.journal] == [407, 200]
    assert proxy.targets() == {url.removeprefix("http://")}


def test_a_target_that_is_down_is_a_bad_gateway() -> None:
    proxy = ProxySimulator(resolve={"gone.invalid:80": "127.0.0.1:1"})
    with proxying(proxy) as proxy_url, through(proxy_url) as session:
        assert session.get("http://gone.invalid/", timeout=10).status_code == 502


def test_tls_goes_through_a_tunnel(tmp_path: Path) -> None:
    """`resolve` leads the real name of a service to a simulator; the proxy sees only CONNECT."""
    authority = trustme.CA()
    issued = authority.issue_cert("api.openai.com")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    simulator, proxy = RecogniserSimulator(), ProxySimulator()
    with (
        running(simulator, cert=tmp_path / "cert.pem", key=tmp_path / "key.pem") as url,
        proxying(proxy) as proxy_url,
        openai.DefaultHttpxClient(proxy=proxy_url, verify=trusting, trust_env=False) as http,
    ):
        proxy.resolve["api.openai.com:443"] = url.removeprefix("https://")
        client = openai.OpenAI(api_key=simulator.key, http_client=http, max_retries=0)
        file = ("a.mp3", record_briefly(1), "audio/mpeg")
        assert "[симуляция]" in client.audio.transcriptions.create(model="gpt-transcribe", file=file).text
    assert proxy.journal == [ProxiedRequest("CONNECT", "api.openai.com:443", 200)]


@pytest.mark.parametrize(
    ("arguments", "path", "status"),
    [
        (
            ["portal", "--token", "T", "--from", "2025-08-01", "--to", "2025-08-02", "--calls", "5"],
            "/rest/1/T/scope",
            200,
        ),
        (["recogniser", "--key", "K"], "/v1/models", 401),
        (["slack"], "/__control__/journal", 200),
    ],
)
def test_the_command_prints_its_url_and_serves(arguments: list[str], path: str, status: int) -> None:
    command = [sys.executable, "-m", "simulators", *arguments, "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            assert requests.get(url + path, timeout=10).status_code == status
        finally:
            process.terminate()
        assert process.wait(timeout=10) in (0, -15)


def test_a_folder_without_recordings_is_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "simulators", "portal", "--from", "2025-08-01", "--to", "2025-08-01"]
    finished = subprocess.run(
        [*command, "--recordings-dir", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 2
    assert "no usable" in finished.stderr
    assert "Traceback" not in finished.stderr

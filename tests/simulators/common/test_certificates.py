"""A company's own certificate authority and a proxy that opens TLS: who is trusted, and what a refusal says.

Each client meets a server whose certificate comes from an authority that the machine does not know, as it does behind
a proxy that opens TLS: the client asks for a tunnel to the real name and finds the company's certificate there.
"""

import datetime
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from include.clients.bitrix24.telephony import PortalSettings, open_alone
from include.clients.bitrix24.webhook import Webhook
from include.clients.openai import client as openai_client
from include.clients.openai.model_list import listed_models
from include.clients.storage.from_connection import storage_of
from include.common.certificates import CertificateRefusal, certificate_refusal
from include.common.errors import ExportError
from include.common.wording.problems import sentence
from ops.settings.authorities import authorities
from ops.settings.env_file import Settings
from ops.settings.profile import Runtime
from simulators.bitrix24.app import PortalSimulator
from simulators.bitrix24.limits import Limits
from simulators.kit.in_process import running
from simulators.openai.app import RecogniserSimulator
from simulators.proxy import ProxySimulator, proxying
from tests.kit.small_world import world_of

NOW = datetime.datetime(2025, 8, 3, tzinfo=datetime.UTC)


@dataclass
class Company:
    """Its authority, its file of the authority's certificate, and certificates that it issues."""

    authority: trustme.CA
    folder: Path

    @property
    def bundle(self) -> Path:
        file = self.folder / "company.pem"
        self.authority.cert_pem.write_to_path(file)
        return file

    def issued(self, *names: str, **options: object) -> dict[str, Path]:
        made = self.authority.issue_cert(*names, **options)  # type: ignore[arg-type]
        found = {"cert": self.folder / f"{names[0]}.pem", "key": self.folder / f"{names[0]}.key"}
        made.cert_chain_pems[0].write_to_path(found["cert"])
        made.private_key_pem.write_to_path(found["key"])
        return found


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(trustme.CA(organization_name="Company"), tmp_path)


@pytest.fixture
def trusting(company: Company, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], dict[str, str]]:
    """Sets what CA_BUNDLE does to the environment of every process of the system."""

    def trust() -> dict[str, str]:
        settings = Settings(
            b24_base_url="https://portal.example", b24_webhook_user_id="1", b24_webhook_token="t",  # type: ignore[arg-type]
            ca_bundle=str(company.bundle),
        )  # fmt: skip
        found = authorities(settings, Runtime("test", tmp_path))
        for name, value in found.items():
            monkeypatch.setenv(name, value)
        openai_client.certificates.cache_clear()
        return found

    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    openai_client.certificates.cache_clear()
    return trust


@pytest.fixture(autouse=True)
def _no_certificates_of_another_test() -> Iterator[None]:
    yield
    openai_client.certificates.cache_clear()


@contextmanager
def refused_for(reason: CertificateRefusal, host: str) -> Iterator[None]:
    with pytest.raises(ExportError) as caught:
        yield
    assert caught.value.problem == reason
    assert "certificate" in str(caught.value)
    said = sentence(caught.value)
    assert said.startswith(f"{host}: ")
    assert "сертификат" in said


def test_the_portal_behind_a_private_authority(company: Company, trusting: Callable[[], dict[str, str]]) -> None:
    simulator = PortalSimulator(world_of(1), limits=Limits(rps=1000, bucket=1000))

    def check(bundle: str | None) -> None:
        webhook = Webhook.of(url, simulator.user, simulator.token)
        with open_alone(webhook, PortalSettings(rate=1000, ca_bundle=bundle)) as telephony:
            telephony.check_access(NOW)

    with running(simulator, **company.issued("127.0.0.1")) as url:
        with refused_for(CertificateRefusal.UNKNOWN_AUTHORITY, "127.0.0.1"):
            check(None)
        assert simulator.journal.count() == 0
        check(trusting()["REQUESTS_CA_BUNDLE"])


def test_the_recogniser_behind_a_proxy_that_opens_tls(company: Company, trusting: Callable[[], dict[str, str]]) -> None:
    simulator, proxy = RecogniserSimulator(), ProxySimulator()
    with running(simulator, **company.issued("api.openai.com")) as opened, proxying(proxy) as proxy_url:
        proxy.resolve["api.openai.com:443"] = opened.removeprefix("https://")

        def models() -> list[str]:
            return listed_models(api_key=simulator.key, base_url=None, proxy_url=proxy_url)

        with refused_for(CertificateRefusal.UNKNOWN_AUTHORITY, "api.openai.com"):
            models()
        trusting()
        assert "gpt-transcribe" in models()
    assert proxy.targets() == {"api.openai.com:443"}


@pytest.mark.s3
def test_a_storage_behind_a_private_authority(
    company: Company, trusting: Callable[[], dict[str, str]], s3_server: str, s3_bucket: str
) -> None:
    from tests.integration.clients.storage.s3_front import S3Front

    with running(S3Front(s3_server), **company.issued("127.0.0.1")) as url:

        def check() -> None:
            extra = {"endpoint_url": url, "region_name": "us-east-1", "bucket": s3_bucket}
            conn = {"conn_type": "aws", "login": "test", "password": "test", "extra": extra}
            storage_of("call_export_storage", conn).get_bytes("check")

        with refused_for(CertificateRefusal.UNKNOWN_AUTHORITY, "127.0.0.1"):
            check()
        trusting()
        with pytest.raises(ExportError, match="has no check"):  # the bucket answers: there is no such object
            check()


def test_a_certificate_of_another_name_or_time_is_not_called_unknown(
    company: Company, trusting: Callable[[], dict[str, str]]
) -> None:
    trusting()
    simulator = RecogniserSimulator()
    long_ago = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    for files, reason in (
        (company.issued("other.example"), CertificateRefusal.OTHER_NAME),
        (company.issued("127.0.0.1", not_after=long_ago), CertificateRefusal.DATES),
    ):
        with running(simulator, **files) as url, refused_for(reason, "127.0.0.1"):
            listed_models(api_key="k", base_url=f"{url}/v1", proxy_url=None)


def test_public_authorities_stay_trusted(company: Company, trusting: Callable[[], dict[str, str]]) -> None:
    file = trusting()["SSL_CERT_FILE"]
    trusted = ssl.create_default_context(cafile=file).get_ca_certs()
    assert len(trusted) > 50
    assert any("Company" in str(each["subject"]) for each in trusted)


def test_other_failures_of_a_connection_are_none_of_certificates() -> None:
    assert certificate_refusal(ConnectionRefusedError()) is None
    assert certificate_refusal(ssl.SSLError("wrong version number")) is None


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_file_without_certificates_stops_the_start(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "company.pem"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    settings = Settings(
        b24_base_url="https://portal.example", b24_webhook_user_id="1", b24_webhook_token="t",  # type: ignore[arg-type]
        ca_bundle=str(file),
    )  # fmt: skip
    with pytest.raises(ExportError) as caught:
        authorities(settings, Runtime("test", tmp_path))
    assert caught.value.problem == "ca_bundle_unusable"

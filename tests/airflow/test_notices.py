"""Messages and reports reach people through other receivers than Slack: letters read as their readers see them."""

import asyncio
import json
import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import trustme
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.common.notice import Notice
from include.common.wording.problems import sentence
from ops.settings.connections import connections
from ops.settings.env_file import Settings, load_settings
from ops.settings.generated_secrets import Generated
from ops.settings.profile import Runtime
from plugins.airflow_kit import notices
from plugins.calls.report_mail import report_mailed
from simulators.kit.in_process import running
from tests.kit.mail_server import PASSWORD, Mailbox, mail_server
from tests.kit.small_world import by_sql, world_of
from tests.kit.whole_export import Export, export_over

NOTICE = Notice(
    ":x:", "Выгрузка не удалась", ["Период 1–31 августа", "ошибок 3 <из> 5"], "https://a.example/x", "Открыть", "run 7"
)
LINK = "https://airflow.example.com/dags/call_export/runs/a"


def settings_of(**values: str) -> Settings:
    plain = {"b24_base_url": "https://portal.example", "b24_webhook_user_id": "1", "b24_webhook_token": "t"}
    return Settings(**plain | values)  # type: ignore[arg-type]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The connections that these settings make, as tasks find them."""

    def make(**values: str) -> None:
        found = connections(
            settings_of(**values), Runtime(), Generated.fresh(), state_url="dbname=a", api_url="http://x"
        )
        for conn_id in ("slack", "alerts", "mail"):
            name = f"AIRFLOW_CONN_{conn_id.upper()}"
            monkeypatch.delenv(name, raising=False)
            if conn_id in found:
                monkeypatch.setenv(name, json.dumps(found[conn_id]))

    return make


def readable(letter: EmailMessage) -> str:
    body = letter.get_body(("html", "plain"))
    assert body is not None
    return str(body.get_content())


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_message_is_a_letter(connect: Callable[..., None]) -> None:
    mailbox = Mailbox()
    with mail_server(mailbox, auth_require_tls=False, auth_required=True) as port:
        user = "robot%40company.ru:pass%3Aword%2Fwith%40signs"
        connect(smtp_url=f"smtp://{user}@127.0.0.1:{port}?tls=no", alerts_to="mailto:a@x.ru, b@x.ru")
        assert notices.send(NOTICE)
        assert asyncio.run(_asent())
    first, second = mailbox.letters
    assert first["Subject"] == second["Subject"] == "Выгрузка не удалась"
    assert first["From"] == "robot@company.ru"
    assert first["To"] == "a@x.ru, b@x.ru"
    assert mailbox.readers == ["a@x.ru", "b@x.ru"] * 2
    assert mailbox.logins == [("robot@company.ru", PASSWORD)] * 2
    assert "ошибок 3 &lt;из&gt; 5" in readable(first)
    assert '<a href="https://a.example/x">Открыть</a>' in readable(first)


async def _asent() -> bool:
    return await notices.asend(NOTICE, await notices.aconnected())


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_letters_go_by_tls_with_a_checked_certificate(
    connect: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    how = {"ssl_context": context} if scheme == "smtps" else {"tls_context": context, "require_starttls": True}
    mailbox = Mailbox()
    with mail_server(mailbox, **how) as port:
        connect(smtp_url=f"{scheme}://127.0.0.1:{port}?from=robot@x.ru", alerts_to="mailto:a@x.ru")
        assert not notices.send(NOTICE), "an authority that is not known"
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert notices.send(NOTICE)
    assert [letter["From"] for letter in mailbox.letters] == ["robot@x.ru"]


def test_a_mail_server_that_hangs_or_refuses_costs_seconds_and_no_secret(
    connect: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        connect(smtp_url=f"smtp://robot%40x.ru:SECRETSECRET@127.0.0.1:{port}?tls=no", alerts_to="mailto:a@x.ru")
        began = time.monotonic()
        assert not notices.send(NOTICE)
        assert time.monotonic() - began < notices.LONGEST_SECONDS + 2
    assert "SECRETSECRET" not in caplog.text


@contextmanager
def any_service() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A receiver of JSON: the plainest of Apprise's services, and a webhook like Slack's."""
    seen: list[dict[str, Any]] = []

    async def take(request: Request) -> Response:
        seen.append(await request.json())
        return Response("ok", 403 if request.url.path.startswith("/refuses") else 200)

    with running(Starlette(routes=[Route("/{rest:path}", take, methods=["POST"])])) as url:
        yield url, seen


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_apprise_is_another_way_and_its_refusal_is_noticed(connect: Callable[..., None]) -> None:
    pytest.importorskip("apprise")
    with any_service() as (url, seen):
        connect(alerts_to=url.replace("http://", "json://") + "/takes")
        assert notices.send(NOTICE)
        assert asyncio.run(_asent())
        assert [one["title"] for one in seen] == ["Выгрузка не удалась"] * 2
        assert seen[0]["message"] == "Период 1–31 августа\nошибок 3 <из> 5\nОткрыть: https://a.example/x\nrun 7"
        connect(alerts_to=url.replace("http://", "json://") + "/refuses")
        assert not notices.send(NOTICE)


def test_a_webhook_like_slacks_is_read_by_slack_and_another_at_once(connect: Callable[..., None]) -> None:
    with any_service() as (url, seen):
        connect(slack_webhook_url=f"{url}/services/T/B/X", alerts_to=f"{url}/hooks/abc")
        assert notices.send(NOTICE)
    assert len(seen) == 2
    assert seen[0]["text"].startswith(":x: *Выгрузка не удалась*")


def test_one_receiver_that_fails_does_not_hide_from_the_other(connect: Callable[..., None]) -> None:
    with any_service() as (url, seen):
        connect(slack_webhook_url=f"{url}/refuses/services/T/B/X", alerts_to=f"{url}/hooks/abc")
        assert notices.send(NOTICE)
        connect(slack_webhook_url=f"{url}/refuses/services/T/B/X", alerts_to=f"{url}/refuses/abc")
        assert not notices.send(NOTICE)
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"ALERTS_TO": "mailto:a@x.ru"}, "smtp_missing"),
        ({"REPORT_MAIL_TO": "a@x.ru"}, "smtp_missing"),
        ({"ALERTS_TO": "somebody"}, "setting_unusable"),
        ({"ALERTS_TO": "mailto:a", "SMTP_URL": "smtp://m.ru?from=a@x.ru"}, "setting_unusable"),
        ({"SMTP_URL": "smtp://m.ru"}, "setting_unusable"),
        ({"SMTP_URL": "http://m.ru?from=a@x.ru"}, "setting_unusable"),
        ({"REPORT_MAIL_TO": "a@x.ru;b", "SMTP_URL": "smtp://m.ru?from=a@x.ru"}, "setting_unusable"),
    ],
)
def test_what_cannot_be_sent_to_is_refused_at_the_door(values: dict[str, str], problem: str, tmp_path: Path) -> None:
    from include.common.errors import NotConfigured

    env = {"B24_BASE_URL": "https://p.example", "B24_WEBHOOK_USER_ID": "1", "B24_WEBHOOK_TOKEN": "t", **values}
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in env.items()), encoding="utf-8")
    with pytest.raises(NotConfigured) as caught:
        load_settings(tmp_path / ".env")
    assert caught.value.problem == problem
    assert sentence(caught.value)


def test_letters_in_the_clear_are_refused_unless_a_person_vouches_for_the_network() -> None:
    from include.common.errors import NotConfigured
    from ops.settings.transport import require_protection

    settings = settings_of(smtp_url="smtp://mail.company.ru?tls=no&from=a@x.ru")
    with pytest.raises(NotConfigured) as caught:
        require_protection(settings)
    assert caught.value.problem == "plain_mail"
    require_protection(settings.model_copy(update={"unprotected_hosts": "mail.company.ru"}))
    require_protection(settings.model_copy(update={"smtp_url": SecretStr("smtp://mail.company.ru?from=a@x.ru")}))


# ---------------------------------------------------------------- registry and report


@pytest.fixture
def export(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Export]:
    parts = {key: str(value) for key, value in conninfo_to_dict(database).items()}
    state = {"conn_type": "postgres", "host": parts.get("host"), "login": parts.get("user"), "schema": parts["dbname"]}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_DB", json.dumps(state))
    folder = tmp_path / "storage"
    storage = {"conn_type": "fs", "extra": {"path": str(folder)}}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_STORAGE", json.dumps(storage))
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_POLICY", json.dumps({"conn_type": "generic", "extra": {}}))
    with export_over(world_of(3), database, folder) as export:
        yield export


@pytest.mark.postgres
def test_registry_and_report_are_mailed_once_for_each_end_of_a_run(
    export: Export, connect: Callable[..., None]
) -> None:
    outcome, mailbox = export.run(), Mailbox()
    with mail_server(mailbox) as port:
        connect(smtp_url=f"smtp://127.0.0.1:{port}?tls=no&from=robot@x.ru", report_mail_to="a@x.ru,b@x.ru")
        for _ in range(3):
            report_mailed(outcome.run_id, outcome.verdict.sentence, LINK)
    (letter,) = mailbox.letters
    assert mailbox.readers == ["a@x.ru", "b@x.ru"]
    assert letter["Subject"] == "Тексты звонков 01.08.2025 — 02.08.2025: реестр и отчёт"
    body = readable(letter)
    assert outcome.verdict.sentence[1:] in body
    assert "не пересылайте дальше" in body
    assert LINK in body
    files = {part.get_filename(): part.get_content() for part in letter.iter_attachments()}
    assert set(files) == {"calls_2025-08-01_2025-08-02.xlsx", "summary_2025-08-01_2025-08-02.pdf"}
    sheet = openpyxl.load_workbook(BytesIO(files["calls_2025-08-01_2025-08-02.xlsx"])).active
    assert sheet is not None
    assert sheet.max_row == 1 + 3
    kinds = by_sql(export.conninfo, "SELECT event FROM call_events WHERE detail ->> 'kind' = 'report_mailed'")
    assert kinds == [("notified",)]


@pytest.mark.postgres
def test_files_that_are_too_large_are_named_with_their_place(
    export: Export, connect: Callable[..., None], tmp_path: Path
) -> None:
    outcome, mailbox = export.run(), Mailbox()
    report = next((tmp_path / "storage").rglob("calls_*.xlsx"))
    report.write_bytes(b"x" * 16_000_000)
    with mail_server(mailbox) as port:
        connect(smtp_url=f"smtp://127.0.0.1:{port}?tls=no&from=robot@x.ru", report_mail_to="a@x.ru")
        report_mailed(outcome.run_id, outcome.verdict.sentence, LINK)
    (letter,) = mailbox.letters
    assert list(letter.iter_attachments()) == []
    assert "Вложений нет: файлы занимают 16,0" in readable(letter).replace("\N{NO-BREAK SPACE}", " ")
    assert str(report) in readable(letter)


@pytest.mark.postgres
def test_a_forecast_a_trial_and_a_failed_run_are_not_mailed(export: Export, connect: Callable[..., None]) -> None:
    mailbox = Mailbox()
    runs = [export.run(dry_run=True, dag_run_id="dry"), export.run(limit_calls=1, dag_run_id="trial")]
    failed = export.run(dag_run_id="whole", idempotency_key="whole")
    by_sql(export.conninfo, "UPDATE call_exports SET status = 'error' WHERE run_id = %s", failed.run_id)
    with mail_server(mailbox) as port:
        connect(smtp_url=f"smtp://127.0.0.1:{port}?tls=no&from=robot@x.ru", report_mail_to="a@x.ru")
        for outcome in (*runs, failed):
            report_mailed(outcome.run_id, "", LINK)
    assert mailbox.letters == []


@pytest.mark.postgres
def test_a_server_that_is_down_fails_no_run(export: Export, connect: Callable[..., None]) -> None:
    outcome = export.run()
    connect(smtp_url="smtp://127.0.0.1:9?tls=no&from=robot@x.ru", report_mail_to="a@x.ru")
    report_mailed(outcome.run_id, "", LINK)
    events = by_sql(export.conninfo, "SELECT event FROM call_events WHERE detail ->> 'kind' = 'report_mailed'")
    assert events == [("not_notified",)]


def test_without_readers_nothing_is_asked(connect: Callable[..., None]) -> None:
    from uuid import uuid4

    connect(smtp_url="smtp://127.0.0.1:9?tls=no&from=robot@x.ru")
    report_mailed(uuid4(), "", LINK)

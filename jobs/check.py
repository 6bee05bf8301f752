"""Settings and access checked without a run: portal, recogniser, language model, database, storage, clock, alerts.

    python -m jobs.check

Nothing is downloaded, kept or paid: the dearest request asks a recogniser for its list of models, and the storage
gets a trial object that is deleted again. Works before the first start too; what needs the running system is then
named as not checked. Exit status: 0 everything that was checked works, 1 something does not.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial

import click
from psycopg.conninfo import make_conninfo

from include.calls.names import BACKUP_CONN, STATE_CONN, STORAGE_CONN
from include.calls.policy import Policy, load_policy
from include.calls.state.migrate import current, head
from include.calls.wording import check as wording
from include.calls.wording import problems
from include.calls.wording.check import Result
from include.clients.mail.server_check import check_mail_server
from include.clients.openai.model_list import listed_models
from include.clients.storage.from_connection import storage_of
from include.common.errors import ExportError, NotConfigured
from include.common.names import (
    AIRFLOW_API_CONN,
    ALERTS_CONN,
    FALLBACK_RECOGNISER_CONN,
    LANGUAGE_MODEL_CONN,
    MAIL_CONN,
    RECOGNISER_CONN,
    SLACK_CONN,
)
from include.common.text_table import text_table
from jobs.airflow_api import AirflowApi, connection_from_environment, has_connection
from jobs.call_export import state_conninfo
from jobs.command import FAILED, Command
from jobs.portal import telephony_from_environment
from jobs.recogniser import access_of

_ANY_KEY = "exports"
_RECEIVERS = (SLACK_CONN, ALERTS_CONN, MAIL_CONN)


@dataclass(frozen=True, slots=True)
class Finding:
    result: Result
    sentence: str


@dataclass(slots=True)
class Checks:
    """One row for each thing that is checked; a failure of one hides none of the others."""

    policy: Policy
    rows: list[tuple[str, Finding]] = field(default_factory=list)
    state_works: bool = False

    def run(self) -> None:
        self._add(wording.STATE, self._state)
        self._add(wording.STORAGE, partial(self._storage, STORAGE_CONN))
        self._add(wording.BACKUPS, self._backups)
        self._add(wording.PORTAL, self._portal)
        self._add(wording.RECOGNISER, self._recogniser)
        self._add(wording.FALLBACK, self._fallback)
        self._add(wording.LANGUAGE_MODEL, self._language_model)
        self._add(wording.ALERTS, self._alerts)
        self._add(wording.AIRFLOW, self._airflow)

    def _add(self, name: str, check: Callable[[], Finding]) -> None:
        try:
            found = check()
        except ExportError as error:
            found = Finding(Result.FAILS, problems.sentence(error))
        self.rows.append((name, found))

    def _state(self) -> Finding:
        if not has_connection(STATE_CONN):
            return Finding(Result.NOT_CHECKED, wording.DATABASE_NOT_RUNNING)
        conninfo, wanted = make_conninfo(**state_conninfo()), head()
        found = current(conninfo)
        if found is None:
            return Finding(Result.DOUBTFUL, wording.NO_SCHEMA)
        if found != wanted:
            return Finding(Result.FAILS, wording.schema_differs(found, wanted))
        self.state_works = True
        return Finding(Result.WORKS, wording.schema_fits(found, str(state_conninfo().get("user", "-"))))

    def _storage(self, conn_id: str) -> Finding:
        storage = storage_of(conn_id, connection_from_environment(conn_id))
        storage.check()
        sentences, doubtful = [wording.storage_works(storage.location(_ANY_KEY).removesuffix(f"/{_ANY_KEY}"))], False
        if (free := storage.free_bytes()) is not None:
            sentences.append(wording.free(free))
        if (encryption := storage.encryption()) is None:
            sentences.append(wording.FOLDER_ENCRYPTION)
        else:
            sentence, known = wording.encryption(encryption)
            sentences.append(sentence)
            doubtful = not known
        for rule, days in storage.keeping_rules().items():
            sentences.append(wording.keeping(rule, days))
        return Finding(Result.DOUBTFUL if doubtful else Result.WORKS, "; ".join(sentences))

    def _backups(self) -> Finding:
        if not has_connection(BACKUP_CONN):
            return Finding(Result.DOUBTFUL, wording.NO_BACKUPS)
        return self._storage(BACKUP_CONN)

    def _portal(self) -> Finding:
        conninfo = make_conninfo(**state_conninfo()) if self.state_works else None
        with telephony_from_environment(self.policy.portal, conninfo) as telephony:
            try:
                telephony.check_access(datetime.now(UTC), transcripts=self.policy.stt.reuse_portal_transcripts)
            finally:
                self._add(wording.CLOCK, partial(self._clock, telephony.clock_offset_sec))
            return Finding(Result.WORKS, wording.portal_allows(telephony.host))

    def _clock(self, ahead: float | None) -> Finding:
        if ahead is None:
            return Finding(Result.NOT_CHECKED, wording.CLOCK_UNKNOWN)
        wrong = abs(ahead) > self.policy.portal.clock_may_differ_seconds
        return Finding(Result.DOUBTFUL if wrong else Result.WORKS, wording.clock(ahead))

    def _recogniser(self) -> Finding:
        return _offers(RECOGNISER_CONN, self.policy.stt.model, "STT_MODEL")

    def _fallback(self) -> Finding:
        model = self.policy.stt.fallback_model
        if model in ("", self.policy.stt.model):
            return Finding(Result.NOT_CHECKED, wording.NO_FALLBACK)
        own = has_connection(FALLBACK_RECOGNISER_CONN)
        return _offers(FALLBACK_RECOGNISER_CONN if own else RECOGNISER_CONN, model, "STT_FALLBACK_MODEL")

    def _language_model(self) -> Finding:
        if not self.policy.summary.enabled:
            return Finding(Result.NOT_CHECKED, wording.SUMMARIES_OFF)
        own = has_connection(LANGUAGE_MODEL_CONN)
        return _offers(LANGUAGE_MODEL_CONN if own else RECOGNISER_CONN, self.policy.summary.model, "SUMMARY_MODEL")

    def _alerts(self) -> Finding:
        found = {name: connection_from_environment(name) for name in _RECEIVERS if has_connection(name)}
        if not found:
            return Finding(Result.DOUBTFUL, wording.NO_ALERTS)
        sentences = []
        for name, conn in found.items():
            if conn.get("conn_type") == "smtp":
                check_mail_server(conn)
                readers = str((conn.get("extra") or {}).get("to") or "")
                sentences.append(f"{name}: {wording.mail_server_works(str(conn.get('host')), readers)}")
            else:
                sentences.append(f"{name} ({conn.get('conn_type')}): {wording.SENDING_PROVES}")
        return Finding(Result.WORKS, "; ".join(sentences))

    def _airflow(self) -> Finding:
        if not has_connection(AIRFLOW_API_CONN):
            return Finding(Result.NOT_CHECKED, wording.NOT_RUNNING)
        return Finding(Result.WORKS, wording.airflow_answers(AirflowApi.from_environment().address))


def _offers(conn_id: str, model: str, setting: str) -> Finding:
    models = _models_of(conn_id)
    if not models:
        return Finding(Result.WORKS, wording.no_list(model))
    if model in models:
        return Finding(Result.WORKS, wording.model_listed(model))
    return Finding(Result.DOUBTFUL, wording.model_not_listed(model, setting, len(models)))


@cache
def _models_of(conn_id: str) -> frozenset[str]:
    """Asked once for each service, however many models are looked for."""
    if not has_connection(conn_id):
        raise NotConfigured(
            "no recogniser is configured: set OPENAI_API_KEY, or OPENAI_BASE_URL of a server of your own",
            problem="no_recogniser",
        )
    access = access_of(connection_from_environment(conn_id))
    if access.pop("require_proxy") and not access["proxy_url"]:
        raise NotConfigured("REQUIRE_PROXY is set and no proxy is named", problem="proxy_required")
    return frozenset(listed_models(**access))


@click.command(cls=Command, help=wording.HELP)
def main() -> None:
    _models_of.cache_clear()
    checks = Checks(load_policy(os.environ))
    checks.run()
    click.echo(text_table(wording.COLUMNS, [(name, found.result, found.sentence) for name, found in checks.rows]))
    results = [found.result for _, found in checks.rows]
    failed, doubtful = results.count(Result.FAILS), results.count(Result.DOUBTFUL)
    click.echo(wording.summed_up(failed, doubtful, datetime.now(UTC)))
    sys.exit(FAILED if failed else 0)


if __name__ == "__main__":
    main()

"""`make index`: texts that are older than the search come into it, whatever interrupts the way there."""

import json

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict

from include.calls.domain.call_filter import CallFilter
from include.calls.state.browsing import Browsing, Words
from include.calls.state.state import State
from jobs.index import main
from tests.kit.state_samples import call, opened, rows, to_text

pytestmark = pytest.mark.postgres


def run(*arguments: str) -> str:
    done = CliRunner().invoke(main, list(arguments))
    assert done.exit_code == 0, done.output
    return done.output


def test_older_texts_are_added_and_ended_ones_are_not(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {key: str(value) for key, value in conninfo_to_dict(database).items()}
    conn = {"conn_type": "postgres", "host": parts.get("host"), "login": parts.get("user"), "schema": parts["dbname"]}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_DB", json.dumps(conn))
    with State.open(database) as state:
        opening = opened(state, "1", *(call(number) for number in range(1, 8)))
        for row in rows(state, opening):
            to_text(state, opening, row, words=f"[00:00:01] [Клиент]: разговор номер {row.statistics_id}\n")
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("DELETE FROM call_search; UPDATE call_search_backfill SET texts = 7")
            connection.execute("ALTER TABLE recordings DISABLE TRIGGER recordings_searched")
            connection.execute(
                "UPDATE recordings SET text_ended_at = now(), transcript_path = NULL WHERE statistics_id = 3"
            )
            connection.execute("ALTER TABLE recordings ENABLE TRIGGER recordings_searched")
        browsing = Browsing(state.session)
        assert browsing.index_some(2) == 2, "interrupted here"
        assert browsing.index_state() == (2, 7)
        assert run() == "в поиске текстов: 6 из 7\n"
        assert run() == "в поиске текстов: 6 из 7\n", "once more changes nothing"
        found = browsing.page(CallFilter(), Words("разговор"), after=None, most=50)
        assert len(found.places) == 6
        assert not browsing.page(CallFilter(), Words("разговор 3"), after=None, most=50).places
        assert run("--anew", "true") == "в поиске текстов: 6 из 6\n"

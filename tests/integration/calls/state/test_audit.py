"""The audit log in PostgreSQL: written by functions alone, hashed as the pure check hashes, every break found."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import sql

from include.calls.domain.audit_chain import Action, Break, Fault, breaks
from include.calls.policy import load_policy
from include.calls.state import audit as audit_module
from include.calls.state.audit import AuditLog, ChainWatch
from include.calls.state.state import State
from include.calls.steps.note_policy import note_policy
from include.common.errors import ExportError

pytestmark = pytest.mark.postgres


def written(state: State, count: int = 5) -> AuditLog:
    log = AuditLog(state.session)
    for number in range(1, count + 1):
        log.record(Action.CALL_CHECKED, actor="Аналитик", call_id=f"c.{number}", detail={"result": "ok", "n": number})
    return log


def found(log: AuditLog) -> list[Break]:
    with log.snapshot() as ends:
        return list(breaks(log.entries(), ends))


def by_superuser(database: str, *statements: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("ALTER TABLE audit_log DISABLE TRIGGER USER")
        for statement in statements:
            connection.execute(statement.encode())
        connection.execute("ALTER TABLE audit_log ENABLE TRIGGER USER")


def test_both_checks_agree_with_what_was_written(state: State) -> None:
    log = written(state)
    log.record(Action.EXPORT_STARTED, actor=" ", reason="a\x00b \ud800 ё", detail={"share": 0.1, "none": None})
    assert found(log) == []
    assert ChainWatch(state.session).breaks() == 0
    with log.snapshot() as ends:
        assert (ends.first_no, ends.last_no) == (1, 6)


def test_numbers_and_keys_are_hidden(state: State) -> None:
    log = AuditLog(state.session)
    log.record(
        Action.EXPORT_STARTED,
        actor="+79991234567",
        reason="позвонил +7 999 123-45-67",
        detail={"url": "https://portal.example/rest/1/s3cret/method"},
    )
    (entry,) = log.entries()
    assert "123" not in entry.actor + entry.reason
    assert "s3cret" not in entry.detail


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["UPDATE audit_log SET actor = 'x' WHERE entry_no = 3"], [Break(Fault.CHANGED, 3)]),
        (["UPDATE audit_log SET detail = '{}' WHERE entry_no = 1"], [Break(Fault.CHANGED, 1)]),
        (["UPDATE audit_log row SET actor = 'x' WHERE entry_no = 3",
          "UPDATE audit_log row SET hash = audit_hash(row) WHERE entry_no = 3"], [Break(Fault.UNLINKED, 4)]),
        (["DELETE FROM audit_log WHERE entry_no = 3"], [Break(Fault.MISSING, 3)]),
        (["DELETE FROM audit_log WHERE entry_no < 3"], [Break(Fault.BEGINNING_CUT, 1)]),
        (["DELETE FROM audit_log WHERE entry_no > 3"], [Break(Fault.TAIL_CUT, 4)]),
        (["TRUNCATE audit_log"], [Break(Fault.TAIL_CUT, 1)]),
        (["UPDATE audit_log SET entry_no = -entry_no WHERE entry_no IN (2, 3)",
          "UPDATE audit_log SET entry_no = 5 + entry_no WHERE entry_no < 0",
          "UPDATE audit_log row SET hash = audit_hash(row) WHERE entry_no IN (2, 3)"],
         [Break(Fault.UNLINKED, 2), Break(Fault.UNLINKED, 3), Break(Fault.UNLINKED, 4)]),
    ],
    ids=["changed", "detail", "rehashed", "removed", "beginning", "tail", "all", "reordered"],
)  # fmt: skip
def test_each_way_of_changing_it_is_found(
    state: State, database: str, statements: list[str], expected: list[Break], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = written(state)
    by_superuser(database, *statements)
    assert found(log) == expected
    assert ChainWatch(state.session).breaks() > 0
    monkeypatch.setattr(audit_module, "ENTRIES_AT_ONCE", 2)
    watch = ChainWatch(state.session)
    assert max(watch.breaks() for _ in range(4)) > 0, "the break lies in one of the parts"


def test_a_watch_goes_round_and_forgets_a_break_that_was_repaired(
    state: State, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_module, "ENTRIES_AT_ONCE", 2)
    written(state)
    watch = ChainWatch(state.session)
    assert [watch.breaks() for _ in range(6)] == [0] * 6
    by_superuser(database, "UPDATE audit_log SET actor = 'x' WHERE entry_no = 3")
    assert 1 in [watch.breaks() for _ in range(4)]
    by_superuser(database, "UPDATE audit_log SET actor = 'Аналитик' WHERE entry_no = 3")
    assert [watch.breaks() for _ in range(9)][-1] == 0


def interrupted(state: State) -> None:
    with state.transaction():
        AuditLog(state.session).record(Action.CALL_CHECKED, actor="a")
        _ = 1 / 0


def test_an_owner_is_refused_too_and_a_nested_entry_goes_with_its_transaction(state: State, database: str) -> None:
    log = written(state, 1)
    for statement in ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
        with psycopg.connect(database) as connection, pytest.raises(psycopg.errors.RaiseException):
            connection.execute(sql.SQL(statement))  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        interrupted(state)
    assert len(list(log.entries())) == 1
    assert found(log) == []


def test_old_entries_are_forgotten_and_the_chain_goes_on(state: State, database: str) -> None:
    log = written(state, 2)
    # as if they had been written four years ago
    by_superuser(
        database,
        "UPDATE audit_log SET at = at - interval '4 years'",
        "UPDATE audit_log row SET hash = audit_hash(row) WHERE entry_no = 1",
        "UPDATE audit_log SET previous_hash = (SELECT hash FROM audit_log WHERE entry_no = 1) WHERE entry_no = 2",
        "UPDATE audit_log row SET hash = audit_hash(row) WHERE entry_no = 2",
        "UPDATE audit_head SET last_hash = (SELECT hash FROM audit_log WHERE entry_no = 2)",
    )
    log.record(Action.CALL_CHECKED, actor="a")
    now = datetime.now(UTC)
    with pytest.raises(ExportError, match="three years"):
        log.forget(older_than=now - timedelta(days=1000))
    assert log.forget(older_than=now - timedelta(days=1095)) == 2
    assert [entry.action for entry in log.entries()] == [Action.CALL_CHECKED, Action.ENTRIES_FORGOTTEN]
    assert found(log) == []
    assert ChainWatch(state.session).breaks() == 0
    assert log.forget(older_than=now - timedelta(days=1095)) == 0


def test_a_changed_policy_is_written_once(state: State) -> None:
    first, second = load_policy({}), load_policy({"BUDGET_USD": "77", "PII_MASKING_ENABLED": "true"})
    assert [note_policy(state, policy, actor="a") for policy in (first, first, second, second)] == [
        True,
        False,
        True,
        False,
    ]
    newest = AuditLog(state.session).newest(Action.POLICY_CHANGED)
    assert newest is not None
    assert newest["changed"] == "money, privacy"

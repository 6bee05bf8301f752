"""What each role of the database may do, table by table; `grant` makes the database so.

A new table or view must be named here: `tests/integration/calls/state/test_rights.py` compares with the catalogue.
"""

from collections.abc import Mapping
from enum import StrEnum

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

_MAINTAIN_SINCE = 170_000  # ANALYZE is a right of its own since PostgreSQL 17


class Role(StrEnum):
    OWNER = "owner"  # owns the tables; migrations become it
    APPLICATION = "app"  # tasks, command line, api-server
    METRICS = "metrics"  # counts and sums; no number, name or text
    READER = "read"  # people and programs that evaluate; views without personal data
    AUDIT = "audit"  # owns what writes the audit log; logs in nowhere
    AIRFLOW = "airflow"  # owns Airflow's own database, sees nothing of the state
    BACKUP = "backup"  # reads both databases, makes scratch databases to verify in; changes no row


LOGINS = frozenset({Role.APPLICATION, Role.METRICS, Role.READER, Role.AIRFLOW, Role.BACKUP})

_READ, _WRITE, _REMOVE = "SELECT", "SELECT, INSERT, UPDATE", "SELECT, INSERT, UPDATE, DELETE"
TABLES: Mapping[str, Mapping[Role, str]] = {
    "audit_head": {Role.APPLICATION: _READ, Role.METRICS: _READ, Role.AUDIT: "SELECT, UPDATE"},
    "audit_log": {Role.APPLICATION: _READ, Role.AUDIT: "SELECT, INSERT, DELETE"},
    "backups": {Role.APPLICATION: _REMOVE, Role.METRICS: _READ},
    "call_bundles": {Role.APPLICATION: _REMOVE},
    "call_claims": {Role.APPLICATION: _REMOVE},
    "call_events": {
        # added to; an erasure blanks what names a person, which the trigger allows it alone
        Role.APPLICATION: "SELECT, INSERT, UPDATE (call_id, record_id, detail)",
        Role.METRICS: "SELECT (id, at, run_id, call_id, stage, event, duration_ms, error_code, detail)",
    },
    "call_export_dlq": {Role.APPLICATION: _READ},
    "call_exports": {
        Role.APPLICATION: _WRITE,
        Role.METRICS: "SELECT (run_id, status, dry_run, started_at, finished_at, total_calls, approved_cost, metadata)",
    },
    "call_facts": {Role.APPLICATION: _READ, Role.METRICS: _READ, Role.READER: _READ},
    "call_qa_checks": {Role.APPLICATION: _REMOVE, Role.METRICS: "SELECT (result)"},
    "call_records": {Role.APPLICATION: "SELECT, UPDATE"},
    "call_role_overrides": {Role.APPLICATION: _REMOVE},
    "call_scopes": {Role.APPLICATION: _REMOVE},
    "call_search": {Role.APPLICATION: _REMOVE},
    "call_search_backfill": {Role.APPLICATION: _WRITE},
    "calls_state_version": {Role.APPLICATION: _READ, Role.READER: _READ},
    "callcenter.calibration_answers": {Role.APPLICATION: _REMOVE},
    "callcenter.calibration_items": {Role.APPLICATION: _REMOVE},
    "callcenter.calibration_runs": {Role.APPLICATION: "SELECT, INSERT", Role.METRICS: _READ, Role.READER: _READ},
    "callcenter.counted_scores": {
        Role.APPLICATION: _READ,
        Role.METRICS: "SELECT (card, final_score, needs_review, open_disputes)",
    },
    "callcenter.daily_stats": {Role.APPLICATION: _WRITE, Role.METRICS: _READ, Role.READER: _READ},
    "callcenter.judges": {Role.APPLICATION: _READ, Role.METRICS: _READ, Role.READER: _READ},
    "callcenter.quality_answers": {Role.APPLICATION: _REMOVE},
    "callcenter.quality_cards": {Role.APPLICATION: "SELECT, INSERT", Role.METRICS: _READ, Role.READER: _READ},
    "callcenter.quality_claims": {Role.APPLICATION: _REMOVE},
    "callcenter.quality_disputes": {Role.APPLICATION: _REMOVE, Role.METRICS: "SELECT (status, opened_at)"},
    "callcenter.quality_events": {Role.APPLICATION: "SELECT, INSERT, DELETE"},
    "callcenter.quality_runs": {
        Role.APPLICATION: _WRITE,
        Role.METRICS: "SELECT (run_id, status, forecast_cost, approved_cost, opened_at, finished_at)",
    },
    "callcenter.quality_scores": {
        Role.APPLICATION: _REMOVE,
        Role.METRICS: "SELECT (card, card_hash, prompt_version, provider, model, status, final_score, needs_review,"
        " review_reasons, open_disputes, current, cost, error_code, created_at)",
    },
    "callcenter.quality_verdicts": {Role.APPLICATION: "SELECT, INSERT, UPDATE (comment)"},
    "callcenter.quality_work": {Role.APPLICATION: _REMOVE, Role.METRICS: "SELECT (run_id, state, card_hash)"},
    "charges": {Role.APPLICATION: _WRITE, Role.METRICS: _READ, Role.READER: _READ},
    "dead_letters": {Role.APPLICATION: _REMOVE, Role.METRICS: "SELECT (recording_id, replayed_at)"},
    "deliveries": {Role.APPLICATION: _REMOVE},
    "erased_recordings": {Role.APPLICATION: _WRITE},
    "erasure_tombstones": {Role.APPLICATION: _WRITE},
    "erasures": {Role.APPLICATION: _WRITE, Role.METRICS: "SELECT (status, demanded_at)"},
    "file_removals": {Role.APPLICATION: _REMOVE, Role.METRICS: "SELECT (ordered_at, removed_at)"},
    "holds": {Role.APPLICATION: _WRITE},
    "holds_in_force": {Role.APPLICATION: _READ},
    "installation": {Role.APPLICATION: _READ},
    "llm_day_ceilings": {Role.APPLICATION: _WRITE, Role.METRICS: _READ, Role.READER: _READ},
    "llm_provider_changes": {Role.APPLICATION: "SELECT, INSERT", Role.METRICS: _READ, Role.READER: _READ},
    "llm_provider_state": {Role.APPLICATION: _WRITE, Role.METRICS: _READ, Role.READER: _READ},
    "llm_requests": {Role.APPLICATION: "SELECT, INSERT, DELETE", Role.METRICS: _READ, Role.READER: _READ},
    "llm_routing_versions": {Role.APPLICATION: "SELECT, INSERT", Role.METRICS: "SELECT (version, at)"},
    "llm_spending": {Role.APPLICATION: _WRITE, Role.METRICS: _READ, Role.READER: _READ},
    "metric_totals": {Role.APPLICATION: _WRITE, Role.METRICS: _READ, Role.READER: _READ},
    "metric_totals_up_to": {Role.APPLICATION: _WRITE, Role.METRICS: _READ},
    "portal_hosts": {Role.APPLICATION: _WRITE},
    "portal_pace": {Role.APPLICATION: _WRITE, Role.METRICS: _READ},
    "portals": {Role.APPLICATION: _WRITE},
    "publications": {Role.APPLICATION: _REMOVE},
    "recognition_responses": {Role.APPLICATION: _REMOVE},
    "recordings": {
        Role.APPLICATION: _WRITE,
        Role.METRICS: "SELECT (recording_id, status, first_failed_at)",
    },
    "replay_responses": {Role.APPLICATION: _REMOVE},
    "replays": {Role.APPLICATION: _REMOVE},
    "reported_recordings": {Role.APPLICATION: _READ, Role.METRICS: "SELECT (run_id, status)"},
    "run_facts": {Role.APPLICATION: _READ, Role.METRICS: _READ, Role.READER: _READ},
    "run_spending": {Role.APPLICATION: _WRITE, Role.METRICS: _READ, Role.READER: _READ},
    "run_work": {Role.APPLICATION: _WRITE},
    "sales.alerts": {Role.APPLICATION: _REMOVE, Role.METRICS: _READ, Role.READER: _READ},
    "sales.api_tokens": {Role.APPLICATION: _REMOVE},
    "sales.backup_runs": {Role.APPLICATION: _WRITE, Role.METRICS: _READ, Role.READER: _READ},
    "sales.events": {Role.APPLICATION: "SELECT, INSERT, DELETE", Role.METRICS: _READ, Role.READER: _READ},
    "sales.job_runs": {Role.APPLICATION: _REMOVE, Role.METRICS: _READ, Role.READER: _READ},
    "sales.leases": {Role.APPLICATION: _REMOVE, Role.METRICS: _READ, Role.READER: _READ},
    "sales.load_numbers": {Role.APPLICATION: "SELECT, UPDATE"},
    "sales.loads": {Role.APPLICATION: _REMOVE, Role.METRICS: _READ, Role.READER: _READ},
    "sales.mail_seen": {Role.APPLICATION: _WRITE},
    "sales.pace": {Role.APPLICATION: _WRITE, Role.METRICS: _READ},
    "sales.watermarks": {Role.APPLICATION: _WRITE, Role.METRICS: _READ, Role.READER: _READ},
    "secrets_seen": {Role.APPLICATION: _WRITE, Role.METRICS: "SELECT (name, first_seen_at)"},
    "shared_searches": {Role.APPLICATION: _REMOVE},
    "stt_smoke_results": {Role.APPLICATION: _REMOVE, Role.METRICS: _READ},
    "transcripts": {Role.APPLICATION: _REMOVE},
    "work_in_progress": {Role.APPLICATION: _REMOVE},
}
FUNCTIONS: Mapping[str, frozenset[Role]] = {
    "audit_record(text, text, uuid, text, text, text, jsonb)": frozenset({Role.APPLICATION}),
    "audit_forget(timestamptz)": frozenset({Role.APPLICATION}),
    "audit_check(bigint, integer)": frozenset({Role.APPLICATION, Role.METRICS}),
    "call_events_months(date, integer)": frozenset({Role.APPLICATION}),
    "end_event_month(text)": frozenset({Role.APPLICATION}),
}
_SCHEMAS = ("public", "sales", "callcenter")  # tables outside of the first one are named with it
_OF_NO_TABLE = (Role.OWNER, Role.AIRFLOW, Role.BACKUP)
_OF_AUDIT = tuple(name for name in FUNCTIONS if name.startswith("audit_"))


def role_name(state_database: str, role: Role) -> str:
    """Roles belong to the whole server, so the state database's name keeps two systems of one server apart."""
    return f"{state_database}_{role}"


def as_owner(conninfo: str) -> str:
    """The same connection in the role that owns the tables, for migrations."""
    parts = conninfo_to_dict(conninfo)
    owner = role_name(str(parts["dbname"]), Role.OWNER)
    options = f"{parts.pop('options', '') or ''} -c role={owner}".strip()
    return make_conninfo(**{name: str(value) for name, value in parts.items()}, options=options)


def grant(conninfo: str) -> None:
    """Gives each role its rights and takes all others, as the user who made the roles; safe to repeat."""
    with psycopg.connect(conninfo, connect_timeout=10) as connection:
        state = str(connection.info.dbname)
        named = {role: sql.Identifier(role_name(state, role)) for role in Role}
        everyone = sql.SQL(", ").join([named[role] for role in Role if role not in _OF_NO_TABLE])
        run = connection.execute
        run(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(sql.Identifier(state), everyone))
        for schema in _SCHEMAS:
            run(sql.SQL(f"REVOKE ALL ON SCHEMA {schema} FROM PUBLIC, {{}}").format(everyone))
            run(sql.SQL(f"GRANT USAGE ON SCHEMA {schema} TO {{}}").format(everyone))
            run(sql.SQL(f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC, {{}}").format(everyone))
        for table, rights in TABLES.items():
            for role, right in rights.items():
                run(sql.SQL(f"GRANT {right} ON {table} TO {{}}").format(named[role]))
        if connection.info.server_version >= _MAINTAIN_SINCE:
            run(sql.SQL("GRANT MAINTAIN ON recordings TO {}").format(named[Role.APPLICATION]))
        run(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(named[Role.AUDIT]))  # takes a function over
        for function in _OF_AUDIT:
            run(sql.SQL(f"ALTER FUNCTION {function} OWNER TO {{}}").format(named[Role.AUDIT]))
        run(sql.SQL("REVOKE CREATE ON SCHEMA public FROM {}").format(named[Role.AUDIT]))
        for function, roles in FUNCTIONS.items():
            run(sql.SQL(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC, {{}}").format(everyone))
            for role in roles:
                run(sql.SQL(f"GRANT EXECUTE ON FUNCTION {function} TO {{}}").format(named[role]))

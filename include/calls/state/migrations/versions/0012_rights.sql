-- The roles are made by ops/settings/database_roles.py and get their rights from include/calls/state/rights.py (ADR 0028):
-- they belong to the server and not to this database, so no migration makes them.

-- Runs and recordings without numbers, names of people, texts, tags, messages and file names, which may contain numbers.
CREATE VIEW run_facts AS
SELECT run_id, period_from, period_to, status, trigger, dry_run, generate_summary, started_at, finished_at, total_calls,
       completed_calls, error_calls, total_minutes, total_cost, currency_code, forecast_cost, approved_cost, failed_step
  FROM call_exports;

CREATE VIEW call_facts AS
SELECT run_id, recording_id, statistics_id, status, direction, call_started_at, utc_offset_sec, duration_sec, audio_sec,
       phone_line, outcome, outcome_code, language, roles, source, model, cost, currency_code, attempts, error_code,
       needs_review, review_reasons, updated_at
  FROM call_records;

-- The application makes the months of the history without owning it.
ALTER FUNCTION call_events_months(date, integer) SECURITY DEFINER SET search_path = public, pg_temp;
REVOKE ALL ON FUNCTION call_events_months(date, integer) FROM PUBLIC;

-- It drops a month with the rights of the owner.
ALTER FUNCTION end_event_month(text) SECURITY DEFINER SET search_path = public, pg_temp;
REVOKE ALL ON FUNCTION end_event_month(text) FROM PUBLIC;

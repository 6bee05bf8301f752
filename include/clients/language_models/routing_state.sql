-- The state of providers, shared by all tasks and processes. Times are the database's.

-- name: standings
-- One row for each named provider, with what it has cost today (UTC); a provider that never failed has no state row.
SELECT named.provider, coalesce(known.state, 'closed') AS state, coalesce(known.failures, 0) AS failures,
       known.fingerprint, known.reason,
       extract(epoch FROM known.open_until - clock_timestamp())::float AS opens_in,
       extract(epoch FROM known.probe_until - clock_timestamp())::float AS probe_ends_in,
       extract(epoch FROM known.throttled_until - clock_timestamp())::float AS throttled_for,
       coalesce((SELECT sum(usd) FROM llm_spending WHERE day = (now() AT TIME ZONE 'UTC')::date
                    AND provider = named.provider), 0) AS spent_today
  FROM unnest(:providers::text[]) WITH ORDINALITY AS named (provider, place)
  LEFT JOIN llm_provider_state known USING (provider) ORDER BY named.place;

-- name: day
-- What all tasks have spent today (UTC), and what a person has allowed for today.
SELECT coalesce((SELECT sum(usd) FROM llm_spending WHERE day = (now() AT TIME ZONE 'UTC')::date), 0) AS spent,
       (SELECT usd FROM llm_day_ceilings WHERE day = (now() AT TIME ZONE 'UTC')::date) AS allowed,
       extract(epoch FROM date_trunc('day', now() AT TIME ZONE 'UTC') + interval '1 day' - (now() AT TIME ZONE 'UTC'))::float
           AS left_sec;

-- name: allow_day!
-- A person's permission for today.
INSERT INTO llm_day_ceilings AS known (day, usd, by) VALUES ((now() AT TIME ZONE 'UTC')::date, :usd, :by)
ON CONFLICT (day) DO UPDATE SET usd = greatest(known.usd, excluded.usd), by = excluded.by, at = now();

-- name: take_probe
-- The right to send the one request that tries a provider again; no row if another caller has it or its time has not come.
UPDATE llm_provider_state
   SET state = 'half_open', probe_by = :caller, probe_until = clock_timestamp() + make_interval(secs => :seconds),
       changed_at = now()
 WHERE provider = :provider
   AND (state IN ('open', 'exhausted') AND open_until <= clock_timestamp()
        OR state = 'misconfigured' AND fingerprint IS DISTINCT FROM :fingerprint
        OR state = 'half_open' AND probe_until <= clock_timestamp())
RETURNING provider;

-- name: failed!
-- One more failure. The breaker opens at the limit, and again after a failed probe, then for twice as long; a late failure
-- of a request that was sent before it opened changes nothing but the count.
INSERT INTO llm_provider_state AS known (provider, state, failures, opens, open_until, reason)
VALUES (:provider, CASE WHEN :limit <= 1 THEN 'open' ELSE 'closed' END, 1, CASE WHEN :limit <= 1 THEN 1 ELSE 0 END,
        CASE WHEN :limit <= 1 THEN clock_timestamp() + make_interval(secs => :open_seconds) END, :reason)
ON CONFLICT (provider) DO UPDATE
   SET (state, opens, open_until, probe_by, probe_until) = (
           SELECT CASE WHEN opening THEN 'open' ELSE known.state END,
                  CASE WHEN opening THEN known.opens + 1 ELSE known.opens END,
                  CASE WHEN opening THEN clock_timestamp() + make_interval(secs =>
                      least(:open_seconds * power(2, least(known.opens, 20)), :max_open_seconds)) ELSE known.open_until END,
                  CASE WHEN opening THEN NULL ELSE known.probe_by END,
                  CASE WHEN opening THEN NULL ELSE known.probe_until END
             FROM (SELECT known.state = 'closed' AND known.failures + 1 >= :limit
                       OR known.state = 'half_open' AND known.probe_by = :caller AS opening) decided),
       failures = known.failures + 1, reason = excluded.reason, changed_at = now();

-- name: succeeded!
-- The provider works: the count begins anew, the prober closes the breaker.
UPDATE llm_provider_state
   SET state = 'closed', failures = 0, opens = 0, open_until = NULL, probe_by = NULL, probe_until = NULL,
       fingerprint = NULL, reason = NULL, changed_at = now()
 WHERE provider = :provider AND (state = 'closed' AND failures > 0 OR state = 'half_open' AND probe_by = :caller);

-- name: throttled!
-- The provider asked us to wait: all of us. A probe that was answered so has found it alive.
INSERT INTO llm_provider_state AS known (provider, throttled_until, reason)
VALUES (:provider, clock_timestamp() + make_interval(secs => :seconds), :reason)
ON CONFLICT (provider) DO UPDATE
   SET throttled_until = greatest(known.throttled_until, excluded.throttled_until), reason = excluded.reason,
       state = CASE WHEN known.state = 'half_open' AND known.probe_by = :caller THEN 'closed' ELSE known.state END,
       failures = CASE WHEN known.state = 'half_open' AND known.probe_by = :caller THEN 0 ELSE known.failures END,
       opens = CASE WHEN known.state = 'half_open' AND known.probe_by = :caller THEN 0 ELSE known.opens END,
       changed_at = now();

-- name: out_of_service!
-- An empty account until midnight UTC, a wrong key or model until its configuration changes.
INSERT INTO llm_provider_state AS known (provider, state, open_until, fingerprint, reason)
VALUES (:provider, :state, CASE WHEN :state = 'exhausted'
            THEN (date_trunc('day', now() AT TIME ZONE 'UTC') + interval '1 day') AT TIME ZONE 'UTC' END,
        :fingerprint, :reason)
ON CONFLICT (provider) DO UPDATE
   SET state = excluded.state, open_until = excluded.open_until, fingerprint = excluded.fingerprint, reason = excluded.reason,
       failures = known.failures + 1, probe_by = NULL, probe_until = NULL, changed_at = now();

-- name: reset!
-- A person says that the provider works again.
UPDATE llm_provider_state
   SET state = 'closed', failures = 0, opens = 0, open_until = NULL, probe_by = NULL, probe_until = NULL,
       throttled_until = NULL, fingerprint = NULL, reason = NULL, changed_at = now()
 WHERE provider = :provider AND (state <> 'closed' OR failures > 0 OR throttled_until > now());

-- name: act_as!
-- Who changes states in this transaction, for their history.
SELECT 1 FROM set_config('call_export.actor', :actor, true);

-- name: log_request!
-- One request.
INSERT INTO llm_requests (task, provider, model, outcome, reason, http_status, latency_ms, input_tokens, cached_tokens,
                          output_tokens, cost, counted_by_service, maybe_paid, failover_from, subject, run_id)
VALUES (:task, :provider, :model, :outcome, :reason, :http_status, :latency_ms, :input_tokens, :cached_tokens,
        :output_tokens, :cost, :counted, :maybe_paid, :failover_from, :subject, :run_id);

-- name: forget_requests!
-- Rows of the log whose time has passed; the sums of days and runs stay.
DELETE FROM llm_requests WHERE id IN (SELECT id FROM llm_requests WHERE at < :before ORDER BY at LIMIT :most);

-- name: written
-- The layer of the API that is in force.
SELECT version, config, actor, reason, at FROM llm_routing_versions ORDER BY version DESC LIMIT 1;

-- name: lock_versions!
-- Two people who write at once: the second sees the first one's version.
LOCK TABLE llm_routing_versions IN SHARE ROW EXCLUSIVE MODE;

-- name: write_version
-- One more version.
INSERT INTO llm_routing_versions (config, diff, actor, reason) VALUES (:config, :diff, :actor, :reason) RETURNING version;

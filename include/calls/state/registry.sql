-- What a registry and a delivery are made of: the recordings of a scope (portal, period, last row of a trial) as they are
-- now.

-- name: rows
-- The rows of a registry in the order of the calls. The portal and the period are parameters, so that the rows come
-- straight from recordings_by_start without a sort. `cost` is the ledger's sum for the purchase of the text.
SELECT :run_id::uuid AS run_id, own.call_id, own.record_id, own.call_started_at, own.utc_offset_sec AS portal_offset_sec,
       own.direction,
       own.from_number, own.to_number, own.employee_id, own.employee_name, own.duration_sec, own.recording_url,
       own.transcript_path, own.summary_path, own.text_at, text.preview AS text_preview,
       CASE WHEN text.transcript_id IS NOT NULL THEN coalesce(paid.cost, 0) END AS cost, 'USD' AS currency_code,
       text.language, own.status, own.error_code, own.retry_count, own.checksum, own.tags, text.roles, own.needs_review,
       text.confidence, text.role_signs
  FROM recordings own
  LEFT JOIN transcripts text USING (transcript_id)
  LEFT JOIN LATERAL (
      SELECT sum(usd) AS cost FROM charges
       WHERE recording_id = text.recording_id AND purchase_no = text.purchase_no
         AND purpose IN ('recognition', 'fallback', 'rounding', 'replay')) paid ON true
 WHERE own.portal_id = :portal_id
   AND own.call_started_at >= :period_from AND own.call_started_at < :period_to::timestamptz + interval '1 second'
   AND own.statistics_id <= coalesce(:last_statistics_id::bigint, 9223372036854775807)
   AND (own.gone_at IS NULL OR own.transcript_id IS NOT NULL)
 ORDER BY own.call_started_at, own.statistics_id;

-- name: files
-- The scope's recordings that have audio or a text, with the keys of their files.
SELECT own.recording_id, own.transcript_id, own.status, own.call_started_at, own.transcript_path, own.summary_path,
       own.raw_path, own.text_at
  FROM recordings own
 WHERE own.portal_id = :portal_id
   AND own.call_started_at >= :period_from AND own.call_started_at < :period_to::timestamptz + interval '1 second'
   AND own.statistics_id <= coalesce(:last_statistics_id::bigint, 9223372036854775807)
   AND (own.gone_at IS NULL OR own.transcript_id IS NOT NULL)
   AND (own.raw_path IS NOT NULL OR own.transcript_path IS NOT NULL)
 ORDER BY own.call_started_at, own.statistics_id;

-- What the call browser shows. The conditions `of_...` are put together by include/calls/state/browsing.py in the place
-- of {conditions}: parts of statements, whose mark ! says that they are no SELECT; `own` is the recording. Pages are read from the newest call backwards, never with OFFSET.

-- name: of_scope!
in_scope(own.phone_line, own.employee_id, :scope_lines::text[], :scope_employees::text[])

-- name: of_period!
own.call_started_at >= coalesce(:since::timestamptz, '-infinity') AND own.call_started_at < coalesce(:before::timestamptz, 'infinity')

-- name: of_lines!
own.phone_line = ANY(:lines)

-- name: of_employees!
own.employee_name = ANY(:employees)

-- name: of_directions!
own.direction = ANY(:directions)

-- name: of_statuses!
own.status = ANY(:statuses)

-- name: of_flags!
own.needs_review AND own.review_reasons && :flags::text[]

-- name: of_verdicts!
coalesce((SELECT judged.result FROM call_qa_checks judged WHERE judged.recording_id = own.recording_id), 'none') = ANY(:verdicts)

-- name: of_roles!
EXISTS (SELECT FROM transcripts text WHERE text.transcript_id = own.transcript_id AND text.roles = ANY(:roles))

-- name: of_tags!
own.tags && :tags::text[]

-- name: of_digits!
(own.from_number <> '' AND last_digits(own.from_number) LIKE :digits OR own.to_number <> '' AND last_digits(own.to_number) LIKE :digits)

-- name: of_few_digits!
-- The same where few calls have them: with both conditions in one OR the planner takes the index of days and walks the table.
own.recording_id = ANY(ARRAY(
    SELECT calling.recording_id FROM recordings calling
     WHERE calling.from_number <> '' AND last_digits(calling.from_number) LIKE :digits
    UNION
    SELECT called.recording_id FROM recordings called
     WHERE called.to_number <> '' AND last_digits(called.to_number) LIKE :digits))

-- name: with_digits
-- How many numbers of calls end with these digits, counted to :most.
SELECT count(*) FROM (
    (SELECT FROM recordings own WHERE own.from_number <> '' AND last_digits(own.from_number) LIKE :digits LIMIT :most)
    UNION ALL
    (SELECT FROM recordings own WHERE own.to_number <> '' AND last_digits(own.to_number) LIKE :digits LIMIT :most)
) counted;

-- name: of_duration!
own.duration_sec >= :min_sec AND own.duration_sec <= coalesce(:max_sec::integer, 2147483647)

-- name: of_run!
-- As in reported_recordings; the bounds are known before the first row is read, so the list walks the run's period only.
own.portal_id = (SELECT portal_id FROM call_exports WHERE run_id = :run_id)
AND own.call_started_at >= (SELECT period_from FROM call_exports WHERE run_id = :run_id)
AND own.call_started_at < (SELECT period_to + interval '1 second' FROM call_exports WHERE run_id = :run_id)
AND own.statistics_id <= (SELECT coalesce(last_statistics_id, 9223372036854775807) FROM call_exports WHERE run_id = :run_id)
AND (own.gone_at IS NULL OR own.transcript_id IS NOT NULL)

-- name: of_batch!
EXISTS (SELECT FROM run_work work WHERE work.run_id = :run_id AND work.batch_no = :batch_no AND work.recording_id = own.recording_id)

-- name: after_place!
(own.call_started_at, own.recording_id) < (:place_at, :place_id)

-- name: newest
-- A page without words. `also`: nothing for a page, the columns that are counted for facets.
SELECT own.recording_id, own.call_started_at {also}
  FROM recordings own
 WHERE {conditions}
 ORDER BY own.call_started_at DESC, own.recording_id DESC
 LIMIT :most;

-- name: many
-- How many calls fit, counted to :most.
SELECT count(*) FROM (SELECT FROM recordings own WHERE {conditions} LIMIT :most) counted;

-- name: in_newest
-- How many of the newest texts have the words: it decides between the two ways below. Each is hopeless on the other's
-- words: a walk finds a rare word after the whole table, the index of words lists a third of the table for a common one.
SELECT count(*) FROM (
    SELECT words FROM call_search ORDER BY started_at DESC, recording_id DESC LIMIT :sample
) newest WHERE newest.words @@ {query};

-- name: walked
-- Common words: the newest calls that fit, looked at one by one until the page is full. OFFSET 0 keeps it a walk: the
-- planner takes a phrase for a rarity and would look up every text that has it.
SELECT listed.*
  FROM (SELECT own.recording_id, own.call_started_at {also}
          FROM recordings own
         WHERE {conditions}
         ORDER BY own.call_started_at DESC, own.recording_id DESC
         LIMIT :reach) listed
  CROSS JOIN LATERAL (
       SELECT said.recording_id, said.words FROM call_search said WHERE said.recording_id = listed.recording_id OFFSET 0
       ) own
 WHERE own.words @@ {query} {exact}
 ORDER BY listed.call_started_at DESC, listed.recording_id DESC
 LIMIT :most;

-- name: looked_up
-- Rare words: all texts that have them, then the conditions.
WITH hits AS MATERIALIZED (
    SELECT own.recording_id FROM call_search own WHERE own.words @@ {query} {exact}
)
SELECT own.recording_id, own.call_started_at {also}
  FROM hits JOIN recordings own USING (recording_id)
 WHERE {conditions}
 ORDER BY own.call_started_at DESC, own.recording_id DESC
 LIMIT :most;

-- name: exact!
-- The words as they were typed, not only their stems.
AND EXISTS (SELECT FROM recordings shown JOIN transcripts text USING (transcript_id)
             WHERE shown.recording_id = own.recording_id
               AND strpos(translate(lower(spoken_words(text.body)), 'ё', 'е'), translate(lower(:typed), 'ё', 'е')) > 0)

-- name: ranked
-- Of these hits the ones that fit best.
SELECT own.recording_id, own.started_at
  FROM call_search own
 WHERE own.recording_id = ANY(:recording_ids)
 ORDER BY ts_rank_cd(own.words, {query}) DESC, own.started_at DESC, own.recording_id DESC
 LIMIT :most;

-- name: rows
-- What the list shows of these recordings; the cost is that of the present text.
SELECT own.recording_id, own.call_started_at, own.utc_offset_sec, own.direction, own.phone_line, own.from_number,
       own.to_number, own.employee_name, own.duration_sec, own.status, own.error_code,
       CASE WHEN own.needs_review THEN own.review_reasons ELSE '{}' END AS flags, judged.result AS verdict, own.tags,
       CASE WHEN text.transcript_id IS NOT NULL THEN coalesce((
           SELECT sum(usd) FROM charges paid
            WHERE paid.recording_id = text.recording_id AND paid.purchase_no = text.purchase_no
              AND paid.purpose IN ('recognition', 'fallback', 'rounding')), 0) END AS cost_usd
  FROM recordings own
  LEFT JOIN transcripts text ON text.transcript_id = own.transcript_id
  LEFT JOIN call_qa_checks judged ON judged.recording_id = own.recording_id
 WHERE own.recording_id = ANY(:recording_ids);

-- name: marked_texts
-- The texts of those recordings that are in the scope, and the same with marks around the hits: one line each for a line
-- of the body. It costs more than all the rest of a search, so it is asked for the rows that a person sees.
SELECT own.recording_id, text.body,
       ts_headline('call_ru', spoken_words(left(text.body, :longest)), {query},
                   'HighlightAll=true, StartSel=' || chr(2) || ', StopSel=' || chr(3)) AS marked
  FROM recordings own JOIN transcripts text USING (transcript_id)
 WHERE own.recording_id = ANY(:recording_ids) AND own.text_ended_at IS NULL AND own.status <> 'erased'
   AND in_scope(own.phone_line, own.employee_id, :scope_lines::text[], :scope_employees::text[]);

-- name: counted_columns!
-- What facets count, beside the columns of the found calls.
, own.phone_line, own.employee_name, own.direction, own.status, own.needs_review, own.review_reasons, own.tags, own.transcript_id

-- name: facets
-- Values of the found calls and how often each occurs, counted over at most :most of them; `total` is their number.
WITH looked AS MATERIALIZED (
    {found}
), facts AS (
    SELECT own.recording_id, own.phone_line, own.employee_name, own.direction, own.status, own.needs_review,
           own.review_reasons, own.tags, coalesce(judged.result, 'none') AS verdict, text.roles
      FROM looked own
      LEFT JOIN call_qa_checks judged ON judged.recording_id = own.recording_id
      LEFT JOIN transcripts text ON text.transcript_id = own.transcript_id
), counted AS (
    SELECT CASE WHEN grouping(phone_line) = 0 THEN 'lines' WHEN grouping(employee_name) = 0 THEN 'employees'
                WHEN grouping(direction) = 0 THEN 'directions' WHEN grouping(status) = 0 THEN 'statuses'
                WHEN grouping(verdict) = 0 THEN 'verdicts' WHEN grouping(roles) = 0 THEN 'roles' ELSE 'total' END AS facet,
           coalesce(phone_line, employee_name, direction, status, verdict, roles) AS value, count(*) AS calls
      FROM facts
     GROUP BY GROUPING SETS ((phone_line), (employee_name), (direction), (status), (verdict), (roles), ())
    UNION ALL
    SELECT 'flags', flag, count(*) FROM facts, unnest(review_reasons) AS flag WHERE needs_review GROUP BY flag
    UNION ALL
    SELECT 'tags', tag, count(*) FROM facts, unnest(tags) AS tag GROUP BY tag
)
SELECT facet, value, calls FROM (
    SELECT *, row_number() OVER (PARTITION BY facet ORDER BY calls DESC, value) AS place FROM counted
     WHERE facet = 'total' OR value <> ''
) placed WHERE place <= :values
 ORDER BY facet, place;

-- name: usual_offset
-- The offset from UTC of the newest call.
SELECT utc_offset_sec FROM recordings ORDER BY call_started_at DESC, recording_id DESC LIMIT 1;

-- name: scope_of
-- Whose calls the reader sees; no row: all.
SELECT lines, employee_ids FROM call_scopes WHERE actor = :actor;

-- name: index_state
-- Texts that the search covers of those that `make index` has to add.
SELECT done, texts FROM call_search_backfill;

-- name: index_some
-- Words of the next texts that are older than the search; returns how many. The rows are locked until the words are there,
-- so a text that ends meanwhile ends with its words. Words that a newer text has brought stay.
WITH place AS (
    SELECT up_to FROM call_search_backfill FOR UPDATE
), due AS (
    SELECT own.recording_id, own.call_started_at, own.transcript_id
      FROM recordings own, place
     WHERE own.recording_id > place.up_to AND own.transcript_id IS NOT NULL AND own.text_ended_at IS NULL
     ORDER BY own.recording_id
     LIMIT :most
       FOR NO KEY UPDATE OF own
), made AS (
    INSERT INTO call_search (recording_id, started_at, words)
    SELECT due.recording_id, due.call_started_at, to_tsvector('call_ru', spoken_words(text.body))
      FROM due JOIN transcripts text USING (transcript_id)
    ON CONFLICT (recording_id) DO NOTHING
), counted AS (
    SELECT count(*) AS texts, max(recording_id) AS last FROM due
)
UPDATE call_search_backfill known
   SET up_to = coalesce(counted.last, known.up_to), done = known.done + counted.texts,
       texts = greatest(known.texts, known.done + counted.texts)
  FROM counted
RETURNING counted.texts;

-- name: index_anew!
-- The search begins anew: every text is gone through again.
UPDATE call_search_backfill SET up_to = 0, done = 0,
       texts = (SELECT count(*) FROM recordings WHERE transcript_id IS NOT NULL AND text_ended_at IS NULL);

-- name: share!
-- A search that is shared; the same id again changes nothing.
INSERT INTO shared_searches (search_id, asked, shared_by) VALUES (:search_id, :asked, :shared_by);

-- name: forget_shared!
-- Shared searches end after their days.
DELETE FROM shared_searches WHERE shared_at < now() - make_interval(days => :days);

-- name: shared
-- A shared search.
SELECT asked FROM shared_searches WHERE search_id = :search_id AND shared_at >= now() - make_interval(days => :days);

-- name: now
-- The database's clock.
SELECT now();

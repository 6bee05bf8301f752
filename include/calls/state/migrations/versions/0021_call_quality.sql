-- Quality of calls (ADR 0040): cards, scores with their evidence, verdicts and disputes of people, calibration, runs.
CREATE SCHEMA callcenter;

CREATE FUNCTION callcenter_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;

-- Each version of a card that a run has ever used. A version with another hash is refused.
CREATE TABLE callcenter.quality_cards (
    card      text NOT NULL,
    version   integer NOT NULL,
    hash      text NOT NULL UNIQUE,
    title     text NOT NULL,
    body      json NOT NULL,                         -- keeps the order of a criterion's answers, which jsonb does not
    loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (card, version)
);
CREATE TRIGGER quality_cards_append_only BEFORE UPDATE OR DELETE ON callcenter.quality_cards
    FOR EACH ROW EXECUTE FUNCTION callcenter_append_only();

CREATE TABLE callcenter.quality_runs (
    run_id        uuid PRIMARY KEY,
    dag_run_id    text NOT NULL UNIQUE,
    status        text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'error', 'cancelled')),
    asked         jsonb NOT NULL,                    -- the parameters of the form
    actor         text NOT NULL,
    forecast_cost numeric(14, 6),
    approved_cost numeric(14, 6),                    -- USD that a person allowed; NULL: the budget of the settings
    asked_cost    numeric(14, 6),                    -- of the question that a person was asked last
    verdict       text,
    opened_at     timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz
);

-- The texts that a run is going to score. A text may be the work of two runs: its claim and the unique key of scores
-- let one of them buy it.
CREATE TABLE callcenter.quality_work (
    run_id        uuid NOT NULL REFERENCES callcenter.quality_runs (run_id),
    text_checksum text NOT NULL,
    card_hash     text NOT NULL REFERENCES callcenter.quality_cards (hash),
    recording_id  bigint NOT NULL REFERENCES recordings (recording_id),
    batch_no      integer NOT NULL,
    state         text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'failed')),
    attempts      integer NOT NULL DEFAULT 0,
    error         text,
    PRIMARY KEY (run_id, text_checksum, card_hash)
);
CREATE INDEX quality_work_by_batch ON callcenter.quality_work (run_id, batch_no) WHERE state = 'waiting';

-- Which task buys a score now: a row with a lease, as claims on calls (ADR 0038). The next try of the same task takes its own
-- claim back at once, any other when the lease has run out.
CREATE TABLE callcenter.quality_claims (
    text_checksum text NOT NULL,
    card_hash     text NOT NULL,
    owner         text NOT NULL,                     -- run and batch
    until         timestamptz NOT NULL,
    PRIMARY KEY (text_checksum, card_hash)
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);

CREATE INDEX quality_work_failed ON callcenter.quality_work (text_checksum, card_hash) WHERE state = 'failed';

CREATE TABLE callcenter.quality_scores (
    score_id        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    text_checksum   text NOT NULL,                   -- of the body
    card            text NOT NULL,
    card_version    integer NOT NULL,
    card_hash       text NOT NULL REFERENCES callcenter.quality_cards (hash),
    prompt_version  text NOT NULL,
    provider        text NOT NULL DEFAULT '',        -- '': not bought
    model           text NOT NULL DEFAULT '',
    status          text NOT NULL CHECK (status IN ('scored', 'unscorable')),
    score           numeric(5, 2),                   -- the judge's
    coverage        numeric(4, 3),
    passed          boolean,
    final_score     numeric(5, 2),                   -- with the answers of people in their place
    final_coverage  numeric(4, 3),
    final_passed    boolean,
    auto_failed     boolean NOT NULL DEFAULT false,  -- a proposal, until a person confirms it
    needs_review    boolean NOT NULL DEFAULT false,
    review_reasons  text[] NOT NULL DEFAULT '{}',
    open_disputes   smallint NOT NULL DEFAULT 0,
    current         boolean NOT NULL DEFAULT true,   -- the one of this text and card that figures count
    characters      integer NOT NULL DEFAULT 0,      -- that were sent
    input_tokens    integer NOT NULL DEFAULT 0,
    output_tokens   integer NOT NULL DEFAULT 0,
    cost            numeric(12, 6) NOT NULL DEFAULT 0,
    error_code      text,                            -- why it is unscorable
    recording_id    bigint NOT NULL REFERENCES recordings (recording_id),
    run_id          uuid NOT NULL REFERENCES callcenter.quality_runs (run_id),
    employee_id     text,
    call_started_at timestamptz NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CHECK ((status = 'scored') = (score IS NOT NULL)),
    -- one text, card, prompt and model is bought once, for ever
    UNIQUE (text_checksum, card_hash, prompt_version, model)
);
CREATE UNIQUE INDEX quality_scores_current ON callcenter.quality_scores (text_checksum, card_hash) WHERE current;
CREATE INDEX quality_scores_by_call ON callcenter.quality_scores (call_started_at DESC, score_id) WHERE current;
CREATE INDEX quality_scores_by_recording ON callcenter.quality_scores (recording_id);
CREATE INDEX quality_scores_by_judge ON callcenter.quality_scores (model, created_at DESC) WHERE model <> '';
CREATE INDEX quality_scores_by_employee ON callcenter.quality_scores (employee_id, call_started_at DESC) WHERE current;

CREATE TABLE callcenter.quality_answers (
    score_id   uuid NOT NULL REFERENCES callcenter.quality_scores (score_id) ON DELETE CASCADE,
    criterion  text NOT NULL,
    place      smallint NOT NULL,                    -- in the card
    answer     text NOT NULL,
    lost       text,                                 -- the answer that had no valid evidence
    points     integer NOT NULL,                     -- times the weight; 0 of 0 does not count
    max_points integer NOT NULL,
    evidence   jsonb NOT NULL DEFAULT '[]',          -- [{t, speaker, quote, check}]
    why        text NOT NULL DEFAULT '',
    source     text NOT NULL CHECK (source IN ('model', 'rule')),
    PRIMARY KEY (score_id, criterion)
);

-- What people say. The last of a person counts, and a person outranks the judge.
CREATE TABLE callcenter.quality_verdicts (
    verdict_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    text_checksum text NOT NULL,
    card          text NOT NULL,
    card_hash     text NOT NULL REFERENCES callcenter.quality_cards (hash),
    criterion     text NOT NULL,
    rater         text NOT NULL CHECK (rater <> ''),
    kind          text NOT NULL CHECK (kind IN ('calibration', 'review', 'dispute')),
    blind         boolean NOT NULL,                  -- the rater had not seen the judge's answer
    answer        text NOT NULL,
    t             numeric(10, 2),                    -- where in the call
    comment       text NOT NULL DEFAULT '' CHECK (length(comment) <= 1000),
    at            timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX quality_verdicts_by_text ON callcenter.quality_verdicts (text_checksum, card_hash, criterion, verdict_id);

CREATE TABLE callcenter.quality_disputes (
    dispute_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    score_id    uuid NOT NULL REFERENCES callcenter.quality_scores (score_id) ON DELETE CASCADE,
    criterion   text NOT NULL,
    opened_by   text NOT NULL CHECK (opened_by <> ''),
    reason      text NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
    status      text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'upheld', 'changed')),
    opened_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    resolved_by text,
    resolved_at timestamptz,
    comment     text NOT NULL DEFAULT '' CHECK (length(comment) <= 1000),
    CHECK ((status = 'open') = (resolved_at IS NULL)),
    UNIQUE (score_id, criterion)                     -- once for each criterion
);
CREATE INDEX quality_disputes_open ON callcenter.quality_disputes (opened_at) WHERE status = 'open';

-- Texts that people judge without seeing the judge's answers. The body is masked, and erased with its call.
CREATE TABLE callcenter.calibration_items (
    card          text NOT NULL,
    text_checksum text NOT NULL,
    item_no       integer NOT NULL,
    recording_id  bigint NOT NULL REFERENCES recordings (recording_id),
    body          text NOT NULL,
    seconds       numeric(12, 3) NOT NULL,
    split         text NOT NULL CHECK (split IN ('dev', 'heldout')),
    second_rater  boolean NOT NULL DEFAULT false,    -- two people judge it
    stratum       text NOT NULL,
    added_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (card, text_checksum),
    UNIQUE (card, item_no)
);

-- Answers of judges to the items: bought once for each repetition.
CREATE TABLE callcenter.calibration_answers (
    text_checksum  text NOT NULL,
    card_hash      text NOT NULL REFERENCES callcenter.quality_cards (hash),
    prompt_version text NOT NULL,
    provider       text NOT NULL,
    model          text NOT NULL,
    repetition     smallint NOT NULL,
    answers        jsonb NOT NULL,                   -- {criterion: {answer, lost}}; no word of the call
    cost           numeric(12, 6) NOT NULL,
    at             timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (text_checksum, card_hash, prompt_version, provider, model, repetition)
);

CREATE TABLE callcenter.calibration_runs (
    run_id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    card           text NOT NULL,
    card_hash      text NOT NULL REFERENCES callcenter.quality_cards (hash),
    prompt_version text NOT NULL,
    provider       text NOT NULL,
    model          text NOT NULL,
    set_hash       text NOT NULL,                    -- of the items and verdicts that the figures are of
    items          integer NOT NULL,
    figures        jsonb NOT NULL,                   -- {criterion: figures of domain/agreement.py}
    calls          jsonb NOT NULL DEFAULT '{}',      -- of whole scores: mean error, rank correlation
    status         text NOT NULL CHECK (status IN ('pass', 'fail', 'insufficient')),
    calibrated     text[] NOT NULL,                  -- the criteria that passed
    cost           numeric(12, 6) NOT NULL DEFAULT 0,
    at             timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX calibration_runs_by_judge ON callcenter.calibration_runs (card_hash, prompt_version, provider, model, at DESC);
CREATE TRIGGER calibration_runs_append_only BEFORE UPDATE OR DELETE ON callcenter.calibration_runs
    FOR EACH ROW EXECUTE FUNCTION callcenter_append_only();

-- The newest figures of each judge; a criterion outside `calibrated` is shown grey.
CREATE VIEW callcenter.judges AS
SELECT DISTINCT ON (card_hash, prompt_version, provider, model)
       run_id, card, card_hash, prompt_version, provider, model, items, figures, calls, status, calibrated, at
  FROM callcenter.calibration_runs
 ORDER BY card_hash, prompt_version, provider, model, at DESC;

-- Every move: of runs, scores, verdicts and disputes, with its actor.
CREATE TABLE callcenter.quality_events (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_id   uuid,
    score_id uuid,
    stage    text NOT NULL,
    event    text NOT NULL,
    actor    text NOT NULL DEFAULT '',
    detail   jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX quality_events_by_run ON callcenter.quality_events (run_id, event_id) WHERE run_id IS NOT NULL;
CREATE INDEX quality_events_by_score ON callcenter.quality_events (score_id, event_id) WHERE score_id IS NOT NULL;
CREATE TRIGGER quality_events_append_only BEFORE UPDATE ON callcenter.quality_events
    FOR EACH ROW EXECUTE FUNCTION callcenter_append_only();

-- What a local day was; any day can be made again from the rows.
CREATE TABLE callcenter.daily_stats (
    stat_date       date NOT NULL,
    card            text NOT NULL,
    zone            text NOT NULL,
    total_calls     integer NOT NULL,                -- with a text
    scored          integer NOT NULL,
    unscorable      integer NOT NULL,
    needs_review    integer NOT NULL,
    passed          integer NOT NULL,
    calibrated      integer NOT NULL,                -- scores of a judge that is calibrated on all its criteria
    avg_score       numeric(5, 2),
    avg_coverage    numeric(4, 3),
    total_cost_usd  numeric(14, 6) NOT NULL,
    hourly          jsonb NOT NULL,                  -- {"09": calls}
    made_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stat_date, card)
);

-- Words leave with their text, whatever ends it: erasure, retention or a person. A score keeps its figures.
CREATE FUNCTION callcenter_forget_words() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
    IF EXISTS (SELECT FROM public.transcripts other WHERE other.sha256 = OLD.sha256 AND other.body <> ''
                  AND other.transcript_id <> OLD.transcript_id) THEN
        RETURN NULL;                                 -- another call has the same words
    END IF;
    UPDATE callcenter.quality_answers SET evidence = '[]', why = ''
      FROM callcenter.quality_scores score
     WHERE score.text_checksum = OLD.sha256 AND quality_answers.score_id = score.score_id;
    UPDATE callcenter.quality_verdicts SET comment = '' WHERE text_checksum = OLD.sha256 AND comment <> '';
    UPDATE callcenter.quality_disputes SET reason = '-', comment = ''
      FROM callcenter.quality_scores score
     WHERE score.text_checksum = OLD.sha256 AND quality_disputes.score_id = score.score_id;
    UPDATE callcenter.calibration_items SET body = '' WHERE text_checksum = OLD.sha256 AND body <> '';
    RETURN NULL;
END $$;
CREATE TRIGGER transcripts_words_end AFTER UPDATE OF body ON transcripts
    FOR EACH ROW WHEN (NEW.body = '' AND OLD.body <> '') EXECUTE FUNCTION callcenter_forget_words();
CREATE TRIGGER transcripts_are_removed AFTER DELETE ON transcripts
    FOR EACH ROW EXECUTE FUNCTION callcenter_forget_words();
CREATE INDEX transcripts_by_words ON transcripts (sha256);

-- The scores that figures and lists are of: of the text that the recording shows now. A text that was built anew, or whose
-- roles a person corrected, leaves its score behind. Where no text of that checksum is left (its call was erased, or the
-- names in it have ended), the newest score of the recording and card counts on: figures outlive words.
CREATE VIEW callcenter.counted_scores AS
SELECT score.*
  FROM callcenter.quality_scores score
  JOIN public.recordings own ON own.recording_id = score.recording_id
  LEFT JOIN public.transcripts shown ON shown.transcript_id = own.transcript_id
 WHERE score.current
   AND (shown.sha256 = score.text_checksum
        OR ((own.transcript_id IS NULL
             OR NOT EXISTS (SELECT FROM public.transcripts kept WHERE kept.sha256 = score.text_checksum))
            AND NOT EXISTS (SELECT FROM callcenter.quality_scores newer
                             WHERE newer.recording_id = score.recording_id AND newer.card = score.card AND newer.current
                               AND (newer.created_at, newer.score_id) > (score.created_at, score.score_id))));

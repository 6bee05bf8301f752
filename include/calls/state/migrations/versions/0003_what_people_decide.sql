-- The sum (USD) that this run may spend: the forecast that a person approved (D26); NULL: the budget of the settings.
ALTER TABLE call_exports ADD COLUMN approved_cost numeric(14, 6);

ALTER TABLE call_records
    ADD COLUMN words_per_minute numeric(8, 1),      -- of speech, as the flags judge it
    ADD COLUMN confidence numeric(5, 4)             -- the recogniser's own, 0 to 1; NULL where its model gives none
        CHECK (confidence BETWEEN 0 AND 1),
    ADD COLUMN summary_cost numeric(12, 6),         -- what this text's summaries cost when they were bought, USD
    ADD COLUMN summary_bought boolean NOT NULL DEFAULT false,  -- by this very record, not reused from another
    ADD COLUMN spent_earlier numeric(14, 6) NOT NULL DEFAULT 0,     -- for texts and summaries that others replaced, USD
    ADD COLUMN spent_unfinished numeric(14, 6) NOT NULL DEFAULT 0;  -- for what has no text or summary yet, USD

-- What the record's own run paid for it, USD: a reused text or summary was another's expense.
ALTER TABLE call_records
    ADD COLUMN spent numeric(14, 6) NOT NULL GENERATED ALWAYS AS (
        spent_earlier + spent_unfinished
        + CASE WHEN reused_from_run_id IS NULL THEN coalesce(cost, 0) ELSE 0 END
        + CASE WHEN summary_bought THEN coalesce(summary_cost, 0) ELSE 0 END
    ) STORED;

-- Summaries bought before their price was noted: they are found again, and cost this run nothing.
UPDATE recognition_answers
   SET answer = jsonb_set(answer, '{cost}', answer -> 'cost' || '{"usd": "0", "bought_for": ""}')
 WHERE answer ? 'cost';

-- What an analyst found in a recording of the sample. The last word counts; earlier verdicts are in call_events.
CREATE TABLE call_qa_checks (
    run_id     uuid NOT NULL,
    call_id    text NOT NULL,
    record_id  text NOT NULL,
    result     text NOT NULL CHECK (result IN ('ok', 'issue')),
    comment    text NOT NULL DEFAULT '' CHECK (length(comment) <= 2000),
    checked_by text NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, call_id, record_id),
    FOREIGN KEY (run_id, call_id, record_id) REFERENCES call_records (run_id, call_id, record_id) ON UPDATE CASCADE
);

-- Events about runs and the portal, not about single recordings: few, and read at each scrape of the metrics.
CREATE INDEX call_events_of_runs ON call_events (event, run_id, id) WHERE call_id IS NULL;

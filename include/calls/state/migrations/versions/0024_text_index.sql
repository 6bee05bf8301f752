-- A text that is deleted is looked for in every row that may show it: 40 ms of 100,000 recordings without an index.
CREATE INDEX recordings_by_text ON recordings (transcript_id) WHERE transcript_id IS NOT NULL;
CREATE INDEX call_qa_checks_by_text ON call_qa_checks (transcript_id);
CREATE INDEX replays_by_text ON replays (against);

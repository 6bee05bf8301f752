-- A correction of roles that was taken back shows an earlier text again, whose score is not the newest one. Once the words
-- have ended, figures are of the score that was shown last.
ALTER TABLE callcenter.quality_scores ADD shown_at timestamptz;  -- when its text was shown again; NULL: since it was made

CREATE FUNCTION callcenter_shown_again() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
    UPDATE callcenter.quality_scores score SET shown_at = clock_timestamp()
      FROM public.transcripts text
     WHERE text.transcript_id = NEW.transcript_id AND score.recording_id = NEW.recording_id
       AND score.text_checksum = text.sha256;
    RETURN NULL;
END $$;
CREATE TRIGGER recordings_show_another_text AFTER UPDATE OF transcript_id ON recordings
    FOR EACH ROW WHEN (OLD.transcript_id <> NEW.transcript_id) EXECUTE FUNCTION callcenter_shown_again();

CREATE OR REPLACE VIEW callcenter.counted_scores AS
SELECT score.*
  FROM callcenter.quality_scores score
  JOIN public.recordings own ON own.recording_id = score.recording_id
  LEFT JOIN public.transcripts shown ON shown.transcript_id = own.transcript_id
 WHERE score.current
   AND (shown.sha256 = score.text_checksum
        OR ((own.transcript_id IS NULL
             OR NOT EXISTS (SELECT FROM public.transcripts kept WHERE kept.sha256 = score.text_checksum))
            AND NOT EXISTS (SELECT FROM callcenter.quality_scores later
                             WHERE later.recording_id = score.recording_id AND later.card = score.card AND later.current
                               AND (coalesce(later.shown_at, later.created_at), later.score_id)
                                   > (coalesce(score.shown_at, score.created_at), score.score_id))));

-- What waits for people is a few of very many: the lists and the figures of the metrics find it by itself.
CREATE INDEX quality_scores_to_review ON callcenter.quality_scores (call_started_at DESC, score_id DESC)
    WHERE current AND needs_review;
CREATE INDEX quality_scores_disputed ON callcenter.quality_scores (call_started_at DESC, score_id DESC)
    WHERE current AND open_disputes > 0;

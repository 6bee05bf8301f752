-- The recognition of the text that an adopted one has replaced: whatever ends the words of a recording finds it here.
ALTER TABLE replays ADD COLUMN earlier_path text;  -- storage key; NULL: nothing was adopted, or there was no recognition

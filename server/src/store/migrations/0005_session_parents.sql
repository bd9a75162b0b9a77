-- The session in which a link was made. What it opened ends with that session.
ALTER TABLE sessions ADD COLUMN parent TEXT;
CREATE INDEX sessions_of_parent ON sessions (parent) WHERE parent IS NOT NULL;
